"""What a spec asks for and no row has is named, wherever the rows are that have it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from sftdata.errors import SftdataError
from sftdata.reading.sources.resolve import resolve_sources
from sftdata.reading.unmet import find_unmet
from sftdata.spec.model import Spec

ROWS = [
    {"kind": "a", "article": "Fix: one", "summary": "x"},
    {"kind": "b", "article": "Mend: two", "summary": "y"},
    {"kind": "b", "article": "three", "summary": None},
]


def unmet(rows: Sequence[Any] = ROWS, files: int = 1, **keys: Any) -> list[str]:
    names = [f"{at}.jsonl" for at in range(files)]
    for at, name in enumerate(names):
        own = rows[at::files]
        Path(name).write_text("".join(json.dumps(row) + "\n" for row in own))
    fields = {"article": "article", "summary": "summary"} | keys.pop("fields", {})
    values = {"task": "t", "data": names, "templates": ["t/a"], "tokenizer": "x", "fields": fields}
    spec = Spec.model_validate(values | keys)
    return find_unmet(spec, tuple(resolve_sources(names)))


def test_a_value_of_where_that_no_row_has_is_named_with_those_that_rows_have() -> None:
    assert unmet(where={"kind": ["a", "b"]}) == []
    assert unmet(where={"kind": ["a", "bb"]}) == [
        "where: no row has 'bb' in 'kind'. Did you mean 'b'?"
    ]
    assert unmet(where={"kind": ["a", "other"]}, files=2) == [
        "where: no row has 'other' in 'kind'. Known: a, b."
    ]


def prefixed(*prefixes: str) -> dict[str, Any]:
    return {"article": {"path": "article", "strip_prefix": list(prefixes)}}


def test_a_prefix_that_no_row_starts_with_is_named() -> None:
    assert unmet(fields=prefixed("Fix: ", "Mend: ")) == []
    assert unmet(fields=prefixed("Fix: ", "Repair: ", "fix: ")) == [
        "strip_prefix: no row has a 'article' that starts with 'Repair: ', 'fix: '."
    ]


def test_a_prefix_counts_in_the_rows_that_are_built_only() -> None:
    (note,) = unmet(fields=prefixed("Fix: "), where={"kind": "b"})
    assert note.endswith("starts with 'Fix: '.")


def test_the_last_row_of_the_last_file_counts() -> None:
    rows = [{"kind": "b", "article": f"{at}", "summary": "s"} for at in range(9_000)] + ROWS[:1]
    keys: Any = {"fields": prefixed("Fix: "), "where": {"kind": ["a", "b"]}}
    assert unmet(rows, files=2, **keys) == []
    assert len(unmet(rows[:-1], files=2, **keys)) == 2


def test_an_optional_field_from_a_column_that_no_row_has_is_named() -> None:
    renamed = {"context": {"path": "ctx", "optional": True}}
    assert unmet(fields=renamed) == ["No row has a value in 'ctx', from which 'context' is read."]
    assert unmet([*ROWS, ROWS[0] | {"ctx": "c"}], fields=renamed) == []
    # The usual name is in every bundled spec, and rows need not have it.
    assert unmet(fields={"context": {"path": "context", "optional": True}}) == []


def test_what_stands_beside_conversations_is_looked_for_too() -> None:
    row = {"messages": [{"role": "user", "content": "hi"}], "functions": [{"name": "f"}]}
    fields = {"messages": "messages", "system": "sys", "tools": "functions"}
    spec = {"task": "t", "data": ["t.jsonl"], "tokenizer": "x", "chat": True, "fields": fields}
    Path("t.jsonl").write_text(json.dumps(row) + "\n")
    sources = tuple(resolve_sources(["t.jsonl"]))
    assert find_unmet(Spec.model_validate(spec), sources) == [
        "No row has a value in 'sys', from which 'system' is read."
    ]


def test_tables_are_read_in_the_same_way() -> None:
    parquet.write_table(pa.Table.from_pylist(ROWS), "t.parquet")
    fields = {"summary": "summary"} | prefixed("Fix: ", "No: ")
    spec = Spec.model_validate(
        {"task": "t", "data": ["t.parquet"], "templates": ["t/a"], "tokenizer": "x"}
        | {"fields": fields, "where": {"kind": "a"}}
    )
    (note,) = find_unmet(spec, tuple(resolve_sources(["t.parquet"])))
    assert note.endswith("starts with 'No: '.")


def test_a_column_that_is_not_there_is_the_error_of_a_build() -> None:
    with pytest.raises(SftdataError, match="where names 'kid'"):
        unmet(where={"kid": "a"})
