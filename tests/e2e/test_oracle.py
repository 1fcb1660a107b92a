"""Real golden sets and tokenizers: every row of a build is what the slow oracle says it is."""

from __future__ import annotations

import gzip
import json
import os
import tracemalloc
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from support import oracle

import sftdata
from sftdata import build
from sftdata.loading.dataset import Batch, load
from sftdata.writing.ledger import read_ledger
from sftdata.writing.manifest import Manifest

TOKENIZERS = ("gpt2", "smollm2", "qwen3", "mistral-v3")
EVERY_ROW = bool(os.environ.get("SFTDATA_EVERY_ROW"))
TEMPLATE = Path(__file__).parents[2] / "templates" / "summarize" / "article.jinja"
SPEC = """
task = "summarize"
data = ["golden.jsonl"]
template = "summarize/article"
tokenizer = "unset"
[fields]
id = "id"
article = "article"
summary = "summary"
"""
MAX_LENGTH = 512

Row = dict[str, Any]


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A spec without a `max_length`, with the working copy of the summarize template."""
    folder = tmp_path / "templates" / "summarize"
    folder.mkdir(parents=True)
    (folder / "article.jinja").write_bytes(TEMPLATE.read_bytes())
    path = tmp_path / "spec.toml"
    path.write_text(SPEC)
    return path


def with_line_ids(lines: Iterable[str], path: Path) -> list[Row]:
    """The rows, each with an id made of its line number, also written to `path`."""
    rows = [json.loads(line) | {"id": f"line-{number}"} for number, line in enumerate(lines, 1)]
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return rows


@pytest.fixture
def golden(shared: Path, tmp_path: Path) -> list[Row]:
    with (shared / "golden" / "summarize.jsonl").open(encoding="utf-8") as lines:
        return with_line_ids(lines, tmp_path / "golden.jsonl")


@pytest.fixture
def golden_and_long(shared: Path, tmp_path: Path) -> list[Row]:
    """The golden set, in which few rows are long, and some of the corpus, in which most are."""
    with (
        (shared / "golden" / "summarize.jsonl").open(encoding="utf-8") as lines,
        gzip.open(shared / "corpus" / "articles.jsonl.gz", "rt", encoding="utf-8") as long,
    ):
        return with_line_ids(chain(lines, islice(long, 400)), tmp_path / "golden.jsonl")


@pytest.fixture
def corpus(shared: Path, tmp_path: Path) -> list[Row]:
    with gzip.open(shared / "corpus" / "articles.jsonl.gz", "rt", encoding="utf-8") as lines:
        return with_line_ids(lines, tmp_path / "golden.jsonl")


@dataclass(frozen=True, slots=True)
class Actual:
    """One row of a build."""

    row_id: str
    input_ids: npt.NDArray[np.int32]
    label_mask: npt.NDArray[np.bool_]
    target_start: int


def rows_of(batch: Batch) -> Iterator[Actual]:
    for i, row_id in enumerate(batch.row_id):
        at = slice(batch.offsets[i], batch.offsets[i + 1])
        start = int(batch.target_start[i])
        yield Actual(row_id, batch.input_ids[at], batch.label_mask[at], start)


def examples_of(manifest: Manifest) -> dict[str, Actual]:
    """Every example in the shards, by row id."""
    splits = load(manifest.directory).values()
    rows = [row for split in splits for row in rows_of(split.to_batch())]
    by_id = {row.row_id: row for row in rows}
    assert len(by_id) == len(rows), "a row id stands in the shards twice"
    return by_id


def ledger_of(manifest: Manifest) -> dict[str, Row]:
    return {line["row_id"]: line for line in read_ledger(manifest).to_pylist()}


def assert_conserved(manifest: Manifest, row_ids: list[str]) -> None:
    """No source row is lost, none is in two places, and the manifest counts them so."""
    shards, ledger = examples_of(manifest), ledger_of(manifest)
    dropped = {i for i, line in ledger.items() if line["status"] == "dropped"}
    cut = {i for i, line in ledger.items() if line["status"] == "cut"}
    assert set(row_ids) == set(shards) | dropped
    assert not dropped & set(shards)
    assert cut <= set(shards)
    assert manifest["rows_in"] == len(row_ids)
    assert manifest["rows_out"] == len(shards)
    assert manifest["rows_in"] == manifest["rows_out"] + sum(manifest["dropped"].values())
    assert manifest["dropped"] == Counter(
        line["reason"] for line in ledger.values() if line["status"] == "dropped"
    )
    assert manifest["cut"] == len(cut)


def assert_equal(actual: Actual, expected: oracle.OracleExample) -> None:
    assert actual.input_ids.tolist() == expected.input_ids, actual.row_id
    assert actual.label_mask.tolist() == expected.label_mask, actual.row_id
    assert actual.target_start == expected.target_start, actual.row_id


@pytest.mark.real
@pytest.mark.parametrize("name", TOKENIZERS)
def test_every_row_of_the_golden_set_equals_the_oracle(
    name: str, golden: list[Row], spec: Path, shared: Path
) -> None:
    folder = shared / "tokenizers" / name
    manifest = build(spec=spec, tokenizer=folder, out="out").manifest
    assert_conserved(manifest, [row["id"] for row in golden])
    assert ledger_of(manifest) == {}
    tokenizer = oracle.OracleTokenizer(folder)
    expected = oracle.make_examples(TEMPLATE.read_text(), golden, tokenizer)
    shards = examples_of(manifest)
    for row, example in zip(golden, expected, strict=True):
        assert_equal(shards[row["id"]], example)
    whole = tokenizer.encode([example.prompt + example.target for example in expected])
    first = 0 if tokenizer.bos_id is None else 1
    same = sum(e.input_ids[first:-1] == ids for e, ids in zip(expected, whole, strict=True))
    assert manifest["certificate"] == {
        "rows": len(golden),
        "prompt_equal": len(golden),
        "whole_text_equal": same,
    }


@pytest.mark.real
def test_rows_of_the_corpus_equal_the_oracle(corpus: list[Row], spec: Path, shared: Path) -> None:
    for name in TOKENIZERS:
        folder = shared / "tokenizers" / name
        manifest = build(spec=spec, tokenizer=folder, out=f"out/{name}").manifest
        assert_conserved(manifest, [row["id"] for row in corpus])
        shards = examples_of(manifest)
        tokenizer = oracle.OracleTokenizer(folder)
        compared = corpus[:: 1 if EVERY_ROW else 20]  # the oracle is slow
        for start in range(0, len(compared), 2000):
            rows = compared[start : start + 2000]
            expected = oracle.make_examples(TEMPLATE.read_text(), rows, tokenizer)
            for row, example in zip(rows, expected, strict=True):
                if row["id"] in shards:
                    assert_equal(shards[row["id"]], example)
        # Only what no tokenizer could take may be missing.
        assert manifest["rows_out"] >= 0.999 * len(corpus)


@pytest.mark.real
@pytest.mark.parametrize("name", TOKENIZERS)
def test_long_rows_are_cut_to_fit_and_the_target_never_is(
    name: str, golden_and_long: list[Row], spec: Path, shared: Path
) -> None:
    golden, folder = golden_and_long, shared / "tokenizers" / name
    manifest = build(
        spec=spec, tokenizer=folder, out="out", max_length=MAX_LENGTH, max_dropped=5
    ).manifest
    assert_conserved(manifest, [row["id"] for row in golden])
    tokenizer = oracle.OracleTokenizer(folder)
    shards, ledger = examples_of(manifest), ledger_of(manifest)
    source = TEMPLATE.read_text()
    before, after = oracle.render(source, {"article": "\0", "summary": ""})[0].split("\0")
    budget_used = []
    expected = oracle.make_examples(source, golden, tokenizer)
    for row, example in zip(golden, expected, strict=True):
        is_long = len(example.input_ids) > MAX_LENGTH
        assert is_long == (row["id"] in ledger), row["id"]
        if row["id"] not in shards:
            continue
        actual = shards[row["id"]]
        if not is_long:
            assert_equal(actual, example)
            continue
        assert len(actual.input_ids) <= MAX_LENGTH
        kept_target = actual.input_ids[actual.target_start :].tolist()
        assert kept_target == example.input_ids[example.target_start :]
        assert actual.label_mask.tolist() == [
            at >= actual.target_start for at in range(len(actual.input_ids))
        ]
        prompt, _ = tokenizer.decode_parts(actual.input_ids, actual.target_start)
        assert prompt.startswith(before)
        assert prompt.endswith(after)
        kept = prompt[len(before) : -len(after)]
        assert kept.strip()
        assert tokenizer.as_stored(row["article"]).startswith(kept)
        assert len(kept) < len(row["article"])
        budget_used.append(len(actual.input_ids) / MAX_LENGTH)
    assert len(budget_used) > 100
    assert np.median(budget_used) > 0.9


@pytest.mark.real
def test_the_real_golden_set_builds_as_it_is(shared: Path, spec: Path) -> None:
    # Two of its 6,000 rows have the same id and different texts: one of them is a bad row, which
    # belongs in the ledger; the other 5,999 are not to be lost with it.
    data = shared / "golden" / "summarize.jsonl"
    with data.open(encoding="utf-8") as lines:
        ids = [json.loads(line)["id"] for line in lines]
    manifest = build(spec=spec, data=data, tokenizer=shared / "tokenizers" / "gpt2", out="out")
    shards, ledger = examples_of(manifest.manifest), ledger_of(manifest.manifest)
    assert set(ids) == set(shards) | set(ledger)
    assert manifest.manifest["rows_in"] == len(ids)
    assert len(shards) == len(ids) - sum(manifest.manifest["dropped"].values())


def test_the_package_gives_build_as_a_function_each_time_it_is_asked() -> None:
    # Importing the module `sftdata.building.build` must not put the module in the function's place.
    assert callable(sftdata.build)
    assert callable(sftdata.build)
    assert callable(sftdata.load)


def test_rows_read_one_by_one_hold_no_more_than_their_own_tokens(
    byte_tokenizer: Path, spec: Path, tmp_path: Path
) -> None:
    rows = [{"id": str(i), "article": f"{i} " * 50, "summary": "Numbers."} for i in range(2000)]
    data = tmp_path / "golden.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    build(spec=spec, tokenizer=byte_tokenizer, out="out")
    split = load("out")["train"]
    tracemalloc.start()
    examples = list(split)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    tokens = sum(len(example.input_ids) for example in examples)
    assert size < 5 * tokens + 5000 * len(examples)
