"""Serving prompts of conversations: the exact ids a server must send for the next turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sftdata.base.conversation import wanted_turns
from sftdata.errors import GoldenSetError
from sftdata.examples.conversations.encode import EncodedPieces
from sftdata.reading.conversations.faults import ConversationFault
from sftdata.serving.turn_rules import TurnRules
from sftdata.spec.fields import MESSAGES
from sftdata.tokenizing.chat.layout import ConversationFormat
from sftdata.tokenizing.chat.rendering import UnusableError
from sftdata.tokenizing.encoder import Encoder

Messages = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Question:
    """The turns that the model is to answer, with tools, documents and a system text."""

    messages: Messages
    tools: Sequence[Any] | None = None
    documents: Sequence[Any] | None = None
    system: str | None = None

    @property
    def values(self) -> dict[str, Any]:
        """The given values, by field."""
        given = {
            MESSAGES: [dict(message) for message in self.messages],
            "tools": None if self.tools is None else list(self.tools),
            "documents": None if self.documents is None else list(self.documents),
            "system": self.system,
        }
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class TurnRenderer:
    """Renders the prompts of conversations as a build with these rules lays them out."""

    format: ConversationFormat
    encoder: Encoder
    rules: TurnRules

    def render(
        self, question: Question, chat_options: Mapping[str, Any] | None = None
    ) -> tuple[str, list[int]]:
        """Text and ids of a conversation up to where the model writes the next turn.

        `chat_options` are laid over those of the dataset for the generation prompt alone. Raises
        `SftdataError` where the chat template refuses the turns or leaves something out.
        """
        if not question.messages:
            raise GoldenSetError(
                "There are no turns.", "Give at least the turn of the user.", code="E303"
            )
        try:
            conversation = self.rules.reader.read_question(question.values)
            taught = (
                wanted_turns(conversation.turns, all_turns=True)
                if self.rules.teaches_earlier_turns
                else []
            )
            pieces = self.format.prompt(conversation, taught, dict(chat_options or {}))
        except (ConversationFault, UnusableError) as error:
            raise GoldenSetError(
                f"The turns cannot be shown: {error} ({error.reason}).", code="E303"
            ) from error
        encoded = EncodedPieces([[replace(p, in_loss=False) for p in pieces]], self.encoder)
        token = self.format.tokenizer.decoder.id_to_token
        shown = (p.content if isinstance(p.content, str) else token(p.content) for p in pieces)
        return "".join(map(str, shown)), encoded.ids.tolist()
