"""Fitting: whole where there is room, else shortened, else dropped; the target is never cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from sftdata.examples.fit import ExampleTokens, RowFitter
from sftdata.examples.layout import PlainComposer
from sftdata.examples.shots import ShotPool
from sftdata.reading.outcomes import RowOutcomes
from sftdata.reading.rows import Rows
from sftdata.rendering.template import parse_template
from sftdata.tokenizing.encoder import REFERENCE, load_encoder
from sftdata.tokenizing.load import load_tokenizer

EOS = 256
TEMPLATE = parse_template(
    "made/plain",
    '{# shorten = "a" #}\n{% block prompt %}\n{{ a }}\n{% endblock %}\n'
    "{% block target %}\n{{ b }}\n{%- endblock %}\n",
)


def batch(*rows: tuple[str, str]) -> pa.RecordBatch:
    columns = {
        "row_id": [f"r{i}" for i in range(len(rows))],
        "a": [a for a, _ in rows],
        "b": [b for _, b in rows],
    }
    return pa.RecordBatch.from_pydict(
        {name: pa.array(values, pa.large_string()) for name, values in columns.items()}
    )


def fitter(tokenizer: Path, **options: object) -> RowFitter:
    encoder = load_encoder(load_tokenizer(str(tokenizer)), REFERENCE)
    settings = {
        "max_length": None, "keep": "start", "shots": (0,), "pool": None, "seed": 0,
    }  # fmt: skip
    return RowFitter(encoder=encoder, composer=PlainComposer(None, EOS), **settings | options)  # type: ignore[arg-type]


def fitted(
    fitter: RowFitter, *rows: tuple[str, str]
) -> tuple[list[tuple[list[int], list[int]]], list[tuple[int, str, str]]]:
    """Ids and mask of each example, and row, status and reason of each outcome."""
    outcomes = RowOutcomes(len(rows))
    made = fitter.fit(Rows.of(batch(*rows)), np.arange(len(rows)), TEMPLATE, outcomes)
    tokens = ExampleTokens.in_order([fitter.join_tokens(encoded) for encoded in made]).batch
    bounds = list(zip(tokens.offsets[:-1].tolist(), tokens.offsets[1:].tolist(), strict=True))
    examples = [
        (tokens.input_ids[a:b].tolist(), tokens.label_mask[a:b].astype(int).tolist())
        for a, b in bounds
    ]
    return examples, [(row, str(status), str(reason)) for row, status, reason, _ in outcomes]


def test_the_target_and_its_eos_are_in_the_loss(byte_tokenizer: Path) -> None:
    examples, outcomes = fitted(fitter(byte_tokenizer), ("ab", "cd"))
    #                      a   b   \n  c   d    eos
    assert examples == [([97, 98, 10, 99, 100, EOS],
                         [ 0,  0,  0,  1,   1,   1])]  # fmt: skip
    assert outcomes == []


def test_the_shorten_field_is_cut_and_never_the_target(byte_tokenizer: Path) -> None:
    examples, outcomes = fitted(fitter(byte_tokenizer, max_length=6), ("abcdef", "xy"))
    #                      a   b   \n   x    y  eos
    assert examples == [([97, 98, 10, 120, 121, EOS],
                         [ 0,  0,  0,   1,   1,   1])]  # fmt: skip
    assert outcomes == [(0, "cut", "max_length")]


def test_the_end_of_a_field_can_be_kept_instead(byte_tokenizer: Path) -> None:
    examples, _ = fitted(fitter(byte_tokenizer, max_length=6, keep="end"), ("abcdef", "xy"))
    assert examples[0][0] == [101, 102, 10, 120, 121, EOS]


def test_a_target_that_leaves_no_room_drops_its_row_alone(byte_tokenizer: Path) -> None:
    examples, outcomes = fitted(
        fitter(byte_tokenizer, max_length=6), ("a", "x"), ("a", "0123456789"), ("b", "y")
    )
    assert [ids for ids, _ in examples] == [[97, 10, 120, EOS], [98, 10, 121, EOS]]
    assert outcomes == [(1, "dropped", "too_long")]


def test_a_blank_target_drops_its_row(byte_tokenizer: Path) -> None:
    examples, outcomes = fitted(fitter(byte_tokenizer), ("a", " \n"), ("b", "y"))
    assert len(examples) == 1
    assert outcomes == [(0, "dropped", "empty_target")]


@pytest.mark.parametrize(("max_length", "shots"), [(None, 2), (25, 1), (12, 0)])
def test_shots_go_before_the_text_does(
    max_length: int | None, shots: int, byte_tokenizer: Path
) -> None:
    pool_rows = batch(("p0", "t0"), ("p1", "t1"))
    pool_rows = pool_rows.set_column(0, "row_id", pa.array(["s0", "s1"], pa.large_string()))
    pool = ShotPool(pool_rows, np.array([[1, 1], [2, 2]], np.uint64))
    made = fitter(byte_tokenizer, max_length=max_length, shots=(2,), pool=pool)
    examples, outcomes = fitted(made, ("question", "ok"))
    text = bytes(examples[0][0][:-1]).decode()
    assert text.count("\n\n") == shots
    assert text.endswith("question\nok")
    assert outcomes == ([] if shots == 2 else [(0, "cut", "fewer_shots")])
    assert sum(examples[0][1]) == 3  # o, k and the end
