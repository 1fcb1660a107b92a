"""Numbers, booleans, dates and ids: a template sees the value that it expects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import csv, parquet
from support.forty_rows import rows, write_rows, write_spec

from sftdata.building.build import build
from sftdata.building.dry_run import dry_run
from sftdata.errors import SftdataError
from sftdata.loading.dataset import load
from sftdata.serving.prompter import render_prompt
from sftdata.versioning.importers import import_templates
from sftdata.writing.ledger import read_ledger

NLI = """
task = "nli"
data = ["{data}"]
template = "nli/nli"
tokenizer = "{tokenizer}"
{fields}
"""
LABELS = """dataset: made_up
templates:
  a4: !Template
    answer_choices: null
    id: a4
    jinja: >-
      {{ premise }} ||| {% if label == 0 %}yes{% elif label == 1 %}no{% else %}maybe{% endif %}
    name: nli
"""
ANSWERS = ("yes", "no", "maybe")


def import_labels(templates: str = LABELS) -> str:
    """Imports the template; the fields that the import prints."""
    Path("templates.yaml").write_text(templates)
    return import_templates("promptsource", Path("templates.yaml"), "nli").spec_fields


def count_answers(data: str, fields: str, tokenizer: Path) -> dict[str, int]:
    """How often each target is in the dataset of the rows in `data`."""
    Path("nli.toml").write_text(NLI.format(data=data, fields=fields, tokenizer=tokenizer))
    build(spec="nli.toml", out="nli")
    shown = [
        bytes(row.input_ids[row.target_start : -1].tolist()).decode()
        for split in load("nli").values()
        for row in split
    ]
    return {answer: shown.count(answer) for answer in ANSWERS}


def test_an_imported_template_sees_numbers_where_it_compares_with_numbers(
    byte_tokenizer: Path,
) -> None:
    fields = import_labels()
    assert fields == '[fields]\nlabel = { path = "label", type = "int" }\npremise = "premise"'
    golden = [{"premise": f"Premise {i} is here.", "label": i % 3} for i in range(6)]
    Path("nli.jsonl").write_text("".join(json.dumps(row) + "\n" for row in golden))
    table = pa.Table.from_pylist(golden)
    csv.write_csv(table, "nli.csv")
    parquet.write_table(table, "nli.parquet")
    floats = table.set_column(1, "label", table["label"].cast(pa.float64()))
    parquet.write_table(floats, "floats.parquet")
    for data in ("nli.jsonl", "nli.csv", "nli.parquet", "floats.parquet"):
        assert count_answers(data, fields, byte_tokenizer) == dict.fromkeys(ANSWERS, 2), data
    row = {"premise": "Premise.", "label": 1}
    assert render_prompt("nli", row).text == "Premise.\n"
    with pytest.raises(SftdataError, match="'label' is 'one', not a whole number"):
        render_prompt("nli", row | {"label": "one"})


def test_a_text_that_is_compared_with_a_number_is_an_error_before_anything_is_built(
    byte_tokenizer: Path,
) -> None:
    fields = import_labels().replace('{ path = "label", type = "int" }', '"label"')
    Path("nli.csv").write_text("premise,label\nA premise.,0\n")
    with pytest.raises(SftdataError, match=r"says `label == 0`(?s:.*)type = \"int\""):
        count_answers("nli.csv", fields, byte_tokenizer)
    assert not Path("nli").exists()


@pytest.mark.real
def test_the_labels_among_the_cases_give_each_answer_four_times(
    byte_tokenizer: Path, shared: Path
) -> None:
    fields = import_labels((shared / "cases/labels/templates.yaml").read_text())
    for name in ("nli.csv", "nli.jsonl"):
        data = str(shared / "cases/labels" / name)
        assert count_answers(data, fields, byte_tokenizer) == dict.fromkeys(ANSWERS, 4)


def test_a_number_that_is_read_as_text_is_in_the_ledger_or_in_a_note(byte_tokenizer: Path) -> None:
    write_spec(byte_tokenizer)
    golden: list[dict[str, Any]] = [*rows()]
    golden[3]["summary"] = 42
    write_rows(golden)
    manifest = build(spec="spec.toml", out="json").manifest
    assert (manifest["rows_out"], manifest["flagged"]) == (40, {"read_as_text": 1})
    (line,) = read_ledger(manifest).to_pylist()
    assert (line["row_id"], line["detail"]) == ("r3", "'summary' is a number (42)")

    numbers = [row | {"summary": i} for i, row in enumerate(rows())]
    parquet.write_table(pa.Table.from_pylist(numbers), "numbers.parquet")
    said: list[str] = []
    manifest = build(
        spec="spec.toml", data="numbers.parquet", out="table", report=said.append
    ).manifest
    assert (manifest["rows_out"], manifest["flagged"]) == (40, {})
    (note,) = said
    assert note.startswith("Read as text: 'summary' of numbers.parquet is a column of int64")
    assert dry_run(spec="spec.toml", data=["numbers.parquet"]).notes == [note]
    rule = {"summary": {"path": "summary", "type": "text"}}
    build(spec="spec.toml", data="numbers.parquet", fields=rule, out="said", report=said.append)
    assert len(said) == 1


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("int_summary", "0"),
        ("float_summary", "0.0"),
        ("bool_summary", "true"),
        ("date_summary", "2020-01-01"),
        ("decimal_summary", "1.50"),
    ],
)
def test_the_columns_among_the_cases_are_read_by_the_rule(
    name: str, first: str, shared: Path, byte_tokenizer: Path
) -> None:
    said: list[str] = []
    manifest = build(
        "summarize", data=shared / f"cases/columns/{name}.parquet", out="out",
        tokenizer=byte_tokenizer, duplicates="keep", report=said.append,
    ).manifest  # fmt: skip
    assert manifest["rows_in"] == manifest["rows_out"]
    assert f"for example '{first}'" in "".join(said)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("columns/id_float.parquet", {"0", "1"}),
        ("columns/id_uint64.parquet", {str(2**63), str(2**63 + 1)}),
        ("columns/id_uuid.parquet", {"00000000-0000-0000-0000-000000000000"}),
        ("ids/float.jsonl", {"0", "1", "2", "3", "4"}),
        ("ids/oid.jsonl", {"000000000000000000000000"}),
        ("ids/uuid.csv", {"1", "2", "3"}),
    ],
)
def test_the_ids_among_the_cases_are_ids(
    name: str, expected: set[str], shared: Path, byte_tokenizer: Path
) -> None:
    out = build("summarize", data=shared / "cases" / name, out="out", tokenizer=byte_tokenizer)
    ids = {row.row_id for split in load("out").values() for row in split}
    assert out.manifest["rows_out"] == len(ids)
    assert expected <= ids
