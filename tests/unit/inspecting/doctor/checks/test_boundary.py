"""A planted row whose tokens merge over the boundary is found."""

from __future__ import annotations

import random
from collections.abc import Callable

import tokenizers
from support.handmade import Row
from support.places import BUNDLED_TOKENIZER
from support.planted import Planted, assert_found, prompt_of, sentence

from sftdata.loading.dataset import Dataset
from sftdata.tokenizing.load import load_tokenizer


def boundary_merge() -> Planted:
    """With the bundled tokenizer: 'th' + 'e' is one token when encoded at once."""
    loaded = load_tokenizer(str(BUNDLED_TOKENIZER))
    plain = tokenizers.Tokenizer.from_str(loaded.plain_text.content.decode())
    rows = []
    for i in range(40):
        prompt, target = prompt_of(i), "x " + sentence(random.Random(-i), 3)
        if i == 7:
            prompt, target = prompt + "The th", "e of it"
        before, after = (plain.encode(t, add_special_tokens=False).ids for t in (prompt, target))
        rows.append(Row(f"r{i}", [*before, *after, loaded.eos_id], len(before)))
    return Planted(
        rows, {"certificate": {"rows": 40, "prompt_equal": 40, "whole_text_equal": 39}}, ["r7"]
    )


def test_a_row_whose_tokens_merge_is_found_and_nothing_else(
    write: Callable[..., Dataset],
) -> None:
    planted = boundary_merge()
    assert_found("boundary-merge", planted, write(planted, BUNDLED_TOKENIZER))
