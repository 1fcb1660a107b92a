"""docs/file-format.md describes every key and column that a build writes, and no others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from support.places import ROOT

from sftdata.base.ledger_line import LedgerLine
from sftdata.base.reasons import Status
from sftdata.base.schema import shard_schema
from sftdata.building.build import build
from sftdata.loading.packing import PLAN_SCHEMA

PAGE = (ROOT / "docs" / "file-format.md").read_text(encoding="utf-8")

# Objects whose keys are names, and the word that the page writes for them.
NAMED = {
    "template": "LABEL", "splits": "SPLIT", "files": "PATH", "dropped": "REASON",
    "flagged": "REASON", "unread": "SOURCE", "examples": "NAME", "stats.splits": "SPLIT",
    "stats.by_template": "LABEL", "stats.by_task": "TASK", "stats.by_source": "NAME",
    "stats.by_source.NAME.left_out": "REASON",
}  # fmt: skip
# Described as one: by the page of specs, or by the words of a row above.
WHOLE = (
    "spec", "options", "chat.options", "stats.target_length", "stats.length",
    "stats.splits.SPLIT", "stats.by_template.LABEL", "stats.by_task.TASK",
)  # fmt: skip


def keys_of(content: Any, place: str = "") -> Iterator[str]:
    """The keys as the page writes them: `splits.SPLIT.shards[].path`."""
    if isinstance(content, list):
        for item in content:
            if isinstance(item, dict):
                yield from keys_of(item, f"{place}[]")
        return
    if not isinstance(content, Mapping) or place in WHOLE:
        return
    for name, value in content.items():
        own = NAMED.get(place, name)
        below = f"{place}.{own}" if place else own
        yield below
        yield from keys_of(value, below)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The keys of manifests of all kinds."""
    folder = tmp_path_factory.mktemp("sets")
    rows = [
        {"id": str(i), "article": f"Text {i}.", "summary": f"So {i}.", "x": 1} for i in range(9)
    ]
    rows[3]["summary"] = rows[4]["article"] = ""
    rows[5]["summary"] = rows[5]["article"]
    lines = "".join(f"{row}\n".replace("'", '"') for row in rows)
    (folder / "rows.jsonl").write_text(lines)
    given = build("summarize", data={"train": folder / "rows.jsonl"}, out=folder / "given",
                  max_dropped=50)  # fmt: skip
    made = [
        given,
        build("summarize", shots=[2], chat=True, date="2026-01-31", out=folder / "shots"),
        build("chat", out=folder / "chat"),
        build("multitask", out=folder / "multitask"),
    ]
    return {key for outcome in made for key in keys_of(outcome.manifest.content)}


def described(heading: str) -> dict[str, str]:
    """The first and second cell of each row of the tables below a heading of the page."""
    section = re.split(rf"^#+ {heading}\n", PAGE, flags=re.MULTILINE)[1]
    level = 2 if f"\n## {heading}\n" in PAGE else 3
    section = re.split(rf"^#{{1,{level}}} ", section, flags=re.MULTILINE)[0]
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", section, flags=re.MULTILINE)
    return {name: cell.strip() for name, cell in rows}


def test_every_key_of_a_manifest_is_described(written: set[str]) -> None:
    objects = {"tokenizer", "splits", "certificate", "stats", "examples.NAME"}
    objects |= {key for key in written if key.endswith((".SPLIT", ".PATH", ".by_source.NAME"))}
    objects |= {f"stats.{name}" for name in ("splits", "by_template", "by_task", "by_source")}
    objects |= {"stats.by_source.NAME.left_out"}  # what they hold has a row each
    assert written - set(described("Manifest")) - objects == set()


def test_nothing_is_described_that_no_build_writes(written: set[str]) -> None:
    rare = {"tokenizer.chat_template", "tokenizer.text_tokens", "sources[].split_column"}
    rare |= {"stats.by_source.NAME.left_out.REASON", "sources[].version"}
    assert set(described("Manifest")) - written - rare == set()


def test_the_columns_of_shards_have_these_names_and_types() -> None:
    types = {
        "string": "string (utf8)",
        "int32": "int32",
        "list<item: int32>": "list of int32",
        "list<item: bool>": "list of bool",
        "dictionary<values=string, indices=int8, ordered=0>": "dictionary of int8 → string",
    }
    expected = {field.name: types[str(field.type)] for field in shard_schema(mixed=True)}
    assert list(described("Shards").items()) == list(expected.items())


def test_the_columns_of_ledgers_and_pack_plans_are_described() -> None:
    assert list(described("Ledger")) == [field.name for field in fields(LedgerLine)]
    assert all(f"`{status.value}`" in described("Ledger")["status"] for status in Status)
    assert list(described("Pack plans")) == PLAN_SCHEMA.names


def test_every_file_of_a_dataset_is_in_the_table(tmp_path: Path) -> None:
    out = build("summarize", shots=[2], out=tmp_path / "set").manifest.directory
    shown = [re.escape(name).replace("00000", r"\d{5}") for name in described("Files of a dataset")]
    patterns = [re.compile(re.sub("<[a-z]+>", "[^/]+", name)) for name in shown]
    for path in out.rglob("*"):
        name = path.relative_to(out).as_posix()
        assert path.is_dir() or any(pattern.fullmatch(name) for pattern in patterns), name
