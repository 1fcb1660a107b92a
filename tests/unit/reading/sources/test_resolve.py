"""Sources: what a `--data` argument names."""

from __future__ import annotations

import hashlib
import io
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import datasets
import pytest

from sftdata.errors import GoldenSetError
from sftdata.reading.sources.resolve import Source, resolve_sources


@pytest.mark.parametrize(
    ("name", "format_", "compression"),
    [
        ("a.jsonl", "jsonl", None),
        ("a.ndjson", "jsonl", None),
        ("a.json", "jsonl", None),
        ("a.JSONL", "jsonl", None),
        ("a.v1.2.jsonl.gz", "jsonl", "gzip"),
        ("a.jsonl.zst", "jsonl", "zstd"),
        ("a.csv", "csv", None),
        ("a.csv.gz", "csv", "gzip"),
        ("a.tsv.zst", "tsv", "zstd"),
        ("a.parquet", "parquet", None),
        ("a.arrow", "arrow", None),
        ("a.feather", "arrow", None),
    ],
)
def test_the_name_of_a_file_tells_its_format(
    name: str, format_: str, compression: str | None
) -> None:
    Path(name).touch()
    assert resolve_sources([name]) == [Source(name, format_, (Path(name),), compression)]


@pytest.mark.parametrize("name", ["a.txt", "a", "a.gz", "a.parquet.gz", "a.xlsx"])
def test_a_name_that_tells_no_format_is_an_error_that_lists_the_known_ones(name: str) -> None:
    Path(name).touch()
    with pytest.raises(GoldenSetError, match=r"(?s)say how the rows.*\.jsonl.*\.csv.*\.parquet"):
        resolve_sources([name])


def test_a_glob_gives_its_files_in_order_of_their_names() -> None:
    for name in ("b.jsonl", "a.jsonl", "c.csv"):
        Path(name).touch()
    assert [source.name for source in resolve_sources(["*.jsonl"])] == ["a.jsonl", "b.jsonl"]


def test_a_file_whose_name_looks_like_a_glob_is_that_file() -> None:
    Path("a[1].jsonl").touch()
    Path("a1.jsonl").touch()
    assert [source.name for source in resolve_sources(["a[1].jsonl"])] == ["a[1].jsonl"]


def test_several_data_keep_the_order_they_were_given_in() -> None:
    for name in ("a.jsonl", "b.csv"):
        Path(name).touch()
    assert [source.name for source in resolve_sources(["b.csv", "a.jsonl"])] == ["b.csv", "a.jsonl"]


@pytest.mark.parametrize("absolute", [True, False])
def test_a_path_may_be_absolute_also_with_a_glob(tmp_path: Path, absolute: bool) -> None:
    (tmp_path / "x.jsonl").touch()
    pattern = str(tmp_path / "*.jsonl") if absolute else "./*.jsonl"
    assert [source.files[0].name for source in resolve_sources([pattern])] == ["x.jsonl"]


def test_what_is_not_there_is_an_error_that_names_it() -> None:
    with pytest.raises(GoldenSetError, match=r"'nope\.jsonl'"):
        resolve_sources(["nope.jsonl"])


def test_what_looks_like_a_hub_name_gets_the_way_to_write_it() -> None:
    with pytest.raises(GoldenSetError, match="--data hf:owner/name"):
        resolve_sources(["owner/name"])


def test_a_folder_gives_its_files_in_order_of_their_names() -> None:
    Path("folder").mkdir()
    for name in ("b.jsonl", "a.jsonl.gz", "a.json", ".hidden.csv", "_SUCCESS"):
        (Path("folder") / name).touch()
    for item in ("folder", "folder/"):
        sources = resolve_sources([item])
        assert [s.name for s in sources] == ["folder/a.json", "folder/a.jsonl.gz", "folder/b.jsonl"]
        assert [source.note for source in sources] == [None, None, None]


def test_what_is_not_read_from_a_folder_is_named() -> None:
    Path("folder/built").mkdir(parents=True)
    for name in ("README.md", "a.csv", "dataset_infos.json", "built/manifest.json", "built/b.csv"):
        (Path("folder") / name).touch()
    (source,) = resolve_sources(["folder"])
    assert source.note == "Not read from folder: README.md, built/."


def test_a_folder_of_several_kinds_is_an_error_that_lists_them() -> None:
    Path("folder").mkdir()
    for name in ("a.csv", "b.jsonl", "c.json", "d.parquet"):
        (Path("folder") / name).touch()
    with pytest.raises(GoldenSetError) as error:
        resolve_sources(["folder"])
    assert str(error.value) == (
        "folder: the folder holds files of several kinds. "
        "csv: a.csv; jsonl: b.jsonl, c.json; parquet: d.parquet.\n"
        "Name those of one kind, for example: --data 'folder/**/*.csv'"
    )


def test_a_folder_without_rows_is_an_error_that_says_what_it_holds() -> None:
    Path("folder/sub").mkdir(parents=True)
    Path("folder/sub/notes.md").touch()
    with pytest.raises(GoldenSetError, match=r"no file of rows; it holds sub/notes\.md\.\nKnown"):
        resolve_sources(["folder"])
    Path("folder/sub/notes.md").unlink()
    with pytest.raises(GoldenSetError, match="no file of rows; it is empty"):
        resolve_sources(["folder/sub"])


@pytest.mark.parametrize("name", ["rows.jsonl", "new\nline.jsonl"])
def test_what_is_no_regular_file_is_an_error_that_says_so(name: str) -> None:
    Path(name).symlink_to("gone.jsonl")
    with pytest.raises(GoldenSetError, match=r"a symbolic link to 'gone\.jsonl', which does not"):
        resolve_sources([name])
    os.mkfifo("pipe.jsonl")
    for place in ("pipe.jsonl", os.devnull):
        with pytest.raises(GoldenSetError, match=r"a pipe or a device, not a file\.\nPipe"):
            resolve_sources([place])


def test_a_saved_data_set_is_one_source_and_a_dictionary_of_them_is_several() -> None:
    rows = datasets.Dataset.from_dict({"id": ["1", "2"]})
    rows.save_to_disk("one")
    datasets.DatasetDict(train=rows, test=rows).save_to_disk("two")
    (one,) = resolve_sources(["one"])
    assert one.format == "arrow"
    assert [path.parent.name for path in one.files] == ["one"]
    assert [source.name for source in resolve_sources(["two"])] == ["two/train", "two/test"]


def test_a_minus_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b'{"a": 1}\n')))
    (source,) = resolve_sources(["-"])
    assert (source.name, source.format) == ("<stdin>", "jsonl")
    assert source.sha256 == hashlib.sha256(b'{"a": 1}\n').hexdigest()


def test_the_digest_is_that_of_the_bytes_and_not_of_the_place() -> None:
    Path("a.jsonl").write_bytes(b"x" * 3_000_000)
    Path("b.jsonl").write_bytes(b"x" * 3_000_000)
    a, b = resolve_sources(["a.jsonl", "b.jsonl"])
    assert a.sha256 == b.sha256 == hashlib.sha256(b"x" * 3_000_000).hexdigest()
    assert a.size == 3_000_000


@pytest.mark.parametrize("item", ["", " ", "test= "])
def test_an_empty_path_is_not_the_working_directory(item: str) -> None:
    """`sftdata build "$FILE"` with a variable that is not set."""
    Path("rows.jsonl").write_text('{"a": "b"}\n')
    with pytest.raises(GoldenSetError, match="A path of rows is empty"):
        resolve_sources([item])
