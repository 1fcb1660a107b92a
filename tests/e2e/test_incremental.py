"""A rebuild after a small change: as good as a fresh build, and little of it is redone."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.sized import build_with

from sftdata import Outcome, build
from sftdata.inspecting.verify import find_faults
from sftdata.reading import chunks
from sftdata.tokenizing import exactness
from sftdata.tokenizing.engines import GigatokenEngine
from sftdata.writing.ledger import read_ledger

ROWS = 20_000
SPEC = """
task = "mixed"
data = ["rows.jsonl"]
template = "summarize/article"
tokenizer = "tokenizers/small"
max_length = 180
max_dropped = 5
[fields]
id = { path = "id", optional = true }
article = "article"
summary = "summary"
"""

Row = dict[str, Any]


def make_rows(ids: bool) -> list[Row]:
    """Rows among which some are cut, some dropped, and, where they have no ids, some repeated."""
    rng = random.Random(5)
    words = ["".join(rng.choices("etaoinshrdlu", k=rng.randint(2, 8))) for _ in range(500)]
    rows: list[Row] = []
    for i in range(ROWS):
        article = " ".join(rng.choices(words, k=200 if i % 997 == 500 else 18))
        row: Row = {"article": article, "summary": f"Number {i}: {article[:20]}"}
        if ids:
            row["id"] = f"row-{i}"
        if i % 1009 == 7:
            row["summary"] = rng.choice(["", None, 5])
        if not ids and i % 6007 == 3000:
            row = rows[i // 2]
        rows.append(row)
    return rows


def to_jsonl(rows: list[Row]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def write(rows: list[Row]) -> None:
    Path("rows.jsonl").write_bytes(to_jsonl(rows))


@pytest.fixture(autouse=True)
def _spec(tmp_path: Path) -> None:
    Path("spec.toml").write_text(SPEC)


@pytest.fixture(scope="module", params=[True, False], ids=["own ids", "ids of the content"])
def rows(request: pytest.FixtureRequest) -> list[Row]:
    return make_rows(request.param)


def new_row(i: int) -> Row:
    return {"id": f"new-{i}", "article": f"A new article, number {i}.", "summary": f"New {i}."}


def edit_one(rows: list[Row]) -> list[Row]:
    middle = len(rows) // 2
    edited = dict(rows[middle], article="Something else entirely.")
    return [*rows[:middle], edited, *rows[middle + 1 :]]


CHANGES: dict[str, Callable[[list[Row]], list[Row]]] = {
    "a row is edited": edit_one,
    "a row is put first": lambda rows: [new_row(0), *rows],
    "rows are appended": lambda rows: rows + [new_row(i) for i in range(50)],
    "a row is taken out": lambda rows: rows[:9000] + rows[9001:],
    "the first row is taken out": lambda rows: rows[1:],
    "two halves change places": lambda rows: rows[10_000:] + rows[:10_000],
}


def assert_equal(found: Outcome, fresh: Outcome) -> None:
    assert found.manifest.content == fresh.manifest.content
    assert read_ledger(found.manifest).to_pylist() == read_ledger(fresh.manifest).to_pylist()
    assert find_faults(found.manifest.directory) == []


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_small_change_redoes_little_and_equals_a_fresh_build(
    change: Callable[[list[Row]], list[Row]], rows: list[Row]
) -> None:
    write(rows)
    build(spec="spec.toml", out="out")
    write(change(rows))
    outcome = build(spec="spec.toml", out="out")
    fresh = build(spec="spec.toml", out="fresh")
    assert not outcome.up_to_date
    assert fresh.reused_rows == 0
    assert_equal(outcome, fresh)
    assert outcome.reused_rows > 0.95 * ROWS


def test_small_batches_and_shards_are_reused_as_well(rows: list[Row]) -> None:
    """Shards that end within a piece, as those of large sets do."""
    build = build_with(read_bytes=1 << 20, batch_rows=100, shard_tokens=100_000)
    write(rows)
    assert len(build(spec="spec.toml", out="out").manifest["splits"]["train"]["shards"]) > 5
    write(edit_one(rows))
    outcome = build(spec="spec.toml", out="out")
    assert_equal(outcome, build(spec="spec.toml", out="fresh"))
    assert outcome.reused_rows > 0.95 * ROWS


def test_many_changes_one_after_another_equal_a_fresh_build(rows: list[Row]) -> None:
    write(rows)
    build(spec="spec.toml", out="out")
    for change in CHANGES.values():
        rows = change(rows)
        rows = [row for i, row in enumerate(rows) if row not in rows[:1] or i == 0]
        write(rows)
        outcome = build(spec="spec.toml", out="out")
    assert_equal(outcome, build(spec="spec.toml", out="fresh"))


def test_compressed_rows_give_the_same_shards(rows: list[Row]) -> None:
    write(rows)
    plain = build(spec="spec.toml", out="plain")
    Path("rows.jsonl.gz").write_bytes(gzip.compress(to_jsonl(rows), mtime=0))
    packed = build(spec="spec.toml", out="packed", data="rows.jsonl.gz")
    over = build(spec="spec.toml", out="plain", data="rows.jsonl.gz")

    def digests(outcome: Outcome) -> list[str]:
        splits = outcome.manifest["splits"].values()
        return [shard["sha256"] for split in splits for shard in split["shards"]]

    assert digests(packed) == digests(plain) == digests(over)
    assert over.reused_rows > 0.95 * ROWS


def test_every_ledger_line_points_at_its_row(rows: list[Row]) -> None:
    """Also after a rebuild in which the rows have moved."""
    write(rows)
    build(spec="spec.toml", out="out")
    moved = [new_row(0), new_row(1), *rows]
    write(moved)
    manifest = build(spec="spec.toml", out="out").manifest
    ledger = read_ledger(manifest).to_pylist()
    reasons = {line["reason"] for line in ledger}
    assert {"max_length", "empty_field", "missing_field", "read_as_text"} <= reasons
    assert ("duplicate" in reasons) == ("id" not in rows[0])
    seen: dict[str, int] = {}
    first = [seen.setdefault(json.dumps(row), i) == i for i, row in enumerate(moved)]
    for line in ledger:
        name, _, number = line["source"].rpartition(":")
        row = moved[int(number) - 1]
        assert name == "rows.jsonl"
        assert line["row_id"] == row.get("id", line["row_id"])
        holds = {
            "max_length": len(row["article"]) > 500,
            "empty_field": row["summary"] == "",
            "missing_field": row["summary"] is None,
            "read_as_text": row["summary"] == 5,
            "duplicate": not first[int(number) - 1],
        }
        assert holds[line["reason"]], line


def test_rows_that_are_partly_without_id_are_built_in_reasonable_time() -> None:
    """A repeated row among rows with ids must not cost a pass over the sources each."""
    golden = make_rows(ids=True)[:4000]
    for i, row in enumerate(golden):
        if i % 10 == 3:
            del row["id"]
    for i in range(13, 4000, 20):
        golden[i] = golden[3]
    read = 0
    original = chunks._jsonl_chunks

    def counted(*arguments: Any) -> Any:
        nonlocal read
        read += 1
        return original(*arguments)

    write(golden)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "_jsonl_chunks", counted)
        manifest = build(spec="spec.toml", out="out").manifest
    assert manifest["dropped"]["duplicate"] > 100
    assert read <= 3


def test_few_new_rows_are_encoded_by_the_reference_alone(
    rows: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To load the engine and check it on rows takes longer than to do without."""
    write(rows[:4000])
    build(spec="spec.toml", out="out")
    loaded = []

    class Watched(GigatokenEngine):
        def __init__(self, spec: Any) -> None:
            loaded.append(spec)
            super().__init__(spec)

    monkeypatch.setattr(exactness, "GigatokenEngine", Watched)
    write([new_row(0), *rows[:4000]])
    outcome = build(spec="spec.toml", out="out", workers=2)
    assert not loaded
    assert outcome.reused_rows > 3500
    assert_equal(outcome, build(spec="spec.toml", out="fresh"))
    loaded.clear()
    write([*rows[:4000], *(new_row(i) for i in range(4000))])
    outcome = build(spec="spec.toml", out="out")
    assert len(loaded) == 1
    assert_equal(outcome, build(spec="spec.toml", out="fresh"))


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "chat"),
    [
        ("gpt2", False),
        ("smollm2", False),
        ("qwen3", False),
        ("mistral-v3", False),
        ("smollm2", True),
        ("qwen3", True),
    ],
)
def test_few_real_rows_put_in_are_as_if_all_were_built_at_once(
    name: str, chat: bool, shared: Path
) -> None:
    """They are encoded by the reference, all others were by the engine."""
    lines = (shared / "golden" / "grammar.jsonl").read_bytes().splitlines(keepends=True)[:1000]
    options = {"data": "rows.jsonl", "tokenizer": shared / "tokenizers" / name, "chat": chat}
    Path("rows.jsonl").write_bytes(b"".join(lines[:500] + lines[504:]))
    build("grammar", out="out", max_dropped=5, **options)
    Path("rows.jsonl").write_bytes(b"".join(lines))
    outcome = build("grammar", out="out", max_dropped=5, **options)
    assert 700 < outcome.reused_rows <= 996
    assert_equal(outcome, build("grammar", out="fresh", max_dropped=5, **options))


def test_the_certificate_counts_the_rows_that_are_kept() -> None:
    """A row that is repeated in its own chunk is there once, and counts once."""
    text = "  two  spaces\n\n"
    row = {"article": "Text.", "summary": f"x{text}"}
    write([row, *({"article": f"a {i}", "summary": f"b {i}"} for i in range(9))])
    once = build(spec="spec.toml", out="once").manifest
    write([row, row, *({"article": f"a {i}", "summary": f"b {i}"} for i in range(9))])
    twice = build(spec="spec.toml", out="twice", max_dropped=50).manifest
    assert twice["rows_out"] == once["rows_out"]
    assert twice["certificate"] == once["certificate"]
