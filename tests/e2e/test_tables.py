"""Tables as people have them: built with every row, or refused with the fault that they have."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.places import SHARED

from sftdata.building.build import Outcome, build
from sftdata.errors import SftdataError
from sftdata.loading.dataset import load

TABLES = SHARED / "cases" / "tables"
COLUMNS = SHARED / "cases" / "columns"

BUILT = (
    "blank_trailing_rows.csv", "cr_only.csv", "header_space.csv", "pipe.csv", "semicolon_bom.csv",
    "semicolon_commas.csv", "semicolon_one_comma.csv", "semicolon_simple.csv", "sep_line.csv",
    "tab_in_csv.csv", "trailing_comma.csv", "two_unnamed.csv", "unicode_text.csv",
    "unicode_text.tsv", "unicode_text.txt", "unnamed_index.csv", "utf8_bom.csv",
)  # fmt: skip
REFUSED = {
    "Header_Case.csv": "article=Article",
    "backslash_quote.csv": "csv:2: a quotation mark after a backslash",
    "cp1252.csv": "csv:2: byte 0xe4 ('ä' in Windows-1252) is not UTF-8",
    "cp1252_semicolon.csv": "csv:2: byte 0xe4 ('ä' in Windows-1252) is not UTF-8",
    "empty.csv": "the file is empty",
    "extra_header.csv": "csv:1: 'Export of 2024' is a title",
    "latin_one_cell.csv": "csv:7: byte 0xe9 ('é' in Windows-1252) is not UTF-8",
    "nul.csv": r"csv:5: 'article' holds a NUL",
    "only_header.csv": "no rows",
}
BUILT_COLUMNS = (
    "binary.parquet", "dictionary.parquet", "dup_struct.parquet", "dur_big.arrow",
    "extra_oob_timestamp.parquet", "extra_types.parquet", "id_uint64.parquet", "id_uuid.parquet",
    "json_ext.parquet", "large_string.parquet", "pandas_index.parquet", "string_view.parquet",
    "ts_badtz.arrow", "ts_ns.parquet",
)  # fmt: skip


def shard_digests(outcome: Outcome) -> list[str]:
    splits = outcome.manifest["splits"].values()
    return [shard["sha256"] for split in splits for shard in split["shards"]]


SUMMARY = re.compile(r"short( \d)?|Händler \d verkauft Obst – frisch\.")


def build_quietly(data: Path, tokenizer: Path, **options: Any) -> tuple[Outcome, list[str]]:
    notes: list[str] = []
    outcome = build(
        "summarize", data=data, tokenizer=tokenizer, out="out", report=notes.append, **options
    )
    return outcome, notes


@pytest.mark.real
def test_each_file_has_an_expectation() -> None:
    assert {path.name for path in TABLES.iterdir()} == {*BUILT, *REFUSED}


@pytest.mark.real
@pytest.mark.parametrize("name", BUILT)
def test_a_table_arrives_whole(name: str, byte_tokenizer: Path) -> None:
    outcome, notes = build_quietly(TABLES / name, byte_tokenizer)
    manifest = outcome.manifest
    blank = {"blank_row": 5} if name == "blank_trailing_rows.csv" else {}
    assert (manifest["rows_out"], manifest["dropped"]) == (8, blank)
    examples = [row for split in load("out").values() for row in split]
    targets = [bytes(row.input_ids[row.target_start : -1].tolist()).decode() for row in examples]
    assert len(set(targets)) == 8
    assert [text for text in targets if not SUMMARY.fullmatch(text.strip())] == []
    named = [note for note in notes if "read as a table" in note]
    is_foreign = name.startswith(("semicolon", "pipe", "tab_in")) or name in (
        "unicode_text.csv", "unicode_text.txt",
    )  # fmt: skip
    assert len(named) == is_foreign


@pytest.mark.real
@pytest.mark.parametrize("name", REFUSED)
def test_a_faulty_table_is_refused_with_its_fault(name: str, byte_tokenizer: Path) -> None:
    with pytest.raises(SftdataError) as caught:
        build_quietly(TABLES / name, byte_tokenizer)
    assert REFUSED[name] in str(caught.value)


@pytest.mark.real
@pytest.mark.parametrize("name", BUILT_COLUMNS)
def test_columns_of_any_type_build(name: str, byte_tokenizer: Path) -> None:
    outcome, _ = build_quietly(COLUMNS / name, byte_tokenizer)
    assert (outcome.manifest["rows_out"], outcome.manifest["dropped"]) == (8, {})


def test_blank_rows_do_not_count_as_unusable(byte_tokenizer: Path) -> None:
    lines = ["article,summary", *(f"Article {i},It says {i}" for i in range(20))]
    Path("t.csv").write_text("\n".join([*lines, *[" ,"] * 300]))
    outcome, _ = build_quietly(Path("t.csv"), byte_tokenizer)
    assert outcome.manifest["dropped"] == {"blank_row": 300}
    Path("t.csv").write_text("\n".join([*lines, *[" ,"] * 300, "no summary,"]))
    with pytest.raises(SftdataError, match="1 of 21 rows"):
        build_quietly(Path("t.csv"), byte_tokenizer)


def test_the_lines_of_a_tsv_are_its_rows(byte_tokenizer: Path) -> None:
    texts = ['"Once', 'the end"', *(f"text {i}" for i in range(28))]
    lines = ["article\tsummary", *(f"{text}\tshort {i}" for i, text in enumerate(texts))]
    Path("t.tsv").write_text("\n".join(lines))
    outcome, _ = build_quietly(Path("t.tsv"), byte_tokenizer)
    assert (outcome.manifest["rows_in"], outcome.manifest["rows_out"]) == (30, 30)
    Path("t.csv").write_text("\n".join(lines).replace("\t", ","))
    with pytest.raises(SftdataError, match=r"t\.csv:2: .* closes in line 3"):
        build_quietly(Path("t.csv"), byte_tokenizer)
    outcome, _ = build_quietly(Path("t.csv"), byte_tokenizer, quoting="none")
    assert outcome.manifest["rows_out"] == 30
    outcome, _ = build_quietly(Path("t.tsv"), byte_tokenizer, quoting="csv")
    assert outcome.manifest["rows_in"] == 29


def test_quoting_without_a_table_is_noted(byte_tokenizer: Path) -> None:
    Path("t.jsonl").write_text('{"article": "a", "summary": "b"}\n')
    _, notes = build_quietly(Path("t.jsonl"), byte_tokenizer, quoting="none")
    assert [note for note in notes if "quoting" in note]


def test_a_column_without_a_name_can_be_mapped(byte_tokenizer: Path) -> None:
    Path("t.csv").write_text(",article,summary\n7,a,b\n8,c,d\n")
    build_quietly(Path("t.csv"), byte_tokenizer, fields={"id": "Unnamed: 0"})
    assert {row.row_id for split in load("out").values() for row in split} == {"7", "8"}


def test_an_unread_column_of_vectors_changes_nothing(byte_tokenizer: Path) -> None:
    rows = {name: [f"{name} {i}" for i in range(50)] for name in ("article", "summary")}
    vectors = pa.array([[float(i)] * 768 for i in range(50)])
    pq.write_table(pa.table(rows), "t.parquet")
    plain, _ = build_quietly(Path("t.parquet"), byte_tokenizer)
    pq.write_table(pa.table(rows | {"vector": vectors}), "t.parquet")
    again, _ = build_quietly(Path("t.parquet"), byte_tokenizer)
    assert again.reused_rows == 50
    assert shard_digests(again) == shard_digests(plain)
