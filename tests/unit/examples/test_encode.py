"""Encoding of segments: texts of rows, constants, tokens and drawn columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from sftdata.examples.encode import encode_segments
from sftdata.examples.layout import DrawnColumn, Segment
from sftdata.tokenizing.encoded import EncodedTexts
from sftdata.tokenizing.encoder import REFERENCE, load_encoder
from sftdata.tokenizing.load import load_tokenizer


def test_each_kind_of_stretch_gives_its_ids(byte_tokenizer: Path) -> None:
    encoder = load_encoder(load_tokenizer(str(byte_tokenizer)), REFERENCE)
    texts = pa.array(["ab", "c"], pa.large_string())
    drawn = DrawnColumn(("pool",), texts, np.array([1, 1, 0]))
    segments = [
        Segment(texts, in_loss=False),
        Segment("x", in_loss=False),
        Segment(256, in_loss=True),
        Segment(drawn, in_loss=False),
    ]
    own, constant, token, shots = (segment.ids for segment in encode_segments(segments, encoder))
    assert isinstance(own, EncodedTexts)
    assert (own.ids.tolist(), own.offsets.tolist()) == ([97, 98, 99], [0, 2, 3])
    assert (list(constant), token) == ([120], (256,))
    assert isinstance(shots, EncodedTexts)
    assert (shots.ids.tolist(), shots.offsets.tolist()) == ([99, 99, 97, 98], [0, 1, 2, 4])
