"""The fast engine gives the reference's ids."""

from __future__ import annotations

import functools
import random
import sys
import unicodedata
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sftdata.tokenizing import engines as engine
from sftdata.tokenizing.encoded import EncodedTexts
from sftdata.tokenizing.engines import Engine, GigatokenEngine, ReferenceEngine
from sftdata.tokenizing.exactness import first_difference
from sftdata.tokenizing.load import load_tokenizer

TOKENIZERS = ("gpt2", "smollm2", "qwen3", "mistral-v3")

WHITE_SPACE = " \t\n\r\x0b\x0c\x1c\x1f\x85\xa0\u1680\u2003\u2028\u202f\u3000\u200b\ufeff"
DIGITS = "019٣५²½Ⅷ①〇一๓𝟗🄀"
OTHERS = "aé日!'<.\u0301\x00🇫👍"
nasty = st.text(st.sampled_from(WHITE_SPACE + DIGITS + OTHERS), max_size=24)


@functools.lru_cache(maxsize=1)
def engines(folder: Path) -> tuple[Engine, Engine]:
    plain = load_tokenizer(str(folder)).plain_text
    return GigatokenEngine(plain), ReferenceEngine(plain)


def column(*texts: str) -> pa.LargeStringArray:
    return pa.array(texts, pa.large_string())


def assert_equal(folder: Path, *texts: str) -> None:
    """Both engines agree on the column, and on each of its texts alone."""
    fast, reference = engines(folder)
    assert first_difference(fast, reference, column(*texts)) is None


@given(texts=st.lists(nasty, max_size=5))
@example(texts=["  1", "\t 1", " \t1", "a\xa0 1", "\u3000\u30001", "  ½", " ½½ ٣"])
@example(texts=["ends in two spaces  ", "1 starts with a digit", "", "2"])
@example(texts=["", "", ""])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_digits_are_alone_whatever_white_space_stands_before_them(
    digit_tokenizer: Path, texts: list[str]
) -> None:
    assert_equal(digit_tokenizer, *texts)


def test_every_numeric_character_is_alone(digit_tokenizer: Path) -> None:
    numeric = [chr(c) for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c))[0] == "N"]
    assert len(numeric) > 1500
    assert_equal(digit_tokenizer, *[f"a  {char}{char} b" for char in numeric])


def uneven_texts(seed: int) -> list[str]:
    """Texts of every size up to 40,000 bytes, so that they share matrices with few others."""
    pick = random.Random(seed)
    sizes = [0, 1, 40_000, *(int(2 ** pick.uniform(0, 15)) for _ in range(60)), 0, 7]
    return ["".join(pick.choices("aé 1\n", k=size)) for size in sizes]


def test_texts_of_uneven_size_keep_their_order(digit_tokenizer: Path) -> None:
    assert sum(map(len, uneven_texts(0))) * 40_000 > engine._SMALL_MATRIX
    assert_equal(digit_tokenizer, *uneven_texts(0))


def test_rows_are_taken_and_joined_as_they_are() -> None:
    ids = EncodedTexts.from_lists([[1, 2, 3], [], [4]])
    taken = EncodedTexts.concatenate(
        [ids, EncodedTexts.from_lists([]), ids.take(np.array([2, 0, 0]))]
    )
    assert taken.ids.tolist() == [1, 2, 3, 4, 4, 1, 2, 3, 1, 2, 3]
    assert taken.lengths.tolist() == [3, 0, 1, 1, 3, 3]
    assert EncodedTexts.concatenate([]).offsets.tolist() == [0]


def test_threads_share_an_engine_that_is_made_anew_meanwhile(
    digit_tokenizer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[weakref.ref[Any]] = []
    load = GigatokenEngine._load

    def load_alone(self: GigatokenEngine) -> Any:
        assert all(earlier() is None for earlier in loaded)
        tokenizer = load(self)
        loaded.append(weakref.ref(tokenizer))
        return tokenizer

    monkeypatch.setattr(engine, "_RENEW_AFTER_BYTES", 100_000)
    monkeypatch.setattr(GigatokenEngine, "_load", load_alone)
    plain = load_tokenizer(str(digit_tokenizer)).plain_text
    fast, reference = GigatokenEngine(plain), ReferenceEngine(plain)
    columns = [column(*uneven_texts(seed)) for seed in range(6)]
    expected = [reference.encode(c) for c in columns]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(fast.encode, columns * 4))
    assert len(loaded) > 3
    for mine, theirs in zip(found, expected * 4, strict=True):
        assert np.array_equal(mine.ids, theirs.ids)
        assert np.array_equal(mine.offsets, theirs.offsets)


@pytest.mark.real
@pytest.mark.parametrize("name", TOKENIZERS)
@given(texts=st.lists(nasty | st.text(max_size=30), max_size=6))
@example(texts=["  1", "\t 1", " \t1", "a\xa0 1", "\u3000\u30001", "  ½", " ½½ ٣"])
@example(texts=["x" * 5000 + "   " * 700 + "12345", "\n\n\n 9", "1,000 000"])
@settings(
    max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_the_fast_engine_equals_the_reference(name: str, shared: Path, texts: list[str]) -> None:
    assert_equal(shared / "tokenizers" / name, *texts)


@pytest.mark.real
@pytest.mark.parametrize("name", TOKENIZERS)
def test_the_fast_engine_equals_the_reference_on_every_character(name: str, shared: Path) -> None:
    characters = [chr(c) for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000]
    lines = ["".join(characters[i : i + 64]) for i in range(0, len(characters), 64)]
    spaced = [f"  {c} {c}1" for c in characters if unicodedata.category(c)[0] in "NZ"]
    assert_equal(shared / "tokenizers" / name, *lines, *spaced)
