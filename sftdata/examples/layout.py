"""Lay out examples: system, shots, prompt and target as segments to encode.

A segment is a text or a token at the same position in every example of a batch. Plain and chat
examples differ only in their segments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import numbers, text, to_flags
from sftdata.base.conversation import ASSISTANT, SYSTEM, USER
from sftdata.rendering.render import Rendered
from sftdata.tokenizing.chat.skeleton import ChatFormat, ControlToken

BLANK_LINE = "\n\n"  # after each shot of a plain prompt
# The characters that str.strip removes, so that a chat template's `trim` removes nothing more.
_WHITE_SPACE = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())


@dataclass(frozen=True, slots=True)
class DrawnColumn:
    """A column whose row i is `values[index[i]]`: a shot, drawn from the pool.

    Equal names mean equal values, which are then encoded once.
    """

    name: tuple[str, ...]
    values: pa.LargeStringArray
    index: npt.NDArray[np.int64]

    def to_column(self) -> pa.LargeStringArray:
        """The column itself."""
        return self.values.take(numbers(self.index))


Column: TypeAlias = pa.LargeStringArray | DrawnColumn


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of every example of a batch: a column of texts, one text for all, or one token."""

    content: Column | str | int
    in_loss: bool
    continues: bool = False  # encoded as the continuation of the segment before


@dataclass(frozen=True, slots=True)
class Shots:
    """Solved examples for each row of a batch: `index[row, i]` is the i-th in `pool`."""

    pool: Rendered
    name: str  # of the template that rendered the pool
    index: npt.NDArray[np.int64]


class Composer(Protocol):
    """Lays rendered rows out as segments."""

    def compose(self, rendered: Rendered, shots: Shots | None) -> list[Segment]:
        """The segments of a batch of examples that have the same number of shots."""
        ...


@dataclass(frozen=True)
class PlainComposer:
    """`[bos?] + (system + shots + prompt) + target + [eos]`."""

    bos_id: int | None
    eos_id: int

    def compose(self, rendered: Rendered, shots: Shots | None) -> list[Segment]:
        """The segments of a batch of examples that have the same number of shots."""
        pieces = [] if rendered.system is None else [rendered.system]
        if shots is not None:
            solved = join(shots.pool.prompt, shots.pool.target, text(BLANK_LINE))
            pieces += [solved.take(numbers(column)) for column in shots.index.T]
        segments = [
            Segment(join(*pieces, rendered.prompt), in_loss=False),
            Segment(rendered.target, in_loss=True, continues=True),
            Segment(self.eos_id, in_loss=True),
        ]
        bos = [] if self.bos_id is None else [Segment(self.bos_id, in_loss=False)]
        return bos + segments


@dataclass(frozen=True)
class ChatComposer:
    """System, user and assistant turns in the tokenizer's own chat template; contents stripped."""

    chat: ChatFormat

    def compose(self, rendered: Rendered, shots: Shots | None) -> list[Segment]:
        """The segments of a batch of examples that have the same number of shots.

        A system text that is blank in all of them is no turn.
        """
        roles: list[str] = []
        contents: list[Column] = []
        if rendered.system is not None and not is_blank(rendered.system).all():
            roles.append(SYSTEM)
            contents.append(strip(rendered.system))
        if shots is not None:
            questions, answers = strip(shots.pool.prompt), strip(shots.pool.target)
            for column in shots.index.T:
                roles += [USER, ASSISTANT]
                contents.append(DrawnColumn((shots.name, USER), questions, column))
                contents.append(DrawnColumn((shots.name, ASSISTANT), answers, column))
        roles += [USER, ASSISTANT]
        contents += [strip(rendered.prompt), strip(rendered.target)]
        segments = []
        for piece in self.chat.layout(tuple(roles)):
            if isinstance(piece, ControlToken):
                segments.append(Segment(piece.token_id, piece.in_loss))
                continue
            parts = [part if isinstance(part, str) else contents[part] for part in piece.parts]
            segments.append(Segment(_join_parts(parts), piece.in_loss, piece.continues))
        return segments


def _join_parts(parts: Sequence[str | Column]) -> Column | str:
    """Literal texts and contents joined to one column, or to one text if there is no content."""
    columns = [part for part in parts if not isinstance(part, str)]
    if not columns:
        return "".join(map(str, parts))
    if len(columns) == 1 and isinstance(columns[0], DrawnColumn):
        # Join the literal text to each row of the pool, not to each example that draws it.
        drawn = columns[0]
        values = [text(part) if isinstance(part, str) else drawn.values for part in parts]
        around = [part if isinstance(part, str) else "" for part in parts]
        return DrawnColumn((*drawn.name, *around), join(*values), drawn.index)
    flat = [part.to_column() if isinstance(part, DrawnColumn) else part for part in parts]
    return join(*(text(part) if isinstance(part, str) else part for part in flat))


def count_prompt_segments(segments: Sequence[Segment]) -> int:
    """The number of segments that the model is fed at inference: those before the loss starts."""
    return next(at for at, segment in enumerate(segments) if segment.in_loss)


def segment_text(segment: Segment, row: int, tokens: Callable[[int], str]) -> str:
    """The text of a segment in one row; `tokens` gives the text of a token."""
    content = segment.content
    if isinstance(content, int):
        return tokens(content)
    if isinstance(content, str):
        return content
    column = content.to_column() if isinstance(content, DrawnColumn) else content
    return str(column[row].as_py())


def join(*columns: pa.LargeStringArray | pa.LargeStringScalar) -> pa.LargeStringArray:
    """The texts of each row one after another."""
    return columns[0] if len(columns) == 1 else pc.binary_join_element_wise(*columns, text(""))


def strip(column: pa.LargeStringArray) -> pa.LargeStringArray:
    """Each text without white space at either end, as `str.strip` does it."""
    return pc.utf8_trim(column, _WHITE_SPACE)


def is_blank(column: pa.LargeStringArray) -> npt.NDArray[np.bool_]:
    """Whether each text is empty or white space only."""
    return to_flags(pc.equal(strip(column), text("")))
