"""Screens of a build's rows, and the shots drawn before it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from sftdata.errors import GoldenSetError
from sftdata.examples.shots import PoolBuilder, ShotPool
from sftdata.reading.chunks import Chunk
from sftdata.reading.outcomes import RowOutcomes
from sftdata.reading.row_reader import read_source, row_reader
from sftdata.reading.rows import RowReader
from sftdata.reading.screening.contamination import EvaluationTexts
from sftdata.reading.screening.screen import Screen
from sftdata.reading.sources.given_splits import all_splits
from sftdata.reading.sources.resolve import Source
from sftdata.reading.splits import assign_splits
from sftdata.spec.model import Spec
from sftdata.spec.split_names import training_split


def row_screen(spec: Spec, evaluation: EvaluationTexts | None) -> Screen:
    """Drops or flags suspect rows and, with `evaluation`, rows that stand in evaluation files."""
    return Screen(spec.checks, spec.source_field, spec.target_field, evaluation)


def sample_texts(reader: RowReader, chunks: Sequence[Chunk]) -> pa.LargeStringArray:
    """Texts of some rows, to check an engine on."""
    rows = reader.parse(chunks[:4])
    return pa.concat_arrays([rows.batch.column(name) for name in reader.fields])


def no_rows(sources: tuple[Source, ...]) -> GoldenSetError:
    """The error for sources without a row."""
    names = ", ".join(source.name for source in sources)
    return GoldenSetError(
        f"{names}: no rows.",
        "Check that the file is not empty, and holds more than a header.",
        code="E207",
    )


def draw_pool(
    spec: Spec, sources: tuple[Source, ...], evaluation: EvaluationTexts | None = None
) -> ShotPool:
    """The training rows to draw shots from, without those that the screen drops.

    Reads every source once. Raises `GoldenSetError` if there is no such row.
    """
    shares = all_splits(spec.split, sources)
    split = training_split(shares)
    if split is None:
        raise GoldenSetError(
            f"Shots are drawn from the split 'train'; the spec has {', '.join(shares)}.",
            "Name the split of the training rows train, or build without --shots.",
            code="E302",
        )
    train = list(shares).index(split)
    reader, screen = row_reader(spec, sources), row_screen(spec, evaluation)
    pool = PoolBuilder(spec.seed)
    for index, source in enumerate(sources):
        for chunks in read_source(reader, index):
            rows = reader.parse(chunks)
            outcomes = RowOutcomes(rows.batch.num_rows)
            screen.inspect(rows, source.name, outcomes)
            splits = assign_splits(rows.group_hashes, shares, spec.seed, rows.given_splits)
            taken = rows.take(np.flatnonzero((splits == train) & ~outcomes.dropped))
            pool.offer(taken.batch, taken.group_hashes)
    drawn = pool.finish()
    if drawn is None:
        raise GoldenSetError(
            "There is no training row to take shots from.", "Build without --shots.", code="E302"
        )
    return drawn
