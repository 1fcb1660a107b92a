"""The example maker of a plan: its parts, put together with the plan's settings."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import cache

from sftdata.building.inputs import row_screen
from sftdata.building.plan import Plan
from sftdata.examples.conversations.fitter import ConversationFitter
from sftdata.examples.conversations.plain import PlainConversations
from sftdata.examples.fit import RowFitter
from sftdata.examples.layout import ChatComposer, Composer, PlainComposer
from sftdata.examples.maker import ExampleMaker
from sftdata.reading.row_reader import row_reader
from sftdata.tokenizing.chat.skeleton import ChatFormat
from sftdata.tokenizing.encoder import Encoder, load_encoder


def example_maker(plan: Plan, encoder: Callable[[], Encoder]) -> ExampleMaker:
    """Makes the examples of chunks. `encoder` is called when the first text is to be encoded."""
    return ExampleMaker(
        reader=row_reader(plan.spec, plan.sources),
        templates=plan.templates,
        weights=plan.weights,
        screen=row_screen(plan.spec, plan.evaluation),
        fitter=cache(lambda: row_fitter(plan, encoder())),
        conversation_fitter=cache(lambda: conversation_fitter(plan, encoder())),
        split=plan.splits,
        seed=plan.spec.seed,
        loose=plan.spec.duplicates == "loose",
    )


def maker_in_worker(pickled: bytes, engine: str) -> ExampleMaker:
    """The maker of a worker process; `engine` is the one that its parent process has chosen."""
    plan: Plan = pickle.loads(pickled)
    return example_maker(plan, lambda: load_encoder(plan.tokenizer, engine))


def row_fitter(plan: Plan, encoder: Encoder) -> RowFitter:
    """Fits the rows that templates render."""
    return RowFitter(
        encoder=encoder,
        composer=_composer(plan),
        max_length=plan.spec.max_length,
        keep=plan.spec.keep,
        shots=plan.spec.shots,
        pool=plan.pool,
        seed=plan.spec.seed,
    )


def conversation_fitter(plan: Plan, encoder: Encoder) -> ConversationFitter:
    """Fits conversations."""
    assert plan.conversations is not None
    return ConversationFitter(
        encoder=encoder,
        format=plan.conversations,
        plain=PlainConversations(
            ChatFormat(plan.tokenizer, plan.spec.chat_options, plan.chat_date),
            plan.spec.loss == "all",
        ),
        max_length=plan.spec.max_length,
        all_turns=plan.spec.loss == "all",
        long=plan.spec.long_conversations,
    )


def _composer(plan: Plan) -> Composer:
    if plan.chat is not None:
        return ChatComposer(plan.chat)
    return PlainComposer(plan.tokenizer.bos_id, plan.tokenizer.eos_id)
