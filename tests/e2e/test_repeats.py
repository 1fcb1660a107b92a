"""Repeated rows through whole builds: duplicates, repeated ids, and rows of evaluation files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import csv
from pyarrow import parquet as pq

from sftdata.building.build import build
from sftdata.errors import GoldenSetError, SpecError
from sftdata.inspecting.rows.inspector import Inspector
from sftdata.loading.dataset import load
from sftdata.writing.ledger import read_ledger
from sftdata.writing.manifest import Manifest

Row = dict[str, Any]
SUBJECTS = ["harbour", "library", "orchard", "railway", "museum", "bakery", "glacier", "theatre"]


def article(i: int) -> str:
    return " ".join(
        f"The {SUBJECTS[(i + j) % 8]} of town {i * 7 + j} opened door {i * 31 + j}."
        for j in range(9)
    )


def row(i: int, **changed: Any) -> Row:
    return {"id": f"r{i}", "article": article(i), "summary": f"Summary of {i}."} | changed


ROWS = [row(i) for i in range(60)]


def put(rows: list[Row], path: str = "rows.jsonl") -> None:
    Path(path).write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows))


def run(rows: list[Row], out: str = "out", **options: Any) -> Manifest:
    """A build of these rows, which is the same with three workers and after a build of others."""
    options = {"data": ["rows.jsonl"], "max_dropped": 50} | options
    made = []
    for folder, workers, earlier in ((out, 1, None), ("three", 3, None), ("again", 1, rows[5:])):
        if earlier:
            put([*earlier[::2], *earlier[:3]])
            build("summarize", out=folder, **options)
        put(rows)
        made.append(build("summarize", out=folder, workers=workers, **options).manifest)
    first, *others = made
    for other in others:
        assert other["splits"] == first["splits"]
        assert read_ledger(other).equals(read_ledger(first))
    assert first["rows_in"] == first["rows_out"] + sum(first["dropped"].values())
    return first


def ledger(manifest: Manifest) -> list[tuple[str, str, str]]:
    lines = read_ledger(manifest).to_pylist()
    return [(line["row_id"], line["source"], line["reason"]) for line in lines]


def kept(out: str = "out") -> set[str]:
    return {example.row_id for split in load(out).values() for example in split}


def test_a_row_that_says_what_an_earlier_one_has_said_is_dropped() -> None:
    text = article(7)
    copies = [
        text,
        text.upper(),
        f"\n{text.replace(' ', '  ')}\t",
        text.replace("fi", "ﬁ").replace("town", "ｔｏｗｎ"),
        text.replace(" ", "\u00a0"),
    ]
    rows = [row(7, id=f"copy{i}", article=copy) for i, copy in enumerate(copies)]
    manifest = run([*ROWS, *rows, row(8, id="near", summary="Another summary.")])
    assert sorted(ledger(manifest)) == [
        (f"copy{i}", f"rows.jsonl:{61 + i}", "duplicate") for i in range(5)
    ]
    assert (manifest["rows_out"], manifest["dropped"]) == (61, {"duplicate": 5})
    assert kept() == {r["id"] for r in ROWS} | {"near"}


def test_duplicates_are_found_across_splits_and_sources() -> None:
    put([row(i, id=f"copy{i}") for i in range(0, 60, 3)], "more.jsonl")
    manifest = run(ROWS, data=["rows.jsonl", "more.jsonl"])
    assert manifest["dropped"] == {"duplicate": 20}
    assert all(source.startswith("more.jsonl:") for _, source, _ in ledger(manifest))
    assert kept() == {r["id"] for r in ROWS}


@pytest.mark.parametrize("name", ["copies.parquet", "copies.csv"])
def test_duplicates_are_found_in_tables(name: str) -> None:
    table = pa.Table.from_pylist([*ROWS, row(7, id="copy"), row(50, id="another copy")])
    (pq.write_table if name.endswith("parquet") else csv.write_csv)(table, name)
    manifest = run(ROWS, data=[name])
    assert manifest["dropped"] == {"duplicate": 2}
    assert [place for _, place, _ in ledger(manifest)] == places_in(name)


def places_in(name: str) -> list[str]:
    first = 61 if name.endswith("parquet") else 62  # a header is a line, too
    return [f"{name}:{first}", f"{name}:{first + 1}"]


def test_rows_without_ids_of_their_own_are_told_apart_by_content() -> None:
    rows = [{k: v for k, v in r.items() if k != "id"} for r in [*ROWS, ROWS[3], ROWS[3]]]
    manifest = run(rows)
    assert manifest["dropped"] == {"duplicate": 2}
    assert [source for _, source, _ in ledger(manifest)] == ["rows.jsonl:61", "rows.jsonl:62"]


def test_duplicates_of_other_ids_stay_when_the_spec_says_so() -> None:
    rows = [*ROWS, row(7, id="copy")]
    manifest = run(rows, duplicates="keep")
    assert (manifest["rows_out"], manifest["dropped"]) == (61, {})


def test_a_repeated_id_is_dropped_with_both_places() -> None:
    rows = [*ROWS, row(90, id="r7")]
    manifest = run(rows)
    (line,) = read_ledger(manifest).to_pylist()
    assert (line["row_id"], line["source"], line["reason"]) == (
        "r7",
        "rows.jsonl:61",
        "repeated_id",
    )
    assert line["detail"] == (
        "the id 'r7' stands at rows.jsonl:8 and at rows.jsonl:61, with other fields"
    )


def test_the_ledger_has_the_row_that_was_left_out_also_where_groups_part_the_two() -> None:
    rows = [row(i, group=f"g{i}", summary="one") for i in range(20)]
    rows += [r | {"group": f"{r['group']}x", "summary": "two"} for r in rows]
    put(rows)
    manifest = build(
        "summarize", data=["rows.jsonl"], out="out", max_dropped=50, group="group"
    ).manifest
    data = load("out")
    inspector = Inspector(data)
    stays = {
        example.row_id: inspector.inspect(name, example).target
        for name, split in data.items()
        for example in split
    }
    assert len(set(stays.values())) == 2  # of some ids the later row stays
    for line in read_ledger(manifest).to_pylist():
        if line["reason"] != "repeated_id":
            continue
        first = int(line["row_id"][1:]) + 1
        places = [f"rows.jsonl:{first}", f"rows.jsonl:{first + 20}"]
        gone = places.index(line["source"])
        assert stays[line["row_id"]] == ("two", "one")[gone]
        assert f"at {places[1 - gone]} and at {places[gone]}," in line["detail"]


def test_more_repeated_ids_than_may_be_dropped_are_an_error_with_both_places() -> None:
    put([*ROWS, row(90, id="r7")])
    with pytest.raises(GoldenSetError, match=r"rows\.jsonl:8 and at rows\.jsonl:61"):
        build("summarize", data=["rows.jsonl"], out="out", max_dropped=0)
    assert not Path("out/manifest.json").exists()


def test_near_duplicates_are_dropped_on_request() -> None:
    near = article(7).replace("door 217", "gate 217")
    rows = [*ROWS, row(7, id="near", article=near)]
    manifest = run(rows, near_duplicates=0.7)
    assert ledger(manifest) == [("near", "rows.jsonl:61", "near_duplicate")]
    assert kept() == {r["id"] for r in ROWS}


def test_rows_of_an_evaluation_file_are_left_out() -> None:
    half = " ".join(article(9).split()[:40] + article(70).split()[40:])
    tail = " ".join(article(71).split()[:60] + article(10).split()[60:])
    held_out = [{"article": text} for text in (article(4).upper(), half, tail)]
    put(held_out, "eval.jsonl")
    manifest = run(ROWS, against=["eval.jsonl"], against_overlap=0.4)
    assert manifest["dropped"] == {"contaminated": 2}
    assert sorted(ledger(manifest)) == [
        ("r4", "rows.jsonl:5", "contaminated"),
        ("r9", "rows.jsonl:10", "contaminated"),
    ]
    details = {line["detail"] for line in read_ledger(manifest).to_pylist()}
    assert "100% of 'article' stands in an evaluation file" in details
    assert not kept() & {"r4", "r9"}


def test_another_evaluation_file_is_another_build() -> None:
    put(ROWS)
    put([{"article": article(4)}], "eval.jsonl")
    options: Row = {"data": ["rows.jsonl"], "out": "out", "against": ["eval.jsonl"]}
    first = build("summarize", max_dropped=5, **options).manifest
    put([{"article": article(5)}], "eval.jsonl")
    second = build("summarize", max_dropped=5, **options).manifest
    assert first["build"] != second["build"]
    assert [row_id for row_id, *_ in ledger(second)] == ["r5"]


def test_a_data_set_that_is_all_contaminated_is_an_error_that_says_so() -> None:
    put(ROWS)
    put(ROWS, "eval.jsonl")
    with pytest.raises(GoldenSetError, match=r"All 60 rows are left out: 60 contaminated"):
        build("summarize", data=["rows.jsonl"], out="out", against=["eval.jsonl"])


def test_an_evaluation_file_without_the_field_is_compared_in_all_its_texts() -> None:
    put(ROWS)
    put([{"id": "e1", "n": 1, "passage.text": article(4)}], "eval.jsonl")
    notes: list[str] = []
    options: Row = {"data": ["rows.jsonl"], "out": "out", "against": ["eval.jsonl"]}
    manifest = build("summarize", max_dropped=5, report=notes.append, **options).manifest
    assert manifest["dropped"] == {"contaminated": 1}
    assert any("no column for 'article'" in n and "'passage.text'" in n for n in notes)


def test_an_evaluation_file_without_texts_is_an_error() -> None:
    put(ROWS)
    put([{"n": 1}], "eval.jsonl")
    with pytest.raises(GoldenSetError, match=r"eval\.jsonl has neither .* its columns: n\."):
        build("summarize", data=["rows.jsonl"], out="out", against=["eval.jsonl"])


def test_what_is_compared_must_be_known() -> None:
    Path("spec.toml").write_text(
        'task = "t"\ndata = ["rows.jsonl"]\ntemplate = "summarize/article"\n'
        'tokenizer = "tokenizers/small"\nagainst = ["eval.jsonl"]\n'
        'fields = { article = "article", summary = "summary" }\n'
    )
    with pytest.raises(SpecError, match="against needs source_field"):
        build(spec="spec.toml")
