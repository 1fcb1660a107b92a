"""What a build reads its rows with: reader, screen, pool of shots, evaluation texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from sftdata.building.plan import Plan
from sftdata.errors import GoldenSetError
from sftdata.examples.shots import PoolBuilder, ShotPool
from sftdata.reading.chunks import read_chunks
from sftdata.reading.outcomes import Fates
from sftdata.reading.rows import RowReader
from sftdata.reading.screening.contamination import EvaluationTexts, index_texts
from sftdata.reading.screening.screen import Screen
from sftdata.reading.sources import Source
from sftdata.reading.splits import assign_splits


def no_rows(sources: Sequence[Source]) -> GoldenSetError:
    """The error for sources without a row."""
    names = ", ".join(source.name for source in sources)
    return GoldenSetError(f"{names}: no rows.", "Check that the file is not empty.")


def row_reader(plan: Plan) -> RowReader:
    """How rows of the sources become golden fields."""
    fields = dict(sorted(plan.spec.fields.items()))
    for first, second in plan.spec.swap:
        fields[first], fields[second] = fields[second], fields[first]
    id_rule = fields.pop("id", None)
    return RowReader(
        sources=plan.sources,
        fields=fields,
        id_path=id_rule.path if id_rule is not None else None,
        group_path=plan.spec.group,
        keep_nul=plan.spec.nul == "keep",
        where=plan.spec.where,
    )


def row_screen(plan: Plan) -> Screen:
    """What rows are suspected of."""
    spec = plan.spec
    return Screen(spec.checks, spec.source_field, spec.target_field, plan.evaluation)


def draw_pool(plan: Plan) -> ShotPool:
    """The training rows that shots are drawn from; those the checks drop are not among them."""
    shares, seed = plan.spec.split, plan.spec.seed
    train = list(shares).index("train") if "train" in shares else 0
    reader, screen = row_reader(plan), row_screen(plan)
    pool = PoolBuilder(seed)
    for index, source in enumerate(plan.sources):
        for number, chunks in enumerate(read_chunks(source, index)):
            if number == 0:
                reader.check_columns(chunks)
            rows = reader.parse(chunks)
            fates = Fates(rows.batch.num_rows)
            screen.inspect(rows, source.name, fates)
            splits = assign_splits(rows.group_hashes, shares, seed)
            taken = rows.take(np.flatnonzero((splits == train) & ~fates.dropped))
            pool.add(taken.batch, taken.group_hashes)
    drawn = pool.finish()
    if drawn is None:
        raise GoldenSetError(
            "There is no training row to take shots from.", "Build without --shots."
        )
    return drawn


def index_evaluation(plan: Plan) -> EvaluationTexts:
    """The source field of every row of the evaluation files."""
    field = str(plan.spec.source_field)
    sources = plan.evaluation_sources
    reader = row_reader(plan)
    reader = replace(reader, sources=sources, fields={field: reader.fields[field]}, where={})

    def texts(index: int, source: Source) -> Iterator[str]:
        for number, chunks in enumerate(read_chunks(source, index)):
            if number == 0:
                reader.check_columns(chunks)
            yield from reader.parse(chunks).batch.column(field).to_pylist()

    every = chain.from_iterable(texts(i, s) for i, s in enumerate(sources))
    return index_texts(every, plan.spec.against_overlap)
