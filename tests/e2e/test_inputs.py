"""Inputs, through a whole build: the same rows from every format, and every fault told.

Text is compared byte for byte with what the ids of the dataset decode to.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import hashlib
import io
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from sftdata.building.build import Outcome, build
from sftdata.errors import GoldenSetError, SftdataError, SpecError
from sftdata.inspecting.rows.inspector import Inspector
from sftdata.loading.dataset import load
from sftdata.writing.ledger import read_ledger

Row = dict[str, str]
PROMPT = "You are a helpful assistant that summarizes articles.\n\nArticle:\n{}\n\nSummary:\n"
TEXTS = [
    "plain", "NA", "null", "nan", "None", "true", "007", "1e5", "-0.0", "2024-01-02", "12:30:00",
    "1/2/2003", "  spaces around  ", "trailing ", "line\nfeed", "carriage\r\nreturn", "tab\tinside",
    'say "hi"', '"quoted"', "comma, and; semicolon", "naïve 日本語 😀", "e\u0301", "\u00a0x\u2003",
    "<|endoftext|>", "back\\slash \\n", "{{ jinja }} {% x %}", "\u2028separator\x85",
]  # fmt: skip
ROWS: list[Row] = [
    {"id": f"{i}", "article": text, "summary": f"{text}{i}"} for i, text in enumerate(TEXTS)
]
SPEC = """
task = "news"
data = ["rows.jsonl"]
template = "summarize/article"
tokenizer = "tokenizers/small"
{extra}
[fields]
id = {{ path = "id", optional = true }}
article = "article"
summary = "summary"
"""


def jsonl(rows: Sequence[dict[str, Any]], *, ensure_ascii: bool = True) -> bytes:
    return "".join(json.dumps(r, ensure_ascii=ensure_ascii) + "\n" for r in rows).encode()


def table_text(rows: Sequence[Row], delimiter: str, line_end: str) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator=line_end)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def write_arrow(path: str, rows: Sequence[Row], *, stream: bool) -> None:
    table = pa.Table.from_pylist(list(rows))
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with pa.OSFile(path, "wb") as file, new(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=5)


def write_saved(path: str, rows: Sequence[Row]) -> None:
    datasets.Dataset.from_list(list(rows)).save_to_disk(path)


def write_saved_dictionary(path: str, rows: Sequence[Row]) -> None:
    parts = {"first": rows[:10], "second": rows[10:]}
    datasets.DatasetDict(
        {name: datasets.Dataset.from_list(list(part)) for name, part in parts.items()}
    ).save_to_disk(path)


def put(path: str, content: bytes) -> None:
    Path(path).write_bytes(content)


FORMATS: dict[str, Callable[[str, Sequence[Row]], None]] = {
    "a.jsonl": lambda p, r: put(p, jsonl(r)),
    "utf8.jsonl": lambda p, r: put(p, jsonl(r, ensure_ascii=False)),
    "crlf.jsonl": lambda p, r: put(p, jsonl(r).replace(b"\n", b"\r\n")),
    "bom.jsonl": lambda p, r: put(p, b"\xef\xbb\xbf" + jsonl(r)),
    "no-end.jsonl": lambda p, r: put(p, jsonl(r)[:-1]),
    "a.jsonl.gz": lambda p, r: put(p, gzip.compress(jsonl(r))),
    "a.jsonl.zst": lambda p, r: put(p, pa.compress(jsonl(r), "zstd", asbytes=True)),
    "a.csv": lambda p, r: put(p, table_text(r, ",", "\n")),
    "crlf.csv": lambda p, r: put(p, table_text(r, ",", "\r\n")),
    "bom.csv": lambda p, r: put(p, b"\xef\xbb\xbf" + table_text(r, ",", "\r\n")),
    "a.csv.gz": lambda p, r: put(p, gzip.compress(table_text(r, ",", "\n"))),
    "a.csv.zst": lambda p, r: put(p, pa.compress(table_text(r, ",", "\n"), "zstd", asbytes=True)),
    "a.tsv": lambda p, r: put(p, table_text(r, "\t", "\n")),
    "a.parquet": lambda p, r: pq.write_table(pa.Table.from_pylist(list(r)), p, row_group_size=4),
    "file.arrow": lambda p, r: write_arrow(p, r, stream=False),
    "stream.arrow": lambda p, r: write_arrow(p, r, stream=True),
    "a.feather": lambda p, r: pyarrow.feather.write_feather(pa.Table.from_pylist(list(r)), p),
    "saved": write_saved,
    "saved-dictionary": write_saved_dictionary,
}


def without_ids(rows: Sequence[Row]) -> list[Row]:
    return [{"article": row["article"], "summary": row["summary"]} for row in rows]


def run(data: str | Sequence[str], out: str = "out", **options: Any) -> Outcome:
    """A build without checks, so that every row that can be used comes through."""
    put("run.toml", SPEC.format(extra="").encode())
    if str(data).endswith(".tsv"):
        options["quoting"] = "csv"  # `table_text` quotes; by themselves the marks would be text
    return build(spec="run.toml", data=data, out=out, max_length=2048, **options)


def examples(out: str = "out") -> dict[str, list[tuple[str, tuple[int, ...], int]]]:
    """All that is in the shards: id, tokens and target start, by split, in order."""
    return {
        name: [(e.row_id, tuple(e.input_ids.tolist()), e.target_start) for e in split]
        for name, split in load(out).items()
    }


def texts(out: str = "out") -> dict[str, tuple[str, str]]:
    """Prompt and target by row id, decoded from the ids."""
    data = load(out)
    inspector = Inspector(data)
    shown = [inspector.inspect(name, example) for name, split in data.items() for example in split]
    return {one.example.row_id: (one.prompt, one.target) for one in shown}


def lines_of(outcome: Outcome) -> list[dict[str, str]]:
    lines: list[dict[str, str]] = read_ledger(outcome.manifest).to_pylist()
    return lines


def contents(folder: Path) -> dict[str, str]:
    """Digest of every file that a reader of the dataset opens."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    names = ["manifest.json", "README.md", f"ledger/{manifest['build']}.arrow"]
    names += [s["path"] for split in manifest["splits"].values() for s in split["shards"]]
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


# --- the same rows from every format -------------------------------------------------------------


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("expected")
    (folder / "rows.jsonl").write_bytes(jsonl(ROWS))
    (folder / "plain.jsonl").write_bytes(jsonl(without_ids(ROWS)))
    with contextlib.chdir(folder):  # it is made before a test's own folder is entered
        run("rows.jsonl", "rows")
        run("plain.jsonl", "plain")
    return examples(str(folder / "rows")), examples(str(folder / "plain"))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_ids_tokens_and_order(name: str, expected: Any) -> None:
    FORMATS[name](name, ROWS)
    outcome = run(name, "with-ids")
    assert examples("with-ids") == expected[0]
    assert outcome.manifest["rows_in"] == outcome.manifest["rows_out"] == len(ROWS)
    Path("plain").mkdir()
    FORMATS[name](f"plain/{name}", without_ids(ROWS))
    run(f"plain/{name}", "without-ids")
    assert examples("without-ids") == expected[1]


@pytest.mark.parametrize("name", ["a.jsonl", "crlf.csv", "a.tsv", "a.parquet"])
def test_every_text_arrives_byte_for_byte(name: str) -> None:
    FORMATS[name](name, ROWS)
    run(name)
    assert texts() == {row["id"]: (PROMPT.format(row["article"]), row["summary"]) for row in ROWS}


def test_an_empty_quoted_cell_is_empty_and_not_missing() -> None:
    put("a.csv", b'id,article,summary\n1,"",x\n2,,x\n3,a,x\n')
    outcome = run("a.csv", max_dropped=70)
    assert [(x["source"], x["reason"]) for x in lines_of(outcome)] == [
        ("a.csv:2", "empty_field"),
        ("a.csv:3", "empty_field"),
    ]


def test_integer_ids_are_their_digits_in_every_format() -> None:
    table = pa.table({"id": [7, 8], "article": ["a", "b"], "summary": ["c", "d"]})
    put("a.jsonl", jsonl(table.to_pylist()))
    put("a.csv", b"id,article,summary\n7,a,c\n8,b,d\n")
    pq.write_table(table, "a.parquet")
    for name in ("a.jsonl", "a.csv", "a.parquet"):
        run(name, f"{name}.out")
        assert set(texts(f"{name}.out")) == {"7", "8"}


def test_standard_input_is_a_source(monkeypatch: pytest.MonkeyPatch, expected: Any) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(jsonl(ROWS))))
    outcome = run("-")
    assert examples() == expected[0]
    assert [source["path"] for source in outcome.manifest["sources"]] == ["<stdin>"]


def test_globs_and_several_data_are_read_in_order(expected: Any) -> None:
    put("part-2.jsonl", jsonl(ROWS[8:16]))
    put("part-1.jsonl", jsonl(ROWS[:8]))
    FORMATS["a.csv"]("last.csv", ROWS[16:])
    outcome = run(["part-*.jsonl", "last.csv"])
    assert examples() == expected[0]
    assert [(s["path"], s["rows"]) for s in outcome.manifest["sources"]] == [
        ("part-1.jsonl", 8),
        ("part-2.jsonl", 8),
        ("last.csv", len(ROWS) - 16),
    ]
    for source in outcome.manifest["sources"]:
        assert source["sha256"] == hashlib.sha256(Path(source["path"]).read_bytes()).hexdigest()


def test_the_short_name_builds_every_time_it_is_called() -> None:
    import sftdata

    put("a.jsonl", jsonl(ROWS))
    for out in ("one", "two"):
        outcome = sftdata.build("summarize", data="a.jsonl", out=out)
        assert outcome.manifest["rows_out"] == len(ROWS)
    assert sftdata.load("one")["train"][0].row_id == sftdata.load("two")["train"][0].row_id


# --- faults --------------------------------------------------------------------------------------

OTHER = jsonl([{"id": f"h{i}", "article": f"Fine {i}.", "summary": f"T {i}."} for i in range(3)])
GOOD = jsonl([{"id": f"g{i}", "article": f"Good {i}.", "summary": f"S {i}."} for i in range(3)])
COLUMNS = b"id,article,summary\n"
MANY = b"".join(b"%d,Article %d.,Summary %d.\n" % (i, i * i, i) for i in range(3000))
FLIPPED = bytearray(gzip.compress(COLUMNS + MANY))
FLIPPED[3000:3020] = bytes(20)


@pytest.fixture
def before() -> Iterator[dict[str, str]]:
    """A dataset is in `out`; it must be there, as it was, when the test is over."""
    put("before.jsonl", GOOD)
    run("before.jsonl")
    found = contents(Path("out"))
    shown = examples()
    yield found
    assert contents(Path("out")) == found
    assert examples() == shown


@pytest.mark.usefixtures("before")
@pytest.mark.parametrize(
    ("name", "content", "place", "told"),
    [
        ("a.jsonl", GOOD + GOOD[:-1].replace(b'"id"', b'"id": "x", "id"'), "a.jsonl:4", "'id'"),
        ("a.jsonl", GOOD + b'{"article": "a", "article": "b"}\n', "a.jsonl:4", "'article'"),
        ("a.jsonl", GOOD + b'{"article": "a\xff"}\n', "a.jsonl:4", "UTF-8"),
        ("a.jsonl", GOOD[:-12], "a.jsonl:3", "cut off"),
        ("a.jsonl", GOOD + b'"text"\n', "a.jsonl:4", "object"),
        ("a.jsonl", GOOD + b'{"article": ' + b"[" * 99_999 + b"]" * 99_999 + b"}\n",
         "a.jsonl:4", "nest"),
        ("a.jsonl", b"", "a.jsonl", "no rows"),
        ("a.jsonl", b"\n \r\n\n", "a.jsonl", "no rows"),
        ("a.jsonl", b"\xef\xbb\xbf", "a.jsonl", "no rows"),
        ("a.csv", COLUMNS, "a.csv", "no rows"),
        ("a.csv", b"", "a.csv", "mpty"),
        ("a.jsonl.gz", gzip.compress(GOOD)[:-6], "a.jsonl.gz", "again"),
        ("a.jsonl.zst", pa.compress(GOOD, "zstd", asbytes=True)[:-6], "a.jsonl.zst", "again"),
        ("a.csv.gz", gzip.compress(COLUMNS + MANY)[:-2000], "a.csv.gz", "cut"),
        ("a.csv.gz", bytes(FLIPPED), "a.csv.gz", "."),
        ("a.csv.zst", pa.compress(COLUMNS + MANY, "zstd", asbytes=True)[:-9], "a.csv.zst", "."),
        ("a.csv", COLUMNS + b"1,a,b\n2,a\n", "a.csv:3", "2 cells; the header has 3"),
        ("a.csv", COLUMNS + b"1,a,b\n2,a,b,c\n", "a.csv:3", "4 cells; the header has 3"),
        ("a.csv", COLUMNS + b'1,"a\nb",c\n2,a\n', "a.csv:4", "2 cells; the header has 3"),
        ("a.csv", COLUMNS + b'1,a,b\n2,a,"b\n3,c,d\n', "a.csv:3", "quotation mark"),
        ("a.csv", COLUMNS + b"1,a,b\n2,a\xff,b\n", "a.csv:3", "UTF-8"),
        ("a.csv", b"id,article,article,summary\n1,a,b,c\n", "a.csv:1", "'article'"),
        ("a.parquet", b"PAR1", "a.parquet", "."),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_is_no_golden_set_is_an_error_and_leaves_the_old_data_set(
    name: str, content: bytes, place: str, told: str
) -> None:
    put(name, content)
    with pytest.raises(GoldenSetError) as caught:
        run(name, max_dropped=99)
    message, *hint = str(caught.value).split("\n")
    assert message.startswith(f"{place}:")
    assert told in str(caught.value)
    assert hint
    assert hint[-1].endswith((".", "?"))


@pytest.mark.parametrize(
    ("line", "row_id", "reason", "detail"),
    [
        ('{"id": "x", "article": 1e999, "summary": "s"}', "x", "wrong_type", "number (inf)"),
        ('{"id": "x", "article": NaN, "summary": "s"}', "x", "missing_field", "'article'"),
        ('{"id": "x", "article": ["a"], "summary": "s"}', "x", "wrong_type", "list"),
        ('{"id": "x", "article": {}, "summary": "s"}', "x", "wrong_type", "object"),
        ('{"id": "x", "article": null, "summary": "s"}', "x", "missing_field", "'article'"),
        ('{"id": "x", "article": "a"}', "x", "missing_field", "'summary'"),
        ('{"id": "x", "article": "", "summary": "s"}', "x", "empty_field", "'article'"),
        ('{"id": "x", "article": "a", "summary": " \\n"}', "x", "empty_field", "'summary'"),
        ('{"id": "x", "article": "a\\u0000", "summary": "s"}', "x", "nul_character", "U+0000"),
        ('{"id": "x", "article": "\\ud800", "summary": "s"}', "x", "lone_surrogate", "U+D800"),
        ('{"id": "x", "article": "a", "summary": "\\udfff"}', "x", "lone_surrogate", "U+DFFF"),
        ('{"id": 5, "article": "a", "summary": ""}', "5", "empty_field", "'summary'"),
    ],
)
def test_a_row_that_cannot_be_used_is_in_the_ledger(
    line: str, row_id: str, reason: str, detail: str
) -> None:
    put("a.jsonl", GOOD + b"\n" + line.encode() + b"\n" + OTHER)
    outcome = run("a.jsonl", max_dropped=20)
    (told,) = lines_of(outcome)
    assert detail in told.pop("detail")
    assert told == {"row_id": row_id, "source": "a.jsonl:5", "status": "dropped", "reason": reason}
    assert outcome.manifest["dropped"] == {reason: 1}
    assert (outcome.manifest["rows_in"], outcome.manifest["rows_out"]) == (7, 6)


def test_a_ledger_line_of_a_csv_row_names_the_line_where_the_row_starts() -> None:
    put("a.csv", COLUMNS + b'1,"two\nlines",s\n\n2,,s\n3,a,s\n')
    (told,) = lines_of(run("a.csv", max_dropped=50))
    assert (told["row_id"], told["source"]) == ("2", "a.csv:5")


def test_a_nul_is_kept_where_the_spec_says_so() -> None:
    put("rows.jsonl", jsonl([{"id": "n", "article": "a\0b", "summary": "c\0"}]))
    put("spec.toml", SPEC.format(extra='nul = "keep"').encode())
    build(spec="spec.toml", out="out")
    assert texts() == {"n": (PROMPT.format("a\0b"), "c\0")}


def test_a_line_of_fifty_megabytes_is_cut_and_told() -> None:
    row = {"id": "long", "article": "A sentence of words. " * 2_500_000, "summary": "Short."}
    put("a.jsonl", GOOD + jsonl([row]))
    (told,) = lines_of(run("a.jsonl"))
    assert (told["row_id"], told["source"], told["status"]) == ("long", "a.jsonl:4", "cut")
    assert "52,500,000 characters" in told["detail"]
    prompt, target = texts()["long"]
    assert target == "Short."
    assert prompt.startswith(PROMPT.split("{")[0] + "A sentence of words. ")


# --- mapping and ids -----------------------------------------------------------------------------


def test_fields_may_be_mapped_to_nested_paths() -> None:
    rows = [{"key": 1, "translation": {"de": "Hallo"}, "answers": {"text": ["Hello", "Hi"]}}]
    put("a.jsonl", jsonl(rows))
    pq.write_table(pa.Table.from_pylist(rows), "a.parquet")
    paths = {"id": "key", "article": "translation.de", "summary": "answers.text[0]"}
    for name in ("a.jsonl", "a.parquet"):
        run(name, f"{name}.out", fields=paths)
        assert texts(f"{name}.out") == {"1": (PROMPT.format("Hallo"), "Hello")}


def test_a_path_that_is_none_is_an_error() -> None:
    put("a.jsonl", GOOD)
    with pytest.raises(SpecError, match="'article\\[' is not a field path"):
        run("a.jsonl", fields={"article": "article["})


@pytest.mark.usefixtures("before")
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.parquet"])
def test_a_missing_column_is_an_error_with_the_columns_and_a_suggestion(name: str) -> None:
    FORMATS[name](name, [{"id": "1", "artikel": "a", "summary_text": "b"}])
    with pytest.raises(GoldenSetError) as caught:
        run(name)
    assert f"{name} has: artikel, id, summary_text." in str(caught.value)
    assert "Did you mean 'artikel'?" in str(caught.value)
    with pytest.raises(GoldenSetError, match="--map summary=summary_text"):
        run(name, fields={"article": "artikel"})


@pytest.mark.usefixtures("before")
def test_a_column_that_only_the_second_source_lacks_names_that_source() -> None:
    put("a.jsonl", GOOD)
    put("b.jsonl", jsonl([{"id": "1", "text": "a", "summary": "b"}]))
    with pytest.raises(GoldenSetError, match=r"b\.jsonl has: id, summary, text"):
        run(["a.jsonl", "b.jsonl"])


def test_a_group_that_no_row_has_is_an_error_with_the_columns() -> None:
    put("rows.jsonl", GOOD)
    put("spec.toml", SPEC.format(extra='group = "author"').encode())
    with pytest.raises(SftdataError, match=r"'author'(?s:.*)article, id, summary"):
        build(spec="spec.toml", out="out")


@pytest.mark.usefixtures("before")
def test_an_id_that_repeats_is_an_error_with_both_places() -> None:
    put("a.jsonl", GOOD + b"\n" + GOOD.replace(b"Good", b"Other"))
    with pytest.raises(GoldenSetError, match=r"'g\d' stands at a\.jsonl:\d and at a\.jsonl:\d"):
        run("a.jsonl")
    put("b.jsonl", OTHER.replace(b'"h1"', b'"g1"'))
    with pytest.raises(GoldenSetError, match=r"'g1' stands at before\.jsonl:2 and at b\.jsonl:2"):
        run(["before.jsonl", "b.jsonl"])
    put("c.csv", COLUMNS + b'x,"a\nb",s\ng2,a,s\n')
    with pytest.raises(GoldenSetError, match=r"'g2' stands at before\.jsonl:3 and at c\.csv:4"):
        run(["before.jsonl", "c.csv"])


def test_equal_rows_without_ids_are_kept_once_and_the_others_told_with_their_line() -> None:
    rows = without_ids(ROWS)[:6]
    put("a.jsonl", jsonl([*rows, rows[2]]))
    put("b.jsonl", jsonl([rows[5]]))
    outcome = run(["a.jsonl", "b.jsonl"], max_dropped=0)
    assert outcome.manifest["dropped"] == {"duplicate": 2}
    assert (outcome.manifest["rows_in"], outcome.manifest["rows_out"]) == (8, 6)
    told = [(x["source"], x["status"], x["reason"]) for x in lines_of(outcome)]
    assert told == [
        ("a.jsonl:7", "dropped", "duplicate"),
        ("b.jsonl:1", "dropped", "duplicate"),
    ]


def test_a_repeated_row_is_not_counted_as_cut_as_well() -> None:
    row = {"article": "A long sentence. " * 3000, "summary": "s"}
    put("a.jsonl", jsonl([row, row, {"article": "b", "summary": "c"}]))
    outcome = run("a.jsonl")
    assert (outcome.manifest["cut"], outcome.manifest["dropped"]) == (1, {"duplicate": 1})
    assert [(x["source"], x["status"]) for x in lines_of(outcome)] == [
        ("a.jsonl:1", "cut"),
        ("a.jsonl:2", "dropped"),
    ]


def test_rows_without_an_id_column_get_ids_that_their_place_does_not_change() -> None:
    rows = without_ids(ROWS)
    put("a.jsonl", jsonl(rows))
    put("b.jsonl", jsonl(rows[::-1]))
    run("a.jsonl", "a")
    run("b.jsonl", "b")
    assert texts("a") == texts("b")
    assert len(texts("a")) == len(rows)


@pytest.mark.parametrize("name", ["nope.jsonl", "nope*.jsonl", "notes.txt", "folder"])
def test_data_that_is_not_there_or_of_no_known_format_is_an_error_before_anything_is_made(
    name: str,
) -> None:
    put("notes.txt", b"x")
    Path("folder").mkdir()
    with pytest.raises(GoldenSetError, match=name.replace("*", r"\*")):
        run(name)
    assert not Path("out").exists()
