"""The prompt of a conversation, from what a passport records of its dataset."""

from __future__ import annotations

import datetime
from dataclasses import replace

from sftdata.errors import SftdataError, did_you_mean
from sftdata.serving.conversation import Question, TurnRenderer
from sftdata.serving.turn_rules import TurnRules
from sftdata.tokenizing.chat.layout import ConversationFormat
from sftdata.tokenizing.chat.template import load_chat_template
from sftdata.tokenizing.encoder import REFERENCE, load_encoder
from sftdata.tokenizing.tokenizer import Tokenizer
from sftdata_train.passport import Passport


def encode_turns(
    passport: Passport, tokenizer: Tokenizer, question: Question, source: str | None = None
) -> list[int]:
    """The ids of the turns up to the answer: those before it in a training example.

    `source` names one of a mixture whose sources show conversations in different ways.
    Raises `SftdataError` when the adapter was trained on no conversations.
    """
    rules = _choose_rules(passport, source)
    chat = passport["chat"]
    date = chat.get("date")
    tokenizer = replace(tokenizer, chat_template=chat["template"])
    template = load_chat_template(
        tokenizer,
        chat["options"],
        datetime.date.today() if date is None else datetime.date.fromisoformat(date),
    )
    layout = ConversationFormat(tokenizer, template, rules.teach_reasoning)
    _, ids = TurnRenderer(layout, load_encoder(tokenizer, REFERENCE), rules).render(question)
    return ids


def _choose_rules(passport: Passport, source: str | None) -> TurnRules:
    recorded = passport.content.get("conversations", {})
    known = {name: TurnRules.from_json(rules) for name, rules in recorded.items()}
    if not known:
        raise SftdataError(
            f"{passport.directory} was not trained on conversations.",
            "Give a row of fields: --row",
        )
    if source is not None and source not in known:
        raise SftdataError(
            f"The adapter was not trained on conversations of '{source}'.",
            did_you_mean(source, known),
        )
    chosen = {known[source]} if source is not None else set(known.values())
    if len(chosen) > 1:
        raise SftdataError(
            f"{passport.directory} was trained on conversations of {', '.join(known)}, which do "
            "not show earlier turns alike.",
            f"Choose the one to answer as: --template {next(iter(known))}",
        )
    return chosen.pop()
