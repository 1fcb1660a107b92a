"""Ids, mask and target start, as rows of aligned tokens a reader can check by eye."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from sftdata.examples.encode import encode_segments
from sftdata.examples.layout import PlainComposer
from sftdata.examples.tokens import join_segments, joined_equal
from sftdata.loading.dataset import make_labels
from sftdata.rendering.render import Rendered
from sftdata.tokenizing.encoder import FAST, REFERENCE, choose_encoder, load_encoder
from sftdata.tokenizing.load import load_tokenizer

EOS, BOS = 256, 257


@dataclass(frozen=True)
class Row:
    """One example, as lists."""

    input_ids: list[int]
    label_mask: list[int]
    target_start: int


def texts(*values: str) -> pa.LargeStringArray:
    return pa.array(values, pa.large_string())


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


def test_the_target_and_its_eos_are_in_the_loss(byte_tokenizer: Path) -> None:
    example = encode(prompt="ab\n", target="cd", tokenizer=byte_tokenizer)
    #                             a   b   \n  c   d    eos
    assert example.input_ids == [97, 98, 10, 99, 100, EOS]
    assert example.label_mask == [0, 0, 0, 1, 1, 1]
    assert example.target_start == 3


def test_eos_stays_in_the_loss_where_pad_is_the_same_token(byte_tokenizer: Path) -> None:
    tokenizer = load_tokenizer(str(byte_tokenizer))
    assert tokenizer.pad_id == tokenizer.eos_id == EOS
    example = encode(prompt="a\n", target="b", tokenizer=byte_tokenizer)
    labels = make_labels(np.array(example.input_ids, np.int32), np.array(example.label_mask, bool))
    #                          a     \n    b   eos
    assert labels.tolist() == [-100, -100, 98, EOS]


def test_a_target_of_one_token_has_two_tokens_in_the_loss(byte_tokenizer: Path) -> None:
    example = encode(prompt="a\n", target="b", tokenizer=byte_tokenizer)
    #                            a  \n b  eos
    assert example.label_mask == [0, 0, 1, 1]


def test_bos_stands_once_and_outside_the_loss(bos_tokenizer: Path) -> None:
    example = encode(prompt="ab\n", target="cd", tokenizer=bos_tokenizer)
    #                            bos  a   b   \n  c   d    eos
    assert example.input_ids == [BOS, 97, 98, 10, 99, 100, EOS]
    assert example.label_mask == [0, 0, 0, 0, 1, 1, 1]
    assert example.target_start == 4


def test_the_text_of_bos_and_eos_is_text(bos_tokenizer: Path) -> None:
    example = encode(prompt="<bos>", target="<eos>", tokenizer=bos_tokenizer)
    #                            bos  <bos> as bytes            <eos> as bytes            eos
    assert example.input_ids == [BOS, 60, 98, 111, 115, 62, 60, 101, 111, 115, 62, EOS]
    assert example.label_mask == [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]


def test_the_mask_goes_by_position_where_prompt_and_target_are_alike(byte_tokenizer: Path) -> None:
    example = encode(prompt="aa\n", target="aa\n", tokenizer=byte_tokenizer)
    #                            a   a   \n  a   a   \n  eos
    assert example.input_ids == [97, 97, 10, 97, 97, 10, EOS]
    assert example.label_mask == [0, 0, 0, 1, 1, 1, 1]


def test_rows_of_a_batch_are_those_of_batches_of_one(bos_tokenizer: Path) -> None:
    rows = [("a\n", "b"), ("", "c"), ("long prompt\n", "long target"), ("é\n", "日")]
    assert encode_rows(rows, bos_tokenizer) == [encode(*row, bos_tokenizer) for row in rows]


def test_a_batch_without_rows_has_no_tokens(byte_tokenizer: Path) -> None:
    assert encode_rows([], byte_tokenizer) == []


def test_slices_of_a_column_are_encoded_like_the_column(byte_tokenizer: Path) -> None:
    column = texts("dropped", "ab", "c", "dropped").slice(1, 2)
    for engine in (REFERENCE, FAST):
        encoded = load_encoder(load_tokenizer(str(byte_tokenizer)), engine).encode_prompts(column)
        #                               a   b   c
        assert encoded.ids.tolist() == [97, 98, 99]
        assert encoded.offsets.tolist() == [0, 2, 3]


def test_both_engines_give_the_same_rows(bos_tokenizer: Path) -> None:
    rows = [("ab\n", "cd"), ("日本\n", "<eos>"), ("\0\n", "\x7f 12")]
    assert encode_rows(rows, bos_tokenizer, FAST) == encode_rows(rows, bos_tokenizer, REFERENCE)


def test_an_encoder_says_which_rows_hold_what_is_not_text(byte_tokenizer: Path) -> None:
    # A byte the vocabulary has no entry for gets a stand-in id, and the rows with it are found.
    folder = byte_tokenizer.parent / "without-a-byte"
    folder.mkdir(exist_ok=True)
    spec = json.loads((byte_tokenizer / "tokenizer.json").read_text())
    vocab = spec["model"]["vocab"]
    spec["model"]["vocab"] = {char: i for char, i in vocab.items() if i != ord("q")}
    (folder / "tokenizer.json").write_text(json.dumps(spec))
    (folder / "tokenizer_config.json").write_text('{"eos_token": "<eos>"}')
    encoder = load_encoder(load_tokenizer(str(folder)), REFERENCE)
    encoded = encoder.encode_prompts(texts("fine", "", "a q", "q", "<eos>"))
    assert encoder.find_unsafe(encoded).tolist() == [2, 3]


def test_joined_equal_tells_joined_from_split_tokens(shared_merge_tokenizer: Path) -> None:
    encoder = load_encoder(load_tokenizer(str(shared_merge_tokenizer)), REFERENCE)
    prompts, targets = texts("a", "a", "b"), texts("b", "a", "b")
    whole = encoder.encode_prompts(texts("ab", "aa", "bb"))
    equal = joined_equal(encoder.encode_prompts(prompts), encoder.encode_targets(targets), whole)
    assert equal.tolist() == [False, True, True]  # "a" + "b" would be the one token "ab"


@pytest.fixture
def shared_merge_tokenizer(byte_tokenizer: Path, tmp_path: Path) -> Path:
    """The byte tokenizer with one merge: a + b."""
    spec = json.loads((byte_tokenizer / "tokenizer.json").read_text())
    spec["model"]["vocab"]["ab"] = 257
    spec["model"]["merges"] = [["a", "b"]]
    (tmp_path / "tokenizer.json").write_text(json.dumps(spec))
    (tmp_path / "tokenizer_config.json").write_text('{"eos_token": "<eos>"}')
    return tmp_path


@pytest.mark.real
@pytest.mark.parametrize("name", ["gpt2", "smollm2", "qwen3", "mistral-v3"])
def test_a_target_continues_the_prompt_without_a_space_of_its_own(name: str, shared: Path) -> None:
    tokenizer = load_tokenizer(str(shared / "tokenizers" / name))
    lines: list[str] = []
    choice = choose_encoder(tokenizer, lines.append)
    encoder = choice.encoder
    assert encoder.engine == FAST
    assert choice.find_fault(texts("sample")) is None
    assert lines == []
    apart = [encoder.encode_prompts(texts("Answer:\n")), encoder.encode_targets(texts("Yes"))]
    ids = np.concatenate([encoded.ids for encoded in apart]).tolist()
    assert tokenizer.decoder.decode(ids) == "Answer:\nYes"
