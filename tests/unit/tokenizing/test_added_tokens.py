"""Added tokens of tokenizer.json and of the config files beside it: one list, no guessed ids."""

from __future__ import annotations

from typing import Any

import pytest

from sftdata.errors import TokenizerError
from sftdata.tokenizing.added_tokens import (
    complete,
    declared_tokens,
    special_names,
    with_named_special,
)

VOCAB = {"a": 0, "b": 1, "</s>": 2}


def token(text: str, number: int, *, special: bool) -> dict[str, Any]:
    flags = {"single_word": False, "lstrip": False, "rstrip": False}
    return {"id": number, "content": text, **flags, "normalized": not special, "special": special}


EOS = token("</s>", 2, special=True)


def test_the_config_names_special_tokens_as_texts_objects_and_lists() -> None:
    config = {
        "eos_token": "</s>",
        "bos_token": {"content": "<s>"},
        "additional_special_tokens": ["<x>", {"content": "<y>"}],
        "extra_special_tokens": {"image": "<z>"},
        "pad_token": None,
        "model_max_length": 5,
    }
    assert special_names(config) == {"</s>", "<s>", "<x>", "<y>", "<z>"}


def test_tokens_are_declared_by_the_config_or_else_by_the_older_file() -> None:
    added = {"<b>": 4, "<a>": 3}
    older = declared_tokens({"additional_special_tokens": ["<a>"]}, added)
    assert older == [
        {"id": 3, "content": "<a>", **flags(special=True)},
        {"id": 4, "content": "<b>", **flags(special=False)},
    ]
    decoder = {"5": {"content": "<c>", "special": True, "lstrip": True}}
    (newer,) = declared_tokens({"added_tokens_decoder": decoder}, added)
    assert newer == {"id": 5, "content": "<c>", **flags(special=True), "lstrip": True}


def flags(*, special: bool) -> dict[str, bool]:
    return {k: v for k, v in token("", 0, special=special).items() if k not in ("id", "content")}


def test_a_declared_token_comes_after_the_vocabulary_and_the_others() -> None:
    first, second = token("<x>", 3, special=False), token("<y>", 4, special=True)
    assert complete([EOS], [first, second], VOCAB) == [EOS, first, second]


def test_a_declared_token_changes_the_settings_of_its_own() -> None:
    own, declared = token("<x>", 3, special=False), token("<x>", 3, special=True)
    assert complete([EOS, own], [declared], VOCAB) == [EOS, declared]
    # A token that is special in one of the files is special.
    assert complete([declared], [own], VOCAB)[0]["special"]


@pytest.mark.parametrize("text", ["<x>", "a"])
def test_an_id_that_the_library_would_not_give_is_an_error(text: str) -> None:
    with pytest.raises(TokenizerError, match=f"The token '{text}' has the id 9 in"):
        complete([EOS], [token(text, 9, special=False)], VOCAB)


def test_an_entry_of_the_vocabulary_that_the_config_calls_special_is_one() -> None:
    found = with_named_special([], {"</s>", "<unknown>"}, VOCAB)
    assert [(text, t["id"], t["special"]) for text, t in found.items()] == [("</s>", 2, True)]
