"""The boundary check on a few words agrees with encoding the whole text."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pyarrow as pa
import pytest
import tokenizers
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.places import BUNDLED_TOKENIZER, REAL_TOKENIZERS

from sftdata.examples import boundary
from sftdata.examples.boundary import is_boundary_stable
from sftdata.examples.encode import encode_segments
from sftdata.examples.layout import Segment
from sftdata.tokenizing.encoded import EncodedTexts
from sftdata.tokenizing.encoder import FAST, REFERENCE, Encoder, load_encoder
from sftdata.tokenizing.engines import GigatokenEngine, ReferenceEngine
from sftdata.tokenizing.load import load_tokenizer

Pair = tuple[str, str]  # prompt, target

WORDS = ["the", "Summary", "of", "it", "is", "a", "I", "don", "'t", "naïve", "été", "日本語", "и"]
OTHERS = [" ", "  ", "\n", "\n\n", "\t", "\u3000", ".", ":", ",", "-", "12", "3", "½", "👩‍👩‍👧", ""]
parts = st.lists(st.sampled_from([*WORDS, *OTHERS, " ", " ", " a", " the"]), max_size=40)
text = parts.map("".join)
pairs = st.lists(st.tuples(text, text.filter(bool)), min_size=1, max_size=6)


def column(values: list[str]) -> pa.LargeStringArray:
    return pa.array(values, pa.large_string())


def stable(encoder: Encoder, rows: list[Pair]) -> list[bool]:
    prompts, targets = (column([row[side] for row in rows]) for side in (0, 1))
    segments = [Segment(prompts, in_loss=False), Segment(targets, in_loss=True, continues=True)]
    found = is_boundary_stable(segments, encode_segments(segments, encoder), encoder, len(rows))
    return [bool(flag) for flag in found]


@functools.cache
def load(folder: Path) -> Encoder:
    return load_encoder(load_tokenizer(str(folder)), FAST)


@functools.cache
def references(folder: Path) -> tuple[tokenizers.Tokenizer, tokenizers.Tokenizer]:
    """The `tokenizers` library for prompts and for targets."""
    tokenizer = load(folder).tokenizer
    prompt, target = (
        tokenizers.Tokenizer.from_str(plain.content.decode())
        for plain in (tokenizer.plain_text, tokenizer.continuation)
    )
    return prompt, target


def slowly(folder: Path, rows: list[Pair]) -> list[bool]:
    """Whether prompt and target and both as one text have the same ids."""
    prompt, target = references(folder)
    return [
        prompt.encode(a + b).ids == prompt.encode(a).ids + target.encode(b).ids for a, b in rows
    ]


@pytest.fixture
def merging_tokenizer(byte_tokenizer: Path, tmp_path: Path) -> Path:
    """The byte tokenizer with one merge: a + b."""
    spec = json.loads((byte_tokenizer / "tokenizer.json").read_text())
    spec["model"]["vocab"] |= {"ab": 257, "<eos>": 256}
    spec["model"]["merges"] = [["a", "b"]]
    (tmp_path / "tokenizer.json").write_text(json.dumps(spec))
    (tmp_path / "tokenizer_config.json").write_text('{"eos_token": "<eos>"}')
    return tmp_path


def test_a_boundary_is_stable_where_no_token_crosses_it(merging_tokenizer: Path) -> None:
    rows = [("a", "b"), ("a", "a"), ("b", "b")]
    #                                                            ab    a a   b b
    assert stable(load(merging_tokenizer), rows) == [False, True, True]


def test_a_prompt_that_is_the_same_text_in_all_rows_is_joined_to_each(
    merging_tokenizer: Path,
) -> None:
    encoder = load(merging_tokenizer)
    segments = [
        Segment("a", in_loss=False),
        Segment(column(["b", "a"]), in_loss=True, continues=True),
    ]
    parts = encode_segments(segments, encoder)
    #                                                                         ab     a a
    assert is_boundary_stable(segments, parts, encoder, 2).tolist() == [False, True]


def test_words_end_at_a_space_between_two_letters() -> None:
    texts = column(["a b", "ab cd", "a  b", "ab", "x" * 1024, "x" * 1025])
    assert boundary._first_words(texts).tolist() == [1, 2, 4, 2, 1024, 0]
    assert boundary._last_words(texts).tolist() == [2, 3, 0, 0, 0, 0]


EXAMPLES = [
    ("the article is here.\n\nSummary:\n", "a summary of it is here"),
    ("the article is here.\n\nSummary:", "a summary of it is here"),
    ("the article is here. Summary: ", "a summary of it is here"),
    ("the article is here\n\n", "\n a summary of it"),
    ("so it is a th", "e word in two of it"),
    ("it is the  ", "  a a a"),
    ("a a a", " a a a"),
    ("the 12", "3 of it is"),
    ("", "a summary of it"),
    ("the article is here" + " " * 300, "a summary of it"),
    ("the article is here" + "1" * 300, "2" * 300 + " is it"),
    ("日本語" * 50, "日本語" * 50),
    # The nearest space between words is just inside or just outside of each reach.
    *(
        (f"the article is here is h{'1' * gap}.\n", f"a{'2' * gap}th is it is here")
        for reach in boundary._REACHES
        for gap in range(reach - 6, reach + 3)
    ),
]


@given(rows=pairs)
@example(rows=EXAMPLES)
def test_the_words_beside_a_boundary_decide_as_the_whole_text_does(rows: list[Pair]) -> None:
    assert stable(load(BUNDLED_TOKENIZER), rows) == slowly(BUNDLED_TOKENIZER, rows)


@pytest.mark.real
@pytest.mark.parametrize("name", REAL_TOKENIZERS)
@given(rows=pairs)
@example(rows=EXAMPLES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_so_do_real_vocabularies(name: str, shared: Path, rows: list[Pair]) -> None:
    folder = shared / "tokenizers" / name
    assert stable(load(folder), rows) == slowly(folder, rows)


def test_words_are_searched_in_their_own_row() -> None:
    texts = column(["it is long enough", "abc", "d efg", "hij", ""])
    assert boundary._first_words(texts).tolist() == [2, 3, 1, 3, 0]
    assert boundary._last_words(texts).tolist() == [7, 0, 4, 0, 0]


def test_both_verdicts_occur() -> None:
    assert 2 <= sum(stable(load(BUNDLED_TOKENIZER), EXAMPLES)) <= len(EXAMPLES) - 2


class Counting(Encoder):
    """Counts the bytes it encodes."""

    bytes = 0

    def encode_prompts(self, prompts: pa.LargeStringArray) -> EncodedTexts:
        self.bytes += prompts.nbytes
        return super().encode_prompts(prompts)

    def encode_targets(self, targets: pa.LargeStringArray) -> EncodedTexts:
        self.bytes += targets.nbytes
        return super().encode_targets(targets)


def test_ordinary_text_is_not_encoded_twice() -> None:
    article = "The people of the town have known for years that the bridge is too narrow. " * 20
    rows = [(f"{article}\n\nSummary:\n", "The bridge is too narrow.")] * 50
    encoder = load(BUNDLED_TOKENIZER)
    engine = GigatokenEngine(encoder.tokenizer.plain_text)
    counting = Counting(encoder.tokenizer, engine, engine)
    assert all(stable(counting, rows))
    text = 50 * (len(article) + 40)
    assert text < counting.bytes < 1.2 * text  # once, and a little around the boundaries


@pytest.mark.parametrize("gap", [10, 500])
def test_nor_is_text_whose_words_are_far_from_the_boundary(gap: int) -> None:
    article = "The people of the town have known for years that the bridge is too narrow. " * 200
    rows = [(f"{article}{'=' * gap}\n", "The bridge is too narrow.")] * 20
    encoder = load(BUNDLED_TOKENIZER)
    engine = GigatokenEngine(encoder.tokenizer.plain_text)
    counting = Counting(encoder.tokenizer, engine, engine)
    assert all(stable(counting, rows))
    assert counting.bytes < 1.2 * 20 * (len(article) + gap + 40)


@pytest.fixture
def unigram(tmp_path: Path) -> Path:
    """Pieces that cross spaces, weighed against each other over the whole text."""
    pieces = [["<unk>", 0.0], *[[letter, -4.0] for letter in "abcdefgh \n"]]
    pieces += [["b c", -5.0], ["ab", -4.5], [" cd", -6.0], ["d\ne", -1.0], ["d e", -2.0]]
    model = {"type": "Unigram", "unk_id": 0, "vocab": pieces, "byte_fallback": False}
    spec = {"version": "1.0", "model": model, "added_tokens": []}
    (tmp_path / "tokenizer.json").write_text(json.dumps(spec))
    (tmp_path / "tokenizer_config.json").write_text('{"eos_token": "h"}')
    return tmp_path


@given(
    rows=st.lists(
        st.tuples(
            st.text(st.sampled_from("abcde  \n"), max_size=12),
            st.text(st.sampled_from("abcde  "), min_size=1, max_size=12),
        ),
        min_size=1,
        max_size=6,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(rows=[("ab cd", "e ab cd"), ("ab cd\n", "e"), ("a b c d\n", "ab cd")])
def test_unigram_is_decided_by_the_whole_text(unigram: Path, rows: list[Pair]) -> None:
    encoder = load_encoder(load_tokenizer(str(unigram)), REFERENCE)
    expected = []
    for prompt, target in rows:
        apart = [*ids_of(encoder, prompt), *ids_of(encoder, target)]
        expected.append(ids_of(encoder, prompt + target) == apart)
    assert stable(encoder, rows) == expected


def ids_of(encoder: Encoder, text: str) -> list[int]:
    ids: list[int] = encoder.encode_prompts(column([text])).ids.tolist()
    return ids


def test_unigram_encodes_the_whole_text_again(unigram: Path) -> None:
    encoder = load_encoder(load_tokenizer(str(unigram)), REFERENCE)
    engine = ReferenceEngine(encoder.tokenizer.plain_text)
    counting = Counting(encoder.tokenizer, engine, engine)
    rows = [("ab cd " * 40 + "a", "ab cd " * 10)]
    stable(counting, rows)
    assert counting.bytes > 1.9 * len("".join(rows[0]))  # all of it a second time
