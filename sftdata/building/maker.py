"""Making: the parts that make examples of the rows of a plan, with its settings."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from functools import cache

import pyarrow as pa

from sftdata.building.inputs import row_reader, row_screen
from sftdata.building.plan import Plan
from sftdata.examples.fit import DraftMaker
from sftdata.examples.layout import ChatComposer, Composer, PlainComposer
from sftdata.examples.maker import ExampleMaker
from sftdata.reading.chunks import Chunk
from sftdata.tokenizing.chat_template import ChatFormat
from sftdata.tokenizing.encoder import Encoder, load_encoder


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
