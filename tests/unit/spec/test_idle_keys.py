"""Keys without effect: each is named with the reason, unless a mixture shares it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.messages import without_lines

from sftdata.errors import SpecError
from sftdata.spec.load import load_spec, spec_from_json
from sftdata.spec.model import Mixture

ROWS = """
task = "news"
data = ["news.jsonl"]
template = "summarize/article"
tokenizer = "tokenizers/small"
source_field = "article"
[fields]
article = "article"
summary = "highlights"
"""
TURNS = """
task = "talk"
data = ["talk.jsonl"]
tokenizer = "tokenizers/small"
chat = true
[fields]
messages = "messages"
"""


def load(text: str, **options: Any) -> None:
    Path("spec.toml").write_text(text, encoding="utf-8")
    load_spec(file=Path("spec.toml"), **options)


@pytest.mark.parametrize(
    ("text", "options", "fault"),
    [
        (ROWS, {"keep": "end"}, "keep: has no effect: nothing is cut without max_length"),
        (TURNS, {"keep": "end", "max_length": 9}, "keep: has no effect: a template says"),
        (ROWS, {"loss": "last"}, "loss: has no effect: it chooses among the turns"),
        (ROWS, {"chat_options": {"x": 1}}, "chat_options: has no effect: they are given to"),
        (ROWS, {"against_overlap": 0.9}, "against_overlap: has no effect: there are no"),
        (
            ROWS,
            {"duplicates": "keep", "near_duplicates": 0.5},
            "duplicates: has no effect: near_duplicates drops",
        ),
        (
            ROWS.replace('"summarize/article"', '{ id = "summarize/article", weight = 2 }'),
            {},
            "templates: has no effect: a weight counts beside",
        ),
    ],
)
def test_a_key_without_effect_is_an_error(text: str, options: Any, fault: str) -> None:
    with pytest.raises(SpecError) as caught:
        load(text, **options)
    lines = without_lines(caught.value).splitlines()
    assert lines[0] == "Faults in spec.toml and the options given:"
    assert [line.startswith(f"  {fault}") for line in lines[1:]] == [True]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (ROWS, {"keep": "end", "max_length": 99}),
        (ROWS, {"keep": "start"}),
        (ROWS.replace('"summarize/article"', '{ id = "summarize/article" }'), {}),
        (TURNS, {"loss": "last"}),
        (ROWS, {"chat": True, "chat_options": {"x": 1}}),
        (ROWS, {"against": ["e.jsonl"], "against_overlap": 0.9}),
        (ROWS, {"near_duplicates": 0.5}),
    ],
)
def test_a_key_with_effect_is_none(text: str, options: Any) -> None:
    load(text, **options)


def test_all_keys_without_effect_are_named_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        load(ROWS, keep="end", loss="last", chat_options={"x": 1})
    lines = without_lines(caught.value).splitlines()[1:]
    assert [line.split(":")[0].strip() for line in lines] == [
        "keep", "loss", "chat_options",
    ]  # fmt: skip


def test_a_recorded_spec_is_taken_as_it_is() -> None:
    Path("spec.toml").write_text(ROWS)
    recorded = load_spec(file=Path("spec.toml")).to_json() | {"keep": "end"}
    assert spec_from_json(recorded).to_json() == recorded


# --- mixtures: a key for all sources is in vain only if it is so for each ------------------------


def mix(shared: str, first: str = "", second: str = "") -> Mixture:
    sources = f'[[sources]]\nspec = "qa"\n{first}\n[[sources]]\nspec = "summarize"\n{second}\n'
    Path("mix.toml").write_text(f'task = "mix"\n{shared}\n{sources}')
    mixture = load_spec(file=Path("mix.toml"))
    assert isinstance(mixture, Mixture)
    return mixture


def test_a_key_of_a_mixture_needs_effect_in_one_source_only() -> None:
    mix("against_overlap = 0.9", second='against = ["e.jsonl"]')
    with pytest.raises(
        SpecError, match=r"Faults in mix.toml(?s:.*)against_overlap \(line \d\): has no effect"
    ):
        mix("against_overlap = 0.9")


def test_the_weight_of_the_only_source_is_an_error() -> None:
    text = 'task = "mix"\n[[sources]]\nspec = "qa"\n'
    load(text)
    with pytest.raises(SpecError, match=r"spec.toml(?s:.*)weight \(line 4\): has no effect"):
        load(text + "weight = 3.0\n")


def test_a_key_of_one_source_needs_effect_there() -> None:
    with pytest.raises(SpecError, match=r"qa.toml(?s:.*)loss: has no effect"):
        mix("", first='loss = "last"')
