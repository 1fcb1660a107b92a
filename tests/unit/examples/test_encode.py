"""Encoded examples, as rows of aligned ids and masks that a reader checks by eye."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from sftdata.examples.encode import encode_segments
from sftdata.examples.layout import DrawnColumn, PlainComposer, Segment
from sftdata.examples.tokens import join_segments
from sftdata.rendering.render import Rendered
from sftdata.tokenizing.encoded import EncodedTexts
from sftdata.tokenizing.encoder import FAST, REFERENCE, load_encoder
from sftdata.tokenizing.load import load_tokenizer

EOS, BOS = 256, 257


def texts(*values: str) -> pa.LargeStringArray:
    return pa.array(values, pa.large_string())


@dataclass(frozen=True)
class Row:
    """One example, as lists."""

    input_ids: list[int]
    label_mask: list[int]
    target_start: int


def encode_rows(rows: list[tuple[str, str]], folder: Path, engine: str = REFERENCE) -> list[Row]:
    tokenizer = load_tokenizer(str(folder))
    encoder = load_encoder(tokenizer, engine)
    prompts, targets = (texts(*[row[at] for row in rows]) for at in (0, 1))
    composer = PlainComposer(tokenizer.bos_id, tokenizer.eos_id)
    segments = composer.compose(Rendered(None, prompts, targets), None)
    batch = join_segments(encode_segments(segments, encoder), len(rows))
    return [
        Row(
            batch.input_ids[start:end].tolist(),
            batch.label_mask[start:end].astype(int).tolist(),
            int(batch.target_start[i]),
        )
        for i, (start, end) in enumerate(zip(batch.offsets, batch.offsets[1:], strict=False))
    ]


def encode(prompt: str, target: str, tokenizer: Path) -> Row:
    return encode_rows([(prompt, target)], tokenizer)[0]


@pytest.fixture
def bos_tokenizer(byte_tokenizer: Path, tmp_path: Path) -> Path:
    """The byte tokenizer with a BOS, 257, that its post-processor puts before each text."""
    spec = json.loads((byte_tokenizer / "tokenizer.json").read_text())
    spec["added_tokens"].append({**spec["added_tokens"][0], "id": BOS, "content": "<bos>"})
    spec["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [
            {"SpecialToken": {"id": "<bos>", "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}},
        ],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<bos>": {"id": "<bos>", "ids": [BOS], "tokens": ["<bos>"]}},
    }
    (tmp_path / "tokenizer.json").write_text(json.dumps(spec))
    config = {"eos_token": "<eos>", "bos_token": "<bos>", "pad_token": "<eos>"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    return tmp_path


# fmt: off
def test_the_target_and_its_eos_are_in_the_loss(byte_tokenizer: Path) -> None:
    example = encode(prompt="ab\n", target="cd", tokenizer=byte_tokenizer)
    #                             a   b   \n  c   d    eos
    assert example.input_ids  == [97, 98, 10, 99, 100, EOS]
    assert example.label_mask == [ 0,  0,  0,  1,   1,   1]
    assert example.target_start == 3


def test_eos_is_in_the_loss_where_pad_is_the_same_token(byte_tokenizer: Path) -> None:
    tokenizer = load_tokenizer(str(byte_tokenizer))
    assert tokenizer.pad_id == tokenizer.eos_id == EOS
    example = encode(prompt="a\n", target="b", tokenizer=byte_tokenizer)
    #                             a   \n  b   eos
    assert example.input_ids  == [97, 10, 98, EOS]
    assert example.label_mask == [ 0,  0,  1,   1]


def test_bos_stands_once_and_outside_the_loss(bos_tokenizer: Path) -> None:
    example = encode(prompt="ab\n", target="cd", tokenizer=bos_tokenizer)
    #                             bos  a   b   \n  c   d    eos
    assert example.input_ids  == [BOS, 97, 98, 10, 99, 100, EOS]
    assert example.label_mask == [  0,  0,  0,  0,  1,   1,   1]
    assert example.target_start == 4


def test_the_text_of_bos_and_eos_is_text(bos_tokenizer: Path) -> None:
    example = encode(prompt="<bos>", target="<eos>", tokenizer=bos_tokenizer)
    #                             bos  <   b   o    s    >   <   e    o    s    >   eos
    assert example.input_ids  == [BOS, 60, 98, 111, 115, 62, 60, 101, 111, 115, 62, EOS]
    assert example.label_mask == [  0,  0,  0,   0,   0,  0,  1,   1,   1,   1,  1,   1]


def test_the_mask_goes_by_position_where_prompt_and_target_are_alike(byte_tokenizer: Path) -> None:
    example = encode(prompt="aa\n", target="aa\n", tokenizer=byte_tokenizer)
    #                             a   a   \n  a   a   \n  eos
    assert example.input_ids  == [97, 97, 10, 97, 97, 10, EOS]
    assert example.label_mask == [ 0,  0,  0,  1,  1,  1,   1]
# fmt: on


def test_rows_of_a_batch_are_those_of_batches_of_one(bos_tokenizer: Path) -> None:
    rows = [("a\n", "b"), ("", "c"), ("long prompt\n", "long target"), ("é\n", "日")]
    assert encode_rows(rows, bos_tokenizer) == [encode(*row, bos_tokenizer) for row in rows]


def test_a_batch_without_rows_has_no_tokens(byte_tokenizer: Path) -> None:
    assert encode_rows([], byte_tokenizer) == []


def test_both_engines_give_the_same_rows(bos_tokenizer: Path) -> None:
    rows = [("ab\n", "cd"), ("日本\n", "<eos>"), ("\0\n", "\x7f 12")]
    assert encode_rows(rows, bos_tokenizer, FAST) == encode_rows(rows, bos_tokenizer, REFERENCE)


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
