"""The fast engine gives the reference's ids, or it is not used."""

from __future__ import annotations

import functools
import json
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import tokenizers
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sftdata import build, engine, tokenization
from sftdata.engine import (
    Encoded,
    Engine,
    GigatokenEngine,
    ReferenceEngine,
    choose_engine,
    first_difference,
)
from sftdata.tokenizer import load_tokenizer

TOKENIZERS = ("gpt2", "smollm2", "qwen3", "mistral-v3")

WHITE_SPACE = " \t\n\r\x0b\x0c\x1c\x1f\x85\xa0\u1680\u2003\u2028\u202f\u3000\u200b\ufeff"
DIGITS = "019٣५²½Ⅷ①〇一๓𝟗🄀"
OTHERS = "aé日!'<.\u0301\x00🇫👍"
nasty = st.text(st.sampled_from(WHITE_SPACE + DIGITS + OTHERS), max_size=24)


@functools.lru_cache(maxsize=1)
def engines(folder: Path) -> tuple[Engine, Engine]:
    plain = load_tokenizer(str(folder)).plain
    return GigatokenEngine(plain), ReferenceEngine(plain)


@pytest.fixture(autouse=True)
def _no_verdicts_of_other_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def column(*texts: str) -> pa.LargeStringArray:
    return pa.array(texts, pa.large_string())


def assert_equal(folder: Path, *texts: str) -> None:
    """Both engines agree on the column, and on each of its texts alone."""
    fast, reference = engines(folder)
    assert first_difference(fast, reference, column(*texts)) is None


@pytest.fixture(scope="session")
def digit_tokenizer(byte_tokenizer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each digit alone, then the byte level; white space and some words have merges."""
    folder = tmp_path_factory.mktemp("digit-tokenizer")
    spec = json.loads((byte_tokenizer / "tokenizer.json").read_text())
    space, newline, tab = "\u0120", "\u010a", "\u0109"
    merges = [(space, space), (space * 2, space * 2), (newline, newline), (space, "a"), ("a", "é")]
    merges += [(newline, space), (space, newline), (tab, tab), (space, "Â"), ("Â", "½")]
    for left, right in [(a, b) for a, b in merges if a in spec["model"]["vocab"] or a == space * 2]:
        if right in spec["model"]["vocab"] or right == space * 2:
            spec["model"]["vocab"][left + right] = 257 + len(spec["model"]["merges"])
            spec["model"]["merges"].append([left, right])
    digits = {"type": "Digits", "individual_digits": True}
    stages = [digits, spec["pre_tokenizer"]]
    spec["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": stages}
    (folder / "tokenizer.json").write_text(json.dumps(spec))
    (folder / "tokenizer_config.json").write_text('{"eos_token": "<eos>"}')
    return folder


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


def doctor_fast_engine(monkeypatch: pytest.MonkeyPatch, without: tuple[str, str]) -> None:
    """From now on the fast engine, and it alone, is given a tokenizer that lacks one merge."""

    class Doctored(GigatokenEngine):
        def __init__(self, spec: Mapping[str, Any]) -> None:
            merges = [tuple(pair(merge)) for merge in spec["model"]["merges"]]
            kept = [list(merge) for merge in merges if merge != without]
            assert len(kept) == len(merges) - 1
            super().__init__({**spec, "model": {**spec["model"], "merges": kept}})

    monkeypatch.setattr(engine, "GigatokenEngine", Doctored)


def pair(merge: Any) -> list[str]:
    return merge.split(" ") if isinstance(merge, str) else list(merge)


def test_an_exact_engine_is_used_and_nothing_is_said(digit_tokenizer: Path) -> None:
    lines: list[str] = []
    plain = load_tokenizer(str(digit_tokenizer)).plain
    choice = choose_engine(plain, lines.append)
    assert choice.engine.name == "gigatoken"
    assert choice.find_fault(column("a sample 12", "  3")) is None
    assert lines == []


def test_an_engine_without_one_merge_is_refused(
    digit_tokenizer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor_fast_engine(monkeypatch, without=("\u0109", "\u0109"))
    lines: list[str] = []
    plain = load_tokenizer(str(digit_tokenizer)).plain
    choice = choose_engine(plain, lines.append)
    assert choice.engine.name == "tokenizers"
    assert choice.find_fault(column("a sample")) is None
    [line] = lines
    assert "gigatoken differs on" in line
    assert "\\t" in line


def test_an_engine_that_was_refused_is_refused_again(
    digit_tokenizer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor_fast_engine(monkeypatch, without=("\u0109", "\u0109"))
    plain = load_tokenizer(str(digit_tokenizer)).plain
    names = [choose_engine(plain, lambda line: None).engine.name for _ in range(2)]
    assert names == ["tokenizers", "tokenizers"]


class WrongOnOneWord(GigatokenEngine):
    """Right on every vocabulary entry and wrong on the rows that hold "zebra"."""

    def encode(self, texts: pa.LargeStringArray) -> Encoded:
        encoded = super().encode(texts)
        ids = encoded.ids.copy()
        for row, text in enumerate(texts.to_pylist()):
            if "zebra" in text:
                ids[encoded.offsets[row]] += 1
        return Encoded(ids, encoded.offsets)


def test_an_engine_that_is_wrong_on_the_rows_at_hand_is_found_out(
    byte_tokenizer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "GigatokenEngine", WrongOnOneWord)
    plain = load_tokenizer(str(byte_tokenizer)).plain
    choice = choose_engine(plain, lambda line: None)
    assert choice.find_fault(column("a horse", "a zebra", "a mule")) == "a zebra"
    assert choice.find_fault(column("a horse", "a mule")) is None


def test_a_build_whose_rows_find_the_fault_has_the_references_tokens(
    byte_tokenizer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    article = "The zebra stands in the grass and looks at the people who look at it. " * 3
    rows = [{"id": str(i), "article": article + str(i), "summary": "A zebra."} for i in range(50)]
    Path("zebras.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    right = build("summarize", data="zebras.jsonl", tokenizer=byte_tokenizer, out="right").manifest
    monkeypatch.setattr(engine, "GigatokenEngine", WrongOnOneWord)
    monkeypatch.setattr(tokenization, "GigatokenEngine", WrongOnOneWord)
    again = build(
        "summarize",
        data="zebras.jsonl",
        tokenizer=byte_tokenizer,
        out="again",
        report=lines.append,
    ).manifest
    assert again["splits"] == right["splits"]
    assert any("zebra" in line for line in lines)


def test_an_engine_that_cannot_load_the_tokenizer_is_refused(byte_tokenizer: Path) -> None:
    spec = json.loads((byte_tokenizer / "tokenizer.json").read_text())
    spec["model"] = {"type": "WordLevel", "vocab": {"a": 0, "[UNK]": 1}, "unk_token": "[UNK]"}
    lines: list[str] = []
    choice = choose_engine(spec, lines.append)
    assert choice.engine.name == "tokenizers"
    assert choice.find_fault(column("a")) is None
    [line] = lines
    assert "gigatoken refuses it" in line


def merges_of_words(folder: Path, every: int) -> Iterator[tuple[str, str]]:
    """Some of the last merges of entries that are one token when encoded alone."""
    tokenizer = load_tokenizer(str(folder))
    merges = [tuple(pair(merge)) for merge in tokenizer.spec["model"]["merges"]]
    reference = tokenizers.Tokenizer.from_str(json.dumps(tokenizer.plain))
    for left, right in merges[::every]:
        word = (left + right).replace("\u0120", " ")
        if word.strip().isascii() and len(reference.encode(word).ids) == 1:
            yield left, right


# Entries that are whole words: joined to their neighbours, as the gate once had them, they are
# parts of longer words, and a fault in the merge that makes them does not show.
ESCAPED = {
    "gpt2": [("\u0120m", "uch"), ("\u0120m", "ade"), ("\u0120s", "ays")],
    "smollm2": [("\u0120K", "abul"), ("\u0120are", "a"), ("F", "REE")],
}


@pytest.mark.real
@pytest.mark.parametrize("name", ESCAPED)
def test_the_gate_sees_a_fault_in_any_one_merge(
    name: str, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shared / "tokenizers" / name
    plain = load_tokenizer(str(folder)).plain
    merges = {tuple(pair(m)) for m in plain["model"]["merges"]}
    doctored = [m for m in ESCAPED[name] if m in merges] + list(merges_of_words(folder, 9000))
    assert len(doctored) >= 4
    missed = []
    for merge in doctored:
        with monkeypatch.context() as patch:
            doctor_fast_engine(patch, without=merge)
            choice = choose_engine(plain, lambda line: None)
            sample = column("A sample.")
            if choice.engine.name != "tokenizers" and choice.find_fault(sample) is None:
                missed.append(merge)
    assert missed == []
