"""Content digests: which rows say the same."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from sftdata.reading.screening.duplicates import content_hashes


def digest(*texts: str, loose: bool = True, **fields: str) -> list[bytes]:
    """The content digests of rows with one field each, or of one row."""
    columns = (fields and {name: [value] for name, value in fields.items()}) or {"text": [*texts]}
    columns["row_id"] = ["id"] * max(map(len, columns.values()))
    batch = pa.RecordBatch.from_pydict(
        {name: pa.array(values, pa.large_string()) for name, values in columns.items()}
    )
    return [row.tobytes() for row in content_hashes(batch, loose=loose)]


def plainly(text: str) -> str:
    """What the digest is of, one text at a time."""
    lowered = unicodedata.normalize("NFKC", text).lower()
    return " ".join(re.sub(r"[\x00-\x20]+", " ", lowered).split(" ")).strip(" ")


SAME = ["a word  of Text", "A  WORD of\ttext\r\n", "\n a word\u00a0of text", "a ｗｏｒｄ of ᵗext"]
OTHER = ["aword of text", "a word of texts", "", " ", "ä word of text"]


def test_case_white_space_and_compatible_forms_make_no_difference() -> None:
    assert len(set(digest(*SAME))) == 1
    assert len(set(digest(*SAME, *OTHER))) == len(OTHER)  # "" and " " say the same


def test_by_default_only_the_form_of_unicode_makes_no_difference() -> None:
    texts = [
        "Caf\u00e9",
        "Cafe\u0301",
        "CAF\u00c9",
        "Caf\u00e9 ",
        "\uff23af\u00e9",
        "",
        " ",
        "a b",
        "a  b",
    ]
    found = digest(*texts, loose=False)
    assert found[0] == found[1]
    assert len(set(found)) == len(texts) - 1


@given(texts=st.lists(st.text(st.sampled_from("aAe\u0301\u00e9 \n\u212b\u00c5"), max_size=6)))
def test_exact_digests_are_those_of_nfc(texts: list[str]) -> None:
    found = digest(*texts, loose=False)
    forms = [unicodedata.normalize("NFC", text) for text in texts]
    for i, one in enumerate(found):
        assert [one == other for other in found] == [forms[i] == other for other in forms]


def test_a_space_put_between_two_words_makes_one() -> None:
    """A row that corrects "alot" does not say what one says that has nothing to correct."""
    wrong, right = "I like it alot.", "I like it a lot."
    assert digest(text=wrong, corrected=right) != digest(text=right, corrected=right)


@given(rows=st.lists(st.text(st.sampled_from("aAbéÉßﬁ ·\n\t\r\u00a0\u3000\x01"), max_size=12)))
def test_digests_are_equal_where_plain_python_says_so(rows: list[str]) -> None:
    found = digest(*rows)
    expected = [plainly(row) for row in rows]
    for i, one in enumerate(found):
        assert [one == other for other in found] == [expected[i] == other for other in expected]


def test_where_in_memory_a_text_lies_makes_no_difference() -> None:
    """Arrow's `ascii_lower` cuts off a column whose bytes start behind others."""
    data = pa.py_buffer(b"Before it. One  TEXT and Another")
    offsets = pa.py_buffer(np.array([11, 20, 32], np.int64))
    column = pa.LargeStringArray.from_buffers(2, offsets, data)
    batch = pa.RecordBatch.from_pydict({"text": column, "row_id": column})
    assert [row.tobytes() for row in content_hashes(batch, loose=True)] == digest(
        "one text", "and another"
    )
