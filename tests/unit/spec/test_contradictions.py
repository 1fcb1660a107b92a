"""Keys of a spec that contradict each other: each is an error, all are told at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.messages import without_lines

from sftdata.errors import SpecError
from sftdata.spec.load import load_spec

SPEC = """
task = "news"
data = ["news.jsonl"]
template = "summarize/article"
tokenizer = "tokenizers/small"

[fields]
article = "article"
summary = "highlights"
"""


def load(text: str) -> None:
    Path("spec.toml").write_text(text, encoding="utf-8")
    load_spec(file=Path("spec.toml"))


CHECKED = SPEC.replace("[fields]", 'source_field = "article"\ntarget_field = "summary"\n[fields]')


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (
            CHECKED + '[checks]\nwrong_language = "flag"\n',
            [
                "the check 'wrong_language' needs the field 'source_lang'",
                "the check 'wrong_language' needs the field 'target_lang'",
            ],
        ),
        (
            SPEC + '[checks]\nplaceholder = "drop"\n',
            ["checks need source_field and target_field, each one of the fields"],
        ),
        (
            SPEC.replace(
                'template = "summarize/article"',
                'templates = ["summarize/article", "summarize/article@1"]',
            ),
            ["the template 'summarize/article' is listed more than once"],
        ),
        (
            SPEC.replace('template = "summarize/article"\n', ""),
            ["give a template: template = 'news/NAME' (--template)"],
        ),
        (
            SPEC.replace("tokenizer =", "unroll = true\nmerge_same_role = true\ntokenizer ="),
            [
                "unroll is for conversations; map the field 'messages'",
                "merge_same_role is for conversations; map the field 'messages'",
            ],
        ),
        (
            SPEC.replace('article = "article"\nsummary = "highlights"', 'messages = "turns"'),
            [
                "conversations need the chat template: set chat = true (--chat)",
                "conversations take no template: leave out template (--template)",
            ],
        ),
        (
            SPEC + 'messages = "turns"\n',
            [
                "conversations have no field 'article', 'summary'; they have: messages, id, "
                "prompt, completion, system, tools, documents",
                "conversations need the chat template: set chat = true (--chat)",
                "conversations take no template: leave out template (--template)",
            ],
        ),
        (
            SPEC.replace("[fields]", 'swap = [["article", "sumary"]]\n[fields]'),
            ["swap names 'sumary', which is not one of the fields. Did you mean 'summary'?"],
        ),
        (
            CHECKED.replace('target_field = "summary"', 'target_field = "article"'),
            ["source_field and target_field are both 'article'"],
        ),
        (
            SPEC.replace("[fields]", 'split_column = "s"\ngiven_splits = "join"\n[fields]'),
            ["split_column gives splits, and given_splits = 'join' would ignore them"],
        ),
        (
            SPEC.replace("[fields]", "shots = [0, 65]\n[fields]"),
            ["shots must be numbers from 0 to 64"],
        ),
    ],
)
def test_a_contradiction_has_a_line_in_plain_words(text: str, faults: list[str]) -> None:
    with pytest.raises(SpecError) as caught:
        load(text)
    first, *lines = without_lines(caught.value).splitlines()
    assert first == "Faults in spec.toml and the options given:"
    assert sorted(lines) == sorted(f"  {fault}" for fault in faults)


@pytest.mark.parametrize(
    ("more", "fields", "fault"),
    [
        ("", 'id = { value = "x" }', "fields.id takes only optional, path"),
        ("", 'id = { first = ["a", "b"] }', "fields.id takes only optional, path"),
        ("", 'id = { path = "a", strip_prefix = "x" }', "fields.id takes only optional, path"),
        ('swap = [["article", "article"]]', "", "swap exchanges 'article' with itself"),
        (
            'source_field = "artcle"',
            "",
            "'artcle' is not one of the fields. Did you mean 'article'?",
        ),
        (
            'checks = { target_longer = { action = "flag", low = 1 } }',
            "",
            "the check 'target_longer' has no bounds; leave low and high out",
        ),
        (
            'checks = { length_ratio = "flag" }',
            "",
            "'length_ratio' needs bounds: low, high or both",
        ),
        (
            'checks = { length_ratio = { action = "flag", low = 2, high = 1 } }',
            "",
            "the check 'length_ratio' has low = 2 above high = 1",
        ),
        ('checks = { target_longr = "flag" }', "", "Did you mean 'target_longer'?"),
    ],
)
def test_what_would_be_ignored_is_an_error(more: str, fields: str, fault: str) -> None:
    text = SPEC.replace("[fields]", f"{more}\n[fields]\n{fields}")
    with pytest.raises(SpecError) as caught:
        load(text)
    assert fault in without_lines(caught.value)
