"""The manifest: what is read back, what is refused, and that no row is lost."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from support.forty_rows import build_rows, rows, write_spec

from sftdata.base.sealed_json import seal, to_json
from sftdata.errors import SftdataError
from sftdata.writing.manifest import MANIFEST, Manifest, read_manifest, split_origin, write_manifest


@pytest.fixture
def content(byte_tokenizer: Path) -> dict[str, Any]:
    write_spec(byte_tokenizer)
    return dict(build_rows(rows()).manifest.content)


def test_it_is_read_as_it_was_written(content: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    write_manifest(Manifest(tmp_path / "copy", content))
    assert read_manifest(tmp_path / "copy").content == content


def test_rows_must_be_in_a_shard_or_dropped(content: dict[str, Any], tmp_path: Path) -> None:
    lost = content | {"rows_out": content["rows_out"] - 1}
    with pytest.raises(AssertionError, match="rows_in differs"):
        write_manifest(Manifest(tmp_path, lost))
    assert not (tmp_path / MANIFEST).exists()


def test_dropped_rows_are_no_lost_rows(content: dict[str, Any], tmp_path: Path) -> None:
    fewer = content | {"rows_out": content["rows_out"] - 3, "dropped": {"a": 1, "b": 2}}
    write_manifest(Manifest(tmp_path, fewer))
    assert read_manifest(tmp_path)["dropped"] == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "holds no dataset"),
        ("{", "not a readable manifest"),
        ("[]", "not a readable manifest"),
        ('{"version": 1}', "it has no"),
        ('{"version": 99}', "reads up to 1"),
    ],
)
def test_anything_else_is_one_error(text: str | None, message: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(SftdataError, match=message):
        read_manifest(tmp_path)


def test_a_wrong_folder_is_answered_with_the_datasets_near_it(
    content: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "data" / "news").mkdir(parents=True)
    write_manifest(Manifest(tmp_path / "data" / "news", content))
    with pytest.raises(SftdataError, match=r"new does not exist\.\nDatasets beside it: news"):
        read_manifest(tmp_path / "data" / "new")
    with pytest.raises(SftdataError, match=r"data holds no dataset.*\nDatasets in it: news"):
        read_manifest(tmp_path / "data")


def test_an_older_manifest_may_lack_newer_keys(content: dict[str, Any], tmp_path: Path) -> None:
    newer = {"repeated", "flagged", "files", "own_sha256"}
    older = {key: value for key, value in content.items() if key not in newer}
    (tmp_path / MANIFEST).write_text(json.dumps(older))
    read = read_manifest(tmp_path)
    assert (read["repeated"], read["flagged"]) == (0, {})


def test_every_bit_of_it_is_under_its_digest(content: dict[str, Any], tmp_path: Path) -> None:
    """Also where the digest itself stands: no flip makes it a manifest of an older version."""
    write_manifest(Manifest(tmp_path, content))
    whole = (tmp_path / MANIFEST).read_bytes()
    rng = random.Random(0)
    places = [*rng.sample(range(len(whole)), 200), *range(len(whole) - 90, len(whole))]
    for at in places:
        damaged = bytearray(whole)
        damaged[at] ^= 1 << rng.randrange(8)
        (tmp_path / MANIFEST).write_bytes(damaged)
        with pytest.raises(SftdataError):
            read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("build", "../other", r"'build' is '\.\./other', not a plain name"),
        ("cut", "x", r"'cut' is 'x', not a whole number"),
        ("draft", 1, r"'draft' is 1, not true or false"),
        ("splits", [], r"'splits' is \[\], not an object"),
        ("splits.train.shards", {}, r"'splits\.train\.shards' is \{\}, not a list"),
        ("splits.train.shards.0.rows", -1, r"shards\[0\]\.rows' is -1, not a whole number"),
        ("splits.train.shards.0.path", "/etc/passwd", r"not a path inside its folder"),
        ("splits.train.shards.0.path", "shards/../../x", r"not a path inside its folder"),
        ("tokenizer.eos_id", None, r"'tokenizer\.eos_id' is None, not a whole number"),
        ("stats", 3, r"'stats' is 3, not an object"),
    ],
)
def test_a_key_of_a_wrong_type_is_named(
    place: str, value: object, message: str, content: dict[str, Any], tmp_path: Path
) -> None:
    *above, last = place.split(".")
    holder: Any = content
    for key in above:
        holder = holder[int(key) if key.isdecimal() else key]
    holder[last] = value
    (tmp_path / MANIFEST).write_bytes(to_json(seal(content)))
    with pytest.raises(SftdataError, match=message):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ([{"path": "a.jsonl"}], "shares"),
        ([{"split": "train"}, {"split": "test"}], "given splits"),
        ([{"split": "test"}, {"path": "a.jsonl"}], "given splits, shares"),
        ([{"split_column": "part"}, {"split_column": "part"}], "column part"),
        ([{"split_column": "part"}, {"path": "a.jsonl"}], "column part, shares"),
    ],
)
def test_the_origin_of_splits_is_told_by_the_sources(
    sources: list[dict[str, Any]], words: str
) -> None:
    assert split_origin(sources) == words
