"""A row decoded with a few tokens reads as with the whole vocabulary."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.places import BUNDLED_TOKENIZER

from sftdata.tokenizing.decode_row import decode_row
from sftdata.tokenizing.load import load_tokenizer

PROMPT, TARGET = "Say it:\n  x  =  1; naïve 日本 😀\n", " Hello  wörld"


def check(folder: Path) -> None:
    tokenizer = load_tokenizer(str(folder))
    library = tokenizer.decoder
    before = [*tokenizer.control_tokens.values()][:3]
    before += library.encode(PROMPT, add_special_tokens=False).ids
    ids = [*before, *library.encode(TARGET, add_special_tokens=False).ids, tokenizer.eos_id]
    prompt, target = decode_row(tokenizer, ids, len(before))
    assert prompt == library.decode(before, skip_special_tokens=False)
    assert prompt + target == library.decode(ids, skip_special_tokens=False)
    assert "Hello" in target


def test_a_byte_level_tokenizer() -> None:
    check(BUNDLED_TOKENIZER)


@pytest.mark.real
@pytest.mark.parametrize("name", ["gemma3", "gpt2", "mistral-v3", "qwen3", "smollm2"])
def test_a_real_tokenizer(shared: Path, name: str) -> None:
    check(shared / "tokenizers" / name)
