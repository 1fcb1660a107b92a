"""Making: the parts that make examples of the rows of a plan, with its settings."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import chain

import numpy as np
import pyarrow as pa

from sftdata.base.hashing import assign_splits
from sftdata.building.plan import Plan
from sftdata.errors import GoldenSetError
from sftdata.examples.fit import DraftMaker
from sftdata.examples.layout import ChatComposer, Composer, PlainComposer
from sftdata.examples.maker import ExampleMaker, Screen
from sftdata.examples.shots import PoolBuilder, ShotPool
from sftdata.reading.chunks import Chunk, read_chunks
from sftdata.reading.outcomes import Fates
from sftdata.reading.rows import RowReader
from sftdata.reading.screening.contamination import EvaluationTexts, index_texts
from sftdata.reading.sources import Source
from sftdata.tokenizing.chat_template import ChatFormat
from sftdata.tokenizing.encoder import Encoder, load_encoder


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


def example_maker(plan: Plan, encoder: Callable[[], Encoder]) -> ExampleMaker:
    """Makes examples of chunks. `encoder` is called when there is a text to encode."""
    return ExampleMaker(
        reader=row_reader(plan),
        templates=plan.templates,
        weights=plan.weights,
        screen=row_screen(plan),
        drafts=cache(lambda: _draft_maker(plan, encoder())),
        split=plan.spec.split,
        seed=plan.spec.seed,
    )


def maker_in_worker(pickled: bytes, engine: str) -> ExampleMaker:
    """The maker of a worker process: of a plan, with the engine that was chosen in its parent."""
    plan: Plan = pickle.loads(pickled)
    return example_maker(plan, lambda: load_encoder(plan.tokenizer, engine))


def _draft_maker(plan: Plan, encoder: Encoder) -> DraftMaker:
    """Renders, lays out, encodes and fits rows."""
    return DraftMaker(
        encoder=encoder,
        composer=_composer(plan),
        max_length=plan.spec.max_length,
        keep=plan.spec.keep,
        shots=plan.spec.shots,
        pool=plan.pool,
        seed=plan.spec.seed,
        all_turns=plan.spec.loss == "all",
    )


def _composer(plan: Plan) -> Composer:
    if plan.spec.chat:
        return ChatComposer(ChatFormat(plan.tokenizer, plan.spec.chat_options))
    return PlainComposer(plan.tokenizer.bos_id, plan.tokenizer.eos_id)


def sample_texts(plan: Plan, chunks: Sequence[Chunk]) -> pa.LargeStringArray:
    """Texts of some rows, to check an engine on."""
    reader = row_reader(plan)
    rows = reader.parse(chunks[:4])
    return pa.concat_arrays([rows.batch.column(name) for name in reader.fields])


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
