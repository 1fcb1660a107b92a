"""Encode the segments of a layout: each column in one call, what repeats only once."""

from __future__ import annotations

from collections.abc import Sequence

from sftdata.examples.layout import DrawnColumn, Segment
from sftdata.examples.tokens import EncodedSegment
from sftdata.tokenizing.encoded import EncodedTexts
from sftdata.tokenizing.encoder import Encoder


def encode_segments(segments: Sequence[Segment], encoder: Encoder) -> list[EncodedSegment]:
    """The ids of each segment."""
    return [EncodedSegment(_encode(segment, encoder), segment.in_loss) for segment in segments]


def _encode(segment: Segment, encoder: Encoder) -> EncodedTexts | tuple[int, ...]:
    content = segment.content
    if isinstance(content, int):
        return (content,)
    if isinstance(content, str):
        return encoder.encode_constant(content, continues=segment.continues)
    if isinstance(content, DrawnColumn):
        encoded = encoder.encode_cached(content.name, content.values, continues=segment.continues)
        return encoded.take(content.index)
    return (encoder.encode_targets if segment.continues else encoder.encode_prompts)(content)
