"""Decode: a column of ids gives what the `tokenizers` library gives row by row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from support.places import BUNDLED_TOKENIZER, REAL_TOKENIZERS
from tokenizers import decoders, models

from sftdata.tokenizing.decoder import Decoder
from sftdata.tokenizing.load import load_tokenizer
from sftdata.tokenizing.tokenizer import Tokenizer

Rows = list[list[int]]


def flat(rows: Rows) -> tuple[Any, Any]:
    ids = np.array([i for row in rows for i in row], np.int32)
    return ids, np.cumsum([0, *map(len, rows)])


def by_library(tokenizer: Tokenizer, rows: Rows) -> list[str]:
    return [tokenizer.decoder.decode(row, skip_special_tokens=False) for row in rows]


def save(tokenizer: tokenizers.Tokenizer, folder: Path) -> Tokenizer:
    tokenizer.add_special_tokens(["</s>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "</s>"}))
    return load_tokenizer(str(folder))


def with_byte_fallback(folder: Path, decoder: Any) -> Tokenizer:
    """Words with a mark at their start, and a token for each byte."""
    pieces = ["\u2581", "a", "\u2581b", "\u2581\u2581", *(f"<0x{b:02X}>" for b in range(256))]
    vocab = {piece: i for i, piece in enumerate(pieces)}
    tokenizer = tokenizers.Tokenizer(models.BPE(vocab, [], byte_fallback=True))
    tokenizer.decoder = decoder
    return save(tokenizer, folder)


LLAMA = decoders.Sequence(
    [
        decoders.Replace("\u2581", " "),
        decoders.ByteFallback(),
        decoders.Fuse(),
        decoders.Strip(" ", 1, 0),
    ]
)
GEMMA = decoders.Sequence(
    [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
)
ids = st.lists(st.integers(0, 256), max_size=12)


@given(st.lists(ids, max_size=5))
def test_any_bytes_decode_as_the_library_decodes_them(byte_tokenizer: Path, rows: Rows) -> None:
    tokenizer = load_tokenizer(str(byte_tokenizer))
    assert Decoder(tokenizer).decode(*flat(rows)).to_pylist() == by_library(tokenizer, rows)


@pytest.mark.parametrize("decoder", [LLAMA, GEMMA, decoders.Metaspace(), None], ids=str)
def test_words_and_bytes_decode_as_the_library_decodes_them(tmp_path: Path, decoder: Any) -> None:
    tokenizer = with_byte_fallback(tmp_path, decoder)

    @given(st.lists(ids, max_size=5))
    @settings(deadline=None)
    def check(rows: Rows) -> None:
        assert Decoder(tokenizer).decode(*flat(rows)).to_pylist() == by_library(tokenizer, rows)

    check()


@pytest.mark.parametrize("decoder", [LLAMA, GEMMA, decoders.Metaspace()], ids=str)
def test_a_row_that_goes_on_keeps_its_first_space(tmp_path: Path, decoder: Any) -> None:
    decode = Decoder(with_byte_fallback(tmp_path, decoder)).decode
    #       ▁b       ▁  a      ▁▁
    rows = [[2, 1], [0, 1], [], [3]]
    assert decode(*flat(rows), continues=True).to_pylist() == [" ba", " a", "", "  "]


def test_the_first_space_is_taken_off_where_the_decoder_says_so(tmp_path: Path) -> None:
    rows = [[2, 1], [1, 2], [0, 1], [], [3], [1]]
    tokenizer = with_byte_fallback(tmp_path, LLAMA)
    assert Decoder(tokenizer).decode(*flat(rows)).to_pylist() == ["ba", "a b", "a", "", " ", "a"]


def test_half_a_character_is_shown_as_a_replacement_in_its_own_row_only(
    byte_tokenizer: Path,
) -> None:
    first, second = "é".encode()
    rows = [list("é".encode()), [first], [second], [ord("x"), first, second]]
    column = Decoder(load_tokenizer(str(byte_tokenizer))).decode(*flat(rows))
    assert column.to_pylist() == ["é", "\ufffd", "\ufffd", "xé"]


def test_ids_that_do_not_exist_stand_for_nothing(byte_tokenizer: Path) -> None:
    decode = Decoder(load_tokenizer(str(byte_tokenizer))).decode
    assert decode(*flat([[97, 100_000, 98, -1], [-5], []])).to_pylist() == ["ab", "", ""]


def test_control_tokens_can_be_left_out(byte_tokenizer: Path) -> None:
    tokenizer = load_tokenizer(str(byte_tokenizer))
    rows = [[97, 256, 98, 256], [256]]
    assert Decoder(tokenizer).decode(*flat(rows)).to_pylist() == ["a<eos>b<eos>", "<eos>"]
    hidden = Decoder(tokenizer, show_control=False)
    assert hidden.decode(*flat(rows)).to_pylist() == ["ab", ""]


def test_rows_may_be_a_part_of_the_ids(byte_tokenizer: Path) -> None:
    decode = Decoder(load_tokenizer(str(byte_tokenizer))).decode
    whole = np.frombuffer(b"abcdef", np.uint8).astype(np.int32)
    assert decode(whole, np.array([2, 3, 3, 5])).to_pylist() == ["c", "", "de"]


def test_the_table_tells_bytes_characters_and_parts_of_characters(tmp_path: Path) -> None:
    table = Decoder(with_byte_fallback(tmp_path, LLAMA)).token_table
    #                     ▁  a ▁b ▁▁ <0x00>
    assert table.bytes[:5].tolist() == [1, 1, 2, 2, 1]
    assert table.chars[:5].tolist() == [1, 1, 2, 2, 1]
    assert table.is_part[:5].tolist() == [False, False, False, False, True]
    assert table.is_part.sum() == 256
    assert table.chars[4 + 0xC3] == 1
    assert table.chars[4 + 0xA9] == 0


def test_a_token_is_shown_with_what_it_stands_for(tmp_path: Path) -> None:
    decoder = Decoder(load_tokenizer(str(BUNDLED_TOKENIZER)))
    vocab = json.loads((BUNDLED_TOKENIZER / "tokenizer.json").read_text())["model"]["vocab"]
    assert decoder.token_bytes(vocab["Ġ"]) == b" "
    assert decoder.token_bytes(vocab["â"]) == b"\xe2"
    assert decoder.token_bytes(-1) == decoder.token_bytes(10**6) == b""
    words = Decoder(with_byte_fallback(tmp_path, LLAMA))
    assert [words.token_bytes(i) for i in (0, 1, 2, 4 + 0xE9)] == [b" ", b"a", b" b", b"\xe9"]


@pytest.mark.real
@pytest.mark.parametrize("name", REAL_TOKENIZERS)
def test_every_token_of_a_real_tokenizer_stands_for_what_the_library_says(
    shared: Path, name: str
) -> None:
    tokenizer = load_tokenizer(str(shared / "tokenizers" / name))
    decoder, library = Decoder(tokenizer), tokenizer.decoder
    rows = [[i] for i in range(-1, tokenizer.vocab_size + 2)]
    known = [[i for i in row if i >= 0] for row in rows]
    expected = library.decode_batch(known, skip_special_tokens=False)
    assert decoder.decode(*flat(rows)).to_pylist() == expected
    lengths = [len(decoder.token_bytes(i)) for i in range(0, tokenizer.vocab_size, 97)]
    assert decoder.token_table.bytes[::97].tolist() == lengths


@pytest.mark.real
@pytest.mark.parametrize("name", REAL_TOKENIZERS)
def test_real_text_and_random_ids_decode_as_the_library_decodes_them(
    shared: Path, name: str
) -> None:
    tokenizer = load_tokenizer(str(shared / "tokenizers" / name))
    library = tokenizer.decoder
    lines = (shared / "golden" / "translate.jsonl").read_text().splitlines()[:2000]
    rows = [encoding.ids for encoding in library.encode_batch(lines)]
    rng = np.random.default_rng(0)
    rows += [rng.integers(0, tokenizer.vocab_size, n).tolist() for n in rng.integers(0, 9, 2000)]
    expected = library.decode_batch(rows, skip_special_tokens=False)
    assert Decoder(tokenizer).decode(*flat(rows)).to_pylist() == expected


@pytest.mark.real
@pytest.mark.parametrize("name", REAL_TOKENIZERS)
def test_a_target_decodes_to_its_text(shared: Path, name: str) -> None:
    tokenizer = load_tokenizer(str(shared / "tokenizers" / name))
    plain = tokenizers.Tokenizer.from_str(tokenizer.continuation.content.decode())
    targets = ["word", " two  spaces", "日本語", "", "\n", "<|im_end|>", "naïve 👩‍👩‍👧"]
    rows = [plain.encode(text, add_special_tokens=False).ids for text in targets]
    assert Decoder(tokenizer).decode(*flat(rows), continues=True).to_pylist() == targets
