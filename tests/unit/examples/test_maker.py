"""The example maker: from a chunk of rows to examples, blocks and ledger lines."""

from __future__ import annotations

from pathlib import Path

from support.forty_rows import rows, write_rows, write_spec

from sftdata.building.maker import example_maker
from sftdata.building.plan import make_plan
from sftdata.examples.maker import BlockExamples, BlockRequest, ExampleMaker
from sftdata.reading.chunks import read_chunks
from sftdata.tokenizing.encoder import REFERENCE, load_encoder

ONE_SPLIT = "split = { train = 1 }\n"


def make(tokenizer: Path, golden: list[dict[str, str]], more: str = ONE_SPLIT) -> BlockExamples:
    write_rows(golden)
    plan = make_plan(write_spec(tokenizer, more))
    maker: ExampleMaker = example_maker(plan, lambda: load_encoder(plan.tokenizer, REFERENCE))
    (chunks,) = read_chunks(plan.sources[0], 0)
    return maker.make([BlockRequest(chunk, (0,)) for chunk in chunks])


def test_each_row_becomes_one_example(byte_tokenizer: Path) -> None:
    made = make(byte_tokenizer, rows(3))
    assert made.batch.column("row_id").to_pylist() == ["r0", "r1", "r2"]
    assert made.batch.column("template").to_pylist() == ["summarize/article@1.0.0"] * 3
    ids = made.batch.column("input_ids")[2].as_py()
    start = made.batch.column("target_start")[2].as_py()
    assert bytes(ids[start:-1]).decode() == "It says 4."
    assert made.batch.column("label_mask")[2].as_py() == [False] * start + [True] * 11


def test_a_row_is_in_a_split_or_in_the_ledger(byte_tokenizer: Path) -> None:
    golden = rows(6)
    golden[1]["summary"] = ""
    del golden[4]["article"]
    made = make(byte_tokenizer, golden, "")
    assert made.blocks.rows_in.sum() == 6
    assert made.blocks.rows.sum() == made.batch.num_rows == 4
    assert [(line.row_id, line.line, line.reason) for _, line in made.blocks.ledger] == [
        ("r1", 1, "empty_field"),
        ("r4", 4, "missing_field"),
    ]


def test_examples_are_sorted_by_split_and_found_by_block(byte_tokenizer: Path) -> None:
    made = make(byte_tokenizer, rows(40), "")
    splits = [
        [
            row_id
            for part in split
            for row_id in part.batch.slice(part.start, part.rows).column("row_id").to_pylist()
        ]
        for split in made.block_run(0, len(made.blocks)).slices
    ]
    assert [len(split) for split in splits] == made.blocks.rows.sum(axis=0).tolist()
    assert [row_id for split in splits for row_id in split] == made.batch.column(
        "row_id"
    ).to_pylist()
