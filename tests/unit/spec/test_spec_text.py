"""The text of a new spec: the same spec when it is read again, with a comment above each key."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftdata.spec.load import load_spec
from sftdata.spec.model import Spec
from sftdata.spec.spec_text import spec_text
from sftdata.spec.validate import validate

# TOML has no lone surrogates.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def made(**values: Any) -> Spec:
    minimal = {
        "task": "t",
        "data": ["a"],
        "tokenizer": "b",
        "template": "t/p",
        "fields": {"x": "x"},
    }
    return validate(Spec, minimal | values, "the test")


@pytest.mark.parametrize("task", ["summarize", "translate", "instruct", "chat", "completion", "qa"])
def test_a_bundled_spec_is_the_same_when_it_is_read_again(task: str) -> None:
    spec = load_spec(task=task, data=["rows.jsonl"])
    assert isinstance(spec, Spec)
    assert validate(Spec, tomllib.loads(spec_text(spec)), "the text") == spec


@given(text=TEXTS, value=st.one_of(TEXTS, st.booleans(), st.integers(-9, 9), st.lists(TEXTS)))
def test_any_text_comes_back(text: str, value: object) -> None:
    fields = {"x": {"value": text, "type": "text"}}
    spec = made(description=text, fields=fields, chat=True, chat_options={text: value})
    assert validate(Spec, tomllib.loads(spec_text(spec)), "the text") == spec


def test_each_key_has_a_comment_and_keys_with_their_defaults_are_left_out() -> None:
    text = spec_text(made(keep="end", max_length=64), {"keep": "More."})
    assert '\n\n# The part of the shortened field that stays. More.\nkeep = "end"\n' in text
    assert "\n# License of the rows, for the dataset card.\n# license = " in text
    assert "near_duplicates" not in text
    assert max(map(len, text.splitlines())) <= 100


def test_keys_of_conversations_are_offered_to_conversations_only() -> None:
    chat = load_spec(task="chat", data=["rows.jsonl"])
    assert isinstance(chat, Spec)
    assert "\n# unroll = true\n" in spec_text(chat)
    assert "unroll" not in spec_text(made())
