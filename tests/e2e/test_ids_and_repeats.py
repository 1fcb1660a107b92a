"""Ids and repeated rows: no row is lost to an id, to its case or to its spaces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support.forty_rows import rows, write_rows, write_spec

from sftdata.building.build import build
from sftdata.errors import SftdataError
from sftdata.writing.ledger import Ledger


@pytest.fixture(autouse=True)
def _rows(byte_tokenizer: Path) -> None:
    write_rows(rows())
    write_spec(byte_tokenizer)


@pytest.mark.real
@pytest.mark.parametrize(("name", "task"), [("grammar", "grammar"), ("code", "rewrite")])
def test_rows_that_differ_in_case_or_spaces_alone_all_stay(
    name: str, task: str, shared: Path
) -> None:
    path = shared / "cases" / "repeats" / f"{name}.jsonl"
    manifest = build(task, data=path, out="out").manifest
    assert (manifest["rows_out"], manifest["dropped"]) == (len(path.read_text().splitlines()), {})


@pytest.mark.real
@pytest.mark.parametrize(
    ("names", "options", "way_out"),
    [
        (
            ("a", "b"),
            {"id_prefix": "file"},
            "a.jsonl and \\S*b.jsonl use the same ids(?s:.*)--id-prefix",
        ),
        (("const",), {"fields": {"id": "none"}}, "--map id=none"),
    ],
)
def test_ids_that_repeat_are_refused_with_the_way_out_that_fits(
    names: Sequence[str], options: dict[str, Any], way_out: str, shared: Path
) -> None:
    data = [shared / "cases" / "ids" / f"{name}.jsonl" for name in names]
    with pytest.raises(SftdataError, match=way_out) as caught:
        build("summarize", data=data, out="out")
    assert "--max-dropped" not in str(caught.value)
    manifest = build("summarize", data=data, out="out", **options).manifest
    assert (manifest["rows_out"], manifest["dropped"]) == (20 * len(names), {})


def test_ids_with_the_name_of_the_file_do_not_depend_on_its_folder(byte_tokenizer: Path) -> None:
    write_spec(byte_tokenizer, 'id_prefix = "file"\n')
    lines = Path("rows.jsonl").read_bytes()
    shards = []
    for folder in ("one", "two"):
        Path(folder).mkdir()
        for name in ("a", "b"):
            Path(folder, f"{name}.jsonl").write_bytes(lines.replace(b"says", name.encode()))
        data = [f"{folder}/a.jsonl", f"{folder}/b.jsonl"]
        outcome = build(spec="spec.toml", data=data, out=f"{folder}/out")
        shards.append(outcome.manifest["splits"])
        assert (outcome.manifest["rows_out"], outcome.manifest["dropped"]) == (80, {})
    assert shards[0] == shards[1]
    # Another name is another id: nothing of the file with the old name is reused.
    Path("one/b.jsonl").rename("one/c.jsonl")
    again = build(spec="spec.toml", data=["one/a.jsonl", "one/c.jsonl"], out="one/out")
    assert again.manifest["splits"] != shards[0]


def test_each_unusable_row_without_an_id_has_a_ledger_line_of_its_own() -> None:
    golden: list[dict[str, Any]] = [{"article": "A", "summary": ""} for _ in range(3)]
    write_rows([*rows(), *golden])
    lines = Ledger.read(build(spec="spec.toml", out="out").manifest).lines
    assert [line.row_id for line in lines] == [f"rows.jsonl:{n}" for n in (41, 42, 43)]
    write_rows([*golden[:1], *rows(), *golden])
    lines = Ledger.read(build(spec="spec.toml", out="out").manifest).lines
    assert [line.row_id for line in lines] == [f"rows.jsonl:{n}" for n in (1, 42, 43, 44)]


def test_an_empty_id_is_flagged_and_the_row_stays() -> None:
    write_rows([*rows(), {"id": "", "article": "Some article.", "summary": "S."}])
    manifest = build(spec="spec.toml", out="out").manifest
    assert (manifest["rows_out"], manifest["flagged"]) == (41, {"empty_id": 1})


def test_a_prefix_of_ids_that_are_not_there_is_an_error() -> None:
    with pytest.raises(SftdataError, match="id_prefix: has no effect"):
        build(spec="spec.toml", fields={"id": "none"}, id_prefix="file", out="out")
    data = [{k: v for k, v in row.items() if k != "id"} for row in rows()]
    write_rows(data)
    with pytest.raises(SftdataError, match="'id' is read from 'id'"):
        build("summarize", data="rows.jsonl", id_prefix="file", out="out")
