"""Sources: what a `--data` argument names."""

from __future__ import annotations

import hashlib
import io
import sys
from pathlib import Path
from types import SimpleNamespace

import datasets
import pytest

from sftdata.errors import GoldenSetError
from sftdata.reading.sources import Source, resolve_sources


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


def test_a_folder_that_datasets_did_not_save_gets_a_glob_to_try() -> None:
    Path("folder").mkdir()
    with pytest.raises(GoldenSetError, match=r"state\.json(?s:.*)'folder/\*\.jsonl'"):
        resolve_sources(["folder"])


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
