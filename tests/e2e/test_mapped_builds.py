"""Mappings through a whole build: every rule, from JSONL and Parquet, with its ledger lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sftdata.building.build import build
from sftdata.building.plan import make_plan
from sftdata.errors import GoldenSetError
from sftdata.loading.dataset import load
from sftdata.reading.chunks import read_chunks
from sftdata.reading.row_reader import row_reader
from sftdata.reading.rows import RowReader, Rows
from sftdata.reading.sources.resolve import resolve_sources
from sftdata.spec.fields import FieldRule
from sftdata.spec.load import load_spec
from sftdata.spec.model import Spec
from sftdata.writing.ledger import read_ledger

Row = dict[str, Any]
SPEC = """
task = "made"
data = ["rows.{format}"]
template = "grammar/plain"
tokenizer = "tokenizers/small"
max_dropped = 60
{extra}
[fields]
{fields}
"""
FORMATS = pytest.mark.parametrize("kind", ["jsonl", "parquet"])


def write(rows: list[Row], kind: str) -> None:
    if kind == "jsonl":
        Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        pq.write_table(pa.Table.from_pylist(rows), "rows.parquet", row_group_size=3)


def made(rows: list[Row], kind: str, fields: str, extra: str = "") -> tuple[list[Row], list[Row]]:
    """The golden rows of a build, faults aside, and its ledger."""
    write(rows, kind)
    Path("spec.toml").write_text(SPEC.format(format=kind, fields=fields, extra=extra))
    outcome = build(spec="spec.toml", out="out")
    manifest = outcome.manifest
    assert manifest["rows_in"] == manifest["rows_out"] + sum(manifest["dropped"].values())
    spec = load_spec(file=Path("spec.toml"))
    assert isinstance(spec, Spec)
    plan = make_plan(spec)
    golden = [
        row
        for chunks in read_chunks(plan.sources[0], 0)
        for row in row_reader(plan.spec, plan.sources).parse(chunks).batch.to_pylist()
    ]
    assert {row["row_id"] for row in golden} >= {
        example.row_id for split in load("out").values() for example in split
    }
    return golden, read_ledger(manifest).to_pylist()


def column(rows: list[Row], name: str) -> list[str]:
    return [row[name] for row in rows]


@FORMATS
def test_a_nested_path_leads_through_objects_and_lists(kind: str) -> None:
    rows: list[Row] = [
        {"pair": {"en": "She go.", "fixes": {"all": ["She goes.", "She went."]}}, "n": {"id": 7}},
        {"pair": {"en": "He go.", "fixes": {"all": ["He goes."]}}, "n": {"id": 8}},
        {"pair": {"en": "We goes.", "fixes": {"all": []}}, "n": {"id": 9}},
        {"pair": {"en": "I goes.", "fixes": None}, "n": {"id": 10}},
        {"pair": None, "n": {"id": 11}},
    ]
    golden, ledger = made(
        rows, kind, 'id = "n.id"\ntext = "pair.en"\ncorrected = "pair.fixes.all[0]"'
    )
    assert golden == [
        {"row_id": "7", "text": "She go.", "corrected": "She goes."},
        {"row_id": "8", "text": "He go.", "corrected": "He goes."},
    ]
    assert [(x["row_id"], x["reason"], x["detail"]) for x in ledger] == [
        ("9", "missing_field", "'corrected' is missing or null"),
        ("10", "missing_field", "'corrected' is missing or null"),
        ("11", "missing_field", "'corrected' is missing or null"),
    ]


@FORMATS
@pytest.mark.parametrize(("path", "second"), [("c[1]", "b1"), ("c[-1]", "b2")])
def test_an_index_counts_from_either_end(kind: str, path: str, second: str) -> None:
    rows = [
        {"t": "a", "c": ["a1"]},
        {"t": "b", "c": ["b0", "b1", "b2"]},
        {"t": "c", "c": ["c0", "c1"]},
    ]
    golden, ledger = made(rows, kind, f'text = "t"\ncorrected = "{path}"')
    assert second in column(golden, "corrected")
    assert len(golden) + len(ledger) == 3


@FORMATS
def test_each_item_of_a_list_is_a_row(kind: str) -> None:
    rows = [
        {"id": f"r{i}", "t": f"Text {i}", "c": [f"First {i}", f"Second {i}", f"Third {i}"][: i % 4]}
        for i in range(16)
    ]
    golden, ledger = made(rows, kind, 'id = "id"\ntext = "t"\ncorrected = "c[]"')
    assert [(r["row_id"], r["text"], r["corrected"]) for r in golden[:3]] == [
        ("r1#0", "Text 1", "First 1"),
        ("r2#0", "Text 2", "First 2"),
        ("r2#1", "Text 2", "Second 2"),
    ]
    # A row without an item is one golden row that misses the field.
    assert [(x["row_id"], x["reason"]) for x in ledger] == [
        (f"r{i}#0", "missing_field") for i in (0, 4, 8, 12)
    ]


@FORMATS
@pytest.mark.parametrize("id_rule", ["", 'id = "id"\n'])
@pytest.mark.parametrize("group", ["", 'group = "g"'])
def test_items_of_one_row_stay_in_one_split(kind: str, id_rule: str, group: str) -> None:
    rows: list[Row] = [
        {
            "id": f"{i}",
            "g": f"g{i % 5}" if i % 2 else None,
            "t": f"Text {i}",
            "c": [f"{i}.{j}" for j in range(4)],
        }
        for i in range(40)
    ]
    golden, _ = made(rows, kind, f'{id_rule}text = "t"\ncorrected = "c[]"', group)
    text = {row["row_id"]: row["text"] for row in golden}
    splits = [{text[example.row_id] for example in split} for split in load("out").values()]
    assert sum(map(len, splits)) == len(set.union(*splits)) == 40


@FORMATS
@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ('kind = "gec"', ["0", "2", "4"]),
        ('kind = ["gec", "other"]', ["0", "1", "2", "3", "4", "5"]),
        ("level = 2", ["2", "5"]),
        ("level = [0, 2]", ["0", "2", "3", "5"]),
        ("good = true", ["1", "3", "5"]),
        ("good = false", ["0", "2", "4"]),
        ("score = 0.5", ["1"]),
        ('"meta.lang" = "en"', ["0", "1"]),
        ('kind = "gec"\nlevel = 0', ["0"]),
    ],
)
def test_only_rows_that_pass_the_filters_are_kept(kind: str, where: str, kept: list[str]) -> None:
    rows: list[Row] = [
        {
            "id": str(i),
            "t": f"Text {i}",
            "c": f"Corrected {i}",
            "kind": "other" if i % 2 else "gec",
            "level": i % 3,
            "good": bool(i % 2),
            "score": i / 2,
            "meta": {"lang": "en" if i < 2 else "de"},
        }
        for i in range(6)
    ]
    fields = f'id = "id"\ntext = "t"\ncorrected = "c"\n[where]\n{where}'
    golden, ledger = made(rows, kind, fields)
    assert column(golden, "row_id") == kept
    assert {x["row_id"] for x in ledger} == set("012345") - set(kept)
    assert {(x["status"], x["reason"]) for x in ledger} <= {("dropped", "filtered")}
    assert all("is not" in x["detail"] for x in ledger)


def test_a_row_that_is_filtered_out_need_not_be_whole() -> None:
    rows = [
        {"k": 1, "t": "Text", "c": "Fixed"},
        {"k": 2, "t": None, "c": "x\0"},
        {"k": 1, "t": "", "c": "x"},
        {"k": 1, "t": "a", "c": "b"},
    ]
    _, ledger = made(rows, "jsonl", 'text = "t"\ncorrected = "c"\n[where]\nk = 1')
    assert [x["reason"] for x in ledger] == ["filtered", "empty_field"]


def test_filtered_rows_are_no_fault_of_the_data() -> None:
    rows = [{"k": i, "t": f"Text {i}", "c": f"Fixed {i}"} for i in range(100)]
    made(rows, "jsonl", 'text = "t"\ncorrected = "c"\n[where]\nk = [1, 2]')  # 98 % are dropped
    with pytest.raises(GoldenSetError, match=r"All 100 rows are left out: 100 filtered"):
        made(rows, "jsonl", 'text = "t"\ncorrected = "c"\n[where]\nk = 1000')


@FORMATS
def test_an_optional_field_is_empty_where_there_is_nothing(kind: str) -> None:
    rows: list[Row] = [
        {"t": None, "c": "first", "x": "y"},
        {"t": "  ", "c": "second", "x": "y"},
        {"t": "text", "c": "third", "x": "y"},
    ]
    golden, ledger = made(rows, kind, 'text = { path = "t", optional = true }\ncorrected = "c"')
    assert column(golden, "text") == ["", "  ", "text"]
    assert ledger == []


@FORMATS
def test_a_value_is_the_same_in_every_row(kind: str) -> None:
    rows = [{"c": "first"}, {"c": "second"}]
    golden, _ = made(rows, kind, 'text = { value = "Say it." }\ncorrected = "c"')
    assert column(golden, "text") == ["Say it.", "Say it."]


@FORMATS
def test_swapped_fields_change_places(kind: str) -> None:
    rows = [{"t": "wrong", "c": "right", "k": 1}]
    golden, _ = made(
        rows,
        kind,
        'text = { path = "t", strip_prefix = "w" }\ncorrected = "c"',
        'swap = [["text", "corrected"]]',
    )
    assert (golden[0]["text"], golden[0]["corrected"]) == ("right", "rong")


@FORMATS
def test_the_first_path_with_visible_text_counts(kind: str) -> None:
    rows: list[Row] = [
        {"a": "short", "b": "long", "d": {"c": "deep"}, "t": "0"},
        {"a": " \n", "b": "long", "d": {"c": "deep"}, "t": "1"},
        {"a": None, "b": "", "d": {"c": "deep"}, "t": "2"},
        {"a": None, "b": None, "d": None, "t": "3"},
        {"a": "", "b": "", "d": {"c": ""}, "t": "4"},
    ]
    golden, ledger = made(rows, kind, 'text = "t"\ncorrected = { first = ["a", "b", "d.c"] }')
    assert column(golden, "corrected") == ["short", "long", "deep"]
    assert [x["reason"] for x in ledger] == ["missing_field", "empty_field"]


@FORMATS
def test_one_prefix_is_taken_off_once_the_longest_first(kind: str) -> None:
    texts = ["Fix: a", "Fix: Fix: b", "Fix: now: c", "fix: d", "e Fix: ", "Fix (*): f", "Fix: "]
    rows = [{"t": text, "c": f"{i}"} for i, text in enumerate(texts)]
    rule = '{ path = "t", strip_prefix = ["Fix: ", "Fix: now: ", "Fix (*): "] }'
    golden, ledger = made(rows, kind, f'text = {rule}\ncorrected = "c"')
    assert column(golden, "text") == ["a", "Fix: b", "c", "fix: d", "e Fix: ", "f"]
    assert [x["reason"] for x in ledger] == ["empty_field"]


@FORMATS
def test_rows_of_a_group_stay_in_one_split(kind: str) -> None:
    rows = [
        {"id": str(i), "t": f"Text {i}", "c": f"Fixed {i}", "doc": {"n": i % 9}} for i in range(90)
    ]
    made(rows, kind, 'id = "id"\ntext = "t"\ncorrected = "c"', 'group = "doc.n"')
    splits = [{int(e.row_id) % 9 for e in split} for split in load("out").values()]
    assert sum(map(len, splits)) == 9


CONVERSATIONS: dict[str, list[Row]] = {
    "role": [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "Hi {}"},
        {"role": "assistant", "content": "Hello {}"},
    ],
    "from": [
        {"from": "system", "value": "Be short."},
        {"from": "human", "value": "Hi {}"},
        {"from": "gpt", "value": "Hello {}"},
    ],
}


def talks(spelling: str) -> list[Row]:
    turns = CONVERSATIONS[spelling]
    return [
        {"turns": [{k: v.format(i) for k, v in turn.items()} for turn in turns]} for i in range(5)
    ]


def read(kind: str) -> Rows:
    (source,) = resolve_sources([f"rows.{kind}"])
    fields = {"messages": FieldRule(path="turns")}
    reader = RowReader((source,), fields, id_path=None, group_path=None, keep_nul=False)
    return reader.parse([chunk for chunks in read_chunks(source, 0) for chunk in chunks])


@FORMATS
@pytest.mark.parametrize("spelling", CONVERSATIONS)
def test_conversations_are_read_in_both_spellings(kind: str, spelling: str) -> None:
    write(talks(spelling), kind)
    rows = read(kind)
    texts = [json.loads(text) for text in rows.batch["messages"].to_pylist()]
    assert texts[3] == [["system", "Be short."], ["user", "Hi 3"], ["assistant", "Hello 3"]]
    assert (len(texts), rows.faults) == (5, [])


@pytest.mark.parametrize(
    ("turns", "reason"),
    [
        ([], "no_turns"),
        ("hi", "bad_messages"),
        ([{"role": "user"}], "empty_turn"),
        ([{"role": "user", "content": 3}], "bad_messages"),
        ([{"role": "tool", "content": "x"}], "tool_without_call"),
        ([{"role": "narrator", "content": "x"}], "unknown_role"),
        ([{"role": "assistant", "content": "x"}], "assistant_first"),
        ([{"role": "user", "content": "x"}], "no_last_answer"),
        ([{"role": "user", "content": "x", "score": 1}], "unknown_turn_key"),
        (
            [{"role": "user", "content": "x"}, {"role": "assistant", "content": "\ud800"}],
            "lone_surrogate",
        ),
    ],
)
def test_a_conversation_that_cannot_be_used_is_dropped_with_the_reason(
    turns: Any, reason: str
) -> None:
    write([*talks("role"), {"turns": turns}], "jsonl")
    parsed = read("jsonl")
    assert parsed.batch.num_rows == 5
    assert [(f.reason, f.line) for f in parsed.faults] == [(reason, 6)]


@FORMATS
def test_workers_change_nothing(kind: str) -> None:
    rows = [
        {
            "id": f"{i}",
            "d": {"t": f"Fix: text {i}"},
            "c": [f"{i}.{j}" for j in range(3)],
            "k": i % 2,
        }
        for i in range(300)
    ]
    text = '{ path = "d.t", strip_prefix = "Fix: " }'
    made(rows, kind, f'id = "id"\ntext = {text}\ncorrected = "c[]"\n[where]\nk = 1')
    one, three = build(spec="spec.toml", out="out"), build(spec="spec.toml", out="3", workers=3)
    assert three.manifest["splits"] == one.manifest["splits"]
    assert read_ledger(three.manifest).equals(read_ledger(one.manifest))
