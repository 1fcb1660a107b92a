"""Encode the stretches of a layout."""

from __future__ import annotations

from collections.abc import Sequence

from sftdata.examples.layout import DrawnColumn, Stretch
from sftdata.examples.tokens import EncodedStretch
from sftdata.tokenizing.encoded import EncodedTexts
from sftdata.tokenizing.encoder import Encoder


def encode_stretches(stretches: Sequence[Stretch], encoder: Encoder) -> list[EncodedStretch]:
    """The ids of each stretch."""
    return [EncodedStretch(_encode(stretch, encoder), stretch.in_loss) for stretch in stretches]


def _encode(stretch: Stretch, encoder: Encoder) -> EncodedTexts | tuple[int, ...]:
    content = stretch.content
    if isinstance(content, int):
        return (content,)
    if isinstance(content, str):
        return encoder.encode_constant(content, continues=stretch.continues)
    if isinstance(content, DrawnColumn):
        return encoder.encode_cached(content.name, content.values).take(content.index)
    return (encoder.encode_targets if stretch.continues else encoder.encode_prompts)(content)
