"""Serving prompts of conversations: the exact ids a server must send for the next turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sftdata.base.conversation import Conversation, wanted_turns
from sftdata.building.plan import Plan
from sftdata.errors import GoldenSetError, SpecError
from sftdata.examples.conversations.encode import EncodedPieces
from sftdata.reading.conversations.beside import read_documents, read_tools
from sftdata.reading.conversations.faults import ConversationFault
from sftdata.reading.conversations.turns import read_turn
from sftdata.tokenizing.chat.rendering import UnusableError
from sftdata.tokenizing.encoder import Encoder

Messages = Sequence[Mapping[str, Any]]


def render_turns(
    plan: Plan,
    encoder: Encoder,
    messages: Messages,
    tools: Sequence[Any] | None = None,
    documents: Sequence[Any] | None = None,
    chat_options: Mapping[str, Any] | None = None,
) -> tuple[str, list[int]]:
    """Text and ids of a conversation up to where the model writes the next turn.

    `chat_options` are laid over those of the dataset for the generation prompt alone. Raises
    `SftdataError` where the chat template refuses the turns or leaves something out.
    """
    if plan.conversations is None:
        raise SpecError(
            "The dataset holds no conversations, so it cannot say how turns are shown.",
            "Give a row of fields: --row, or render_prompt(dataset, row).",
        )
    if not messages:
        raise GoldenSetError("There are no turns.", "Give at least the turn of the user.")
    try:
        turns = tuple(
            read_turn(dict(message), number, null_filled=False, ignored=_ignored(plan))
            for number, message in enumerate(messages, 1)
        )
        conversation = Conversation(
            turns,
            read_tools(None if tools is None else list(tools), null_filled=False),
            read_documents(None if documents is None else list(documents), null_filled=False),
        )
        taught = [] if plan.spec.unroll else wanted_turns(turns, plan.spec.loss == "all")
        if plan.spec.loss == "last":  # it is the turn to be written
            taught = []
        pieces = plan.conversations.prompt(conversation, taught, dict(chat_options or {}))
    except (ConversationFault, UnusableError) as error:
        raise GoldenSetError(f"The turns cannot be shown: {error} ({error.reason}).") from error
    encoded = EncodedPieces([[replace(piece, in_loss=False) for piece in pieces]], encoder)
    token = plan.tokenizer.decoder.id_to_token

    text = "".join(
        str(p.content if isinstance(p.content, str) else token(p.content)) for p in pieces
    )
    return text, encoded.ids.tolist()


def _ignored(plan: Plan) -> frozenset[str]:
    return frozenset(plan.spec.ignore_turn_keys)
