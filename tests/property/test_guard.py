"""Whatever the data say, no control token comes of them, and they come back exact."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sftdata.tokenizing.chat.guard import Guard

TOKENS = ("<|im_start|>", "<|im_end|>", "<think>", "</think>", "[INST]", "[/INST]", '<|"|>', "a<a>")
GUARD = Guard(TOKENS)
PIECES = sorted({t[a:b] for t in TOKENS for a in range(len(t)) for b in range(a + 1, len(t) + 1)})
TEXT = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=8).map("".join)
AREA = 0xF0000  # plane 15 is not in the texts below


def without_stand_ins(text: str) -> str:
    return "".join(char for char in text if not AREA <= ord(char) < AREA + 0x1000)


@given(st.lists(TEXT.map(without_stand_ins), min_size=1, max_size=5))
def test_texts_side_by_side_hold_no_control_token_and_come_back(texts: list[str]) -> None:
    guarded = GUARD.replace(texts, AREA)
    for joined in ("".join(guarded), "".join(text.strip() for text in guarded)):
        assert not any(token in joined for token in TOKENS)
    assert [GUARD.put_back(text, AREA) for text in guarded] == texts
    assert [len(text) for text in guarded] == [len(text) for text in texts]


@given(TEXT.map(without_stand_ins), st.sampled_from(TOKENS), st.integers(1, 11))
def test_a_template_completes_no_token_with_a_text(text: str, token: str, at: int) -> None:
    at = 1 + at % (len(token) - 1)
    start, end = token[:at], token[at:]
    guarded = GUARD.replace(text, AREA)
    for shown in (guarded, guarded.strip()):
        assert token not in start + shown
        assert token not in shown + end
