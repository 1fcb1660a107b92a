"""Make examples without any shortcut of a build: each row by Jinja and the `tokenizers` library.

A build renders by column, compiles templates, lays plain conversations out once for all and encodes
with a fast engine. None of it is used here; nor is any block of an earlier build.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from sftdata.base.conversation import ASSISTANT, SYSTEM, USER, Conversation, Turn
from sftdata.building.maker import conversation_fitter, row_fitter
from sftdata.building.oracle.library_ids import ExampleText
from sftdata.building.plan import Plan
from sftdata.examples.conversations.encode import EncodedPieces, Pieces
from sftdata.examples.conversations.fitter import ConversationFitter
from sftdata.examples.conversations.plain import PlainConversations
from sftdata.examples.fit import EncodedRows, RowFitter
from sftdata.examples.layout import Shots, count_prompt_segments, segment_text
from sftdata.examples.tokens import TokenBatch
from sftdata.reading.outcomes import RowOutcomes
from sftdata.reading.rows import Rows
from sftdata.rendering.template import Template
from sftdata.spec.fields import MESSAGES
from sftdata.tokenizing.chat.layout import ConversationFormat, Layout
from sftdata.tokenizing.chat.rendering import UnusableError
from sftdata.tokenizing.encoder import REFERENCE, Encoder, load_encoder


@dataclass(frozen=True, slots=True)
class SlowExample:
    """An example, and its text."""

    place: int  # of its row
    tokens: TokenBatch  # one row
    text: ExampleText
    is_stable: bool
    # Whether the chat template, given the contents themselves, writes other tokens.
    is_written_otherwise: bool = False


class _NoShortcut(PlainConversations):
    """Leaves every conversation to the chat template."""

    def lay_out(self, text: str) -> Layout | None:
        return None


@dataclass(frozen=True)
class SlowExamples:
    """Makes the examples of rows of one plan."""

    plan: Plan

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder of the `tokenizers` library."""
        return load_encoder(self.plan.tokenizer, REFERENCE)

    @cached_property
    def _templates(self) -> list[Template]:
        return [template.without_shortcuts() for template in self.plan.templates]

    @cached_property
    def _row_fitter(self) -> RowFitter:
        return row_fitter(self.plan, self.encoder)

    @cached_property
    def _conversation_fitter(self) -> ConversationFitter:
        fitter = conversation_fitter(self.plan, self.encoder)
        return replace(fitter, plain=_NoShortcut(fitter.plain.chat, fitter.plain.all_turns))

    @cached_property
    def _format(self) -> ConversationFormat:
        return ConversationFormat(self.plan.tokenizer, self.plan.chat_template)

    def make(
        self, rows: Rows, template_of: npt.NDArray[np.int8], outcomes: RowOutcomes
    ) -> Iterator[SlowExample]:
        """The examples of rows that are not dropped. `template_of`: of each row, by index."""
        if not self._templates:
            yield from self._make_conversations(rows, outcomes)
        for number, template in enumerate(self._templates):
            places = np.flatnonzero((template_of == number) & ~outcomes.dropped)
            for encoded in self._row_fitter.fit(rows, places, template, outcomes):
                yield from self._make_rows(encoded)

    def _make_conversations(self, rows: Rows, outcomes: RowOutcomes) -> Iterator[SlowExample]:
        places = np.flatnonzero(~outcomes.dropped)
        column = rows.batch.column(MESSAGES)
        pieces, made = self._conversation_fitter.fit_pieces(column, places, outcomes)
        for at, place in enumerate(made.places.tolist()):
            tokens = made.batch.take(np.array([at]))
            text = ExampleText(*self._text_of_pieces(pieces[at]), tokens)
            yield SlowExample(place, tokens, text, bool(made.stable[at]))

    def _make_rows(self, encoded: EncodedRows) -> Iterator[SlowExample]:
        made = self._row_fitter.join_tokens(encoded)
        for at in np.flatnonzero(made.kept).tolist():
            tokens, place = made.batch.take(np.array([at])), int(made.places[at])
            stable = bool(made.stable[at])
            if self.plan.chat is None:
                first = 0 if self.plan.tokenizer.bos_id is None else 1
                text = ExampleText(*_text(encoded, at, {}), tokens, first, last=1)
                yield SlowExample(place, tokens, text, stable)
                continue
            try:
                pieces = self._lay_out(encoded, at)
            except UnusableError:  # it takes only stand-ins, so there is nothing to compare
                text = ExampleText(*_text(encoded, at, self._spelled), tokens)
                yield SlowExample(place, tokens, text, stable)
            else:
                text = ExampleText(*self._text_of_pieces(pieces), tokens)
                ids = EncodedPieces([pieces], self.encoder).ids
                differs = not np.array_equal(ids, tokens.input_ids)
                yield SlowExample(place, tokens, text, stable, differs)

    def _lay_out(self, encoded: EncodedRows, at: int) -> Pieces:
        """The turns of a row as the chat template writes them. Raises `UnusableError`."""
        rendered = encoded.rendered
        system = "" if rendered.system is None else str(rendered.system[at].as_py()).strip()
        turns = [Turn(SYSTEM, system)] if system else []
        turns += _shown(encoded.shots, at)
        turns.append(Turn(USER, str(rendered.prompt[at].as_py()).strip()))
        turns.append(Turn(ASSISTANT, str(rendered.target[at].as_py()).strip()))
        return self._format.lay_out(Conversation(tuple(turns)), [len(turns) - 1]).pieces

    def _text_of_pieces(self, pieces: Pieces) -> tuple[str, str]:
        """The text before the loss and the rest, with the control tokens spelled out."""
        texts = [
            piece.content if isinstance(piece.content, str) else self._spelled[piece.content]
            for piece in pieces
        ]
        first = next(at for at, piece in enumerate(pieces) if piece.in_loss)
        return "".join(texts[:first]), "".join(texts[first:])

    @cached_property
    def _spelled(self) -> dict[int, str]:
        return {token["id"]: text for text, token in self.plan.tokenizer.added_tokens.items()}


def _text(encoded: EncodedRows, at: int, spelled: Mapping[int, str]) -> tuple[str, str]:
    """The text of a row before the loss and the rest; tokens that are not `spelled` are none."""
    segments = encoded.segments
    texts = [
        segment_text(segment, at, lambda token: spelled.get(token, "")) for segment in segments
    ]
    first = count_prompt_segments(segments)
    return "".join(texts[:first]), "".join(texts[first:])


def _shown(shots: Shots | None, at: int) -> Iterator[Turn]:
    """The turns of the shots of a row."""
    if shots is None:
        return
    for number in shots.index[at].tolist():
        yield Turn(USER, str(shots.pool.prompt[number].as_py()).strip())
        yield Turn(ASSISTANT, str(shots.pool.target[number].as_py()).strip())
