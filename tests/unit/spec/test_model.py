"""Specs: which values they take, their defaults, and every fault at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from support.messages import without_lines

from sftdata.errors import SpecError
from sftdata.spec.load import load_spec, spec_from_json
from sftdata.spec.model import DEFAULT_SPLIT, Spec

SPEC = """
task = "news"
data = ["news.jsonl"]
template = "summarize/article"
tokenizer = "tokenizers/small"

[fields]
article = "article"
summary = "highlights"
"""


def load(text: str, **options: Any) -> Spec:
    path = Path("spec.toml")
    path.write_text(text, encoding="utf-8")
    spec = load_spec(file=path, **options)
    assert isinstance(spec, Spec)
    return spec


def test_missing_keys_have_defaults() -> None:
    spec = load(SPEC)
    assert (spec.task, spec.data) == ("news", ("news.jsonl",))
    assert {name: rule.path for name, rule in spec.fields.items()} == {
        "article": "article",
        "summary": "highlights",
    }
    assert (spec.max_length, spec.keep, spec.max_dropped) == (None, "start", 1.0)
    assert (spec.nul, spec.group, spec.seed) == ("drop", None, 0)
    assert spec.split == DEFAULT_SPLIT


def test_all_faults_are_told_at_once() -> None:
    text = SPEC.replace('task = "news"\n', 'seed = "x"\nnul = "maybe"\nmax_lenght = 3\n')
    with pytest.raises(SpecError) as caught:
        load(text, max_dropped=200)
    assert sorted(without_lines(caught.value).splitlines()) == [
        "  max_dropped: must be at most 100 (is 200)",
        "  max_lenght: unknown key. Did you mean 'max_length'?",
        "  nul: must be 'drop' or 'keep' (is 'maybe')",
        "  seed: must be a whole number (is 'x')",
        "  task: is missing",
        "Faults in spec.toml and the options given:",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "data = []",
        'data = "news.jsonl"',
        "max_length = 1",
        "max_dropped = -1",
        "max_dropped = nan",
        'keep = "left"',
        'fields = "x"',
        "fields = {article = 3}",
        'fields = {article = "a["}',
        'group = "a..b"',
        "split = {}",
        "split = {train = 0}",
        "split = {train = -1, test = 2}",
        "split = {train = nan, test = 0.1}",
        "split = {train = inf, test = 0.1}",
        'split = {"../train" = 1}',
        'split = {"" = 1}',
    ],
)
def test_a_value_that_cannot_be_used_is_an_error(line: str) -> None:
    key = line.split(" = ")[0]
    kept = "\n".join(x for x in SPEC.split("[fields]")[0].splitlines() if not x.startswith(key))
    fields = "" if key == "fields" else '\nfields = {article = "a", summary = "b"}'
    with pytest.raises(SpecError):
        load(f"{kept}\n{line}{fields}\n")


CHECKED = SPEC.replace("[fields]", 'source_field = "article"\ntarget_field = "summary"\n[fields]')


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (
            SPEC.replace("tokenizer =", "tokeniser ="),
            [
                "tokenizer: is missing",
                "tokeniser: unknown key. Did you mean 'tokenizer'?",
            ],
        ),
        (
            SPEC.replace("tokenizer =", 'id = "id"\ntokenizer ='),
            ["id: unknown key. It is a field: write it below [fields]."],
        ),
        (
            CHECKED + '[checks]\nlenght_ratio = "flag"\n',
            ["checks: there is no check 'lenght_ratio'. Did you mean 'length_ratio'?"],
        ),
        (
            CHECKED + '[checks]\nplaceholder = "warn"\n',
            ["checks.placeholder.action: must be 'flag', 'drop' or 'fail' (is 'warn')"],
        ),
        (
            SPEC.replace("tokenizer =", 'templates = ["a/b"]\ntokenizer ='),
            ["give template or templates, not both"],
        ),
        (
            SPEC.replace('"highlights"', '{ path = "a", value = "b" }'),
            ["fields.summary: give one of: path, first, value"],
        ),
        (
            SPEC.replace('"highlights"', '"a["'),
            [
                "fields.summary: 'a[' is not a field path (at character 2). Write names joined by "
                "dots and indices in brackets, such as answers.text[0]."
            ],
        ),
        (
            SPEC + '[where]\n"a[" = 1\n',
            [
                "where: 'a[' is not a field path (at character 2). Write names joined by dots and "
                "indices in brackets, such as answers.text[0]."
            ],
        ),
        (
            SPEC.replace("[fields]", "shots = true\nseed = false\n[fields]"),
            [
                "seed: must be a whole number (is 'false')",
                "shots.0: must be a whole number (is 'true')",
            ],
        ),
        (
            SPEC + "[where]\nkind = []\n",
            ["where: 'kind' lists no value, so it keeps no row"],
        ),
    ],
)
def test_every_fault_has_a_line_in_plain_words(text: str, faults: list[str]) -> None:
    with pytest.raises(SpecError) as caught:
        load(text)
    first, *lines = without_lines(caught.value).splitlines()
    assert first == "Faults in spec.toml and the options given:"
    assert sorted(lines) == sorted(f"  {fault}" for fault in faults)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("max_length = 1", "max_length: must be at least 2 (is 1)"),
        ("max_length = 2.5", "max_length: must be a whole number (is 2.5)"),
        ("max_dropped = 'x'", "max_dropped: must be a number (is 'x')"),
        ("near_duplicates = 1.0", "near_duplicates: must be less than 1 (is 1.0)"),
        ("against_overlap = 0", "against_overlap: must be greater than 0 (is 0)"),
        ("language = 'en'", "language: must be a list (is 'en')"),
        ("description = 3", "description: must be text in quotes (is 3)"),
        ("chat = 'x'", "chat: must be true or false (is 'x')"),
        ("split = 3", "split: must be a table (is 3)"),
        ("split = {}", "split: must not be empty"),
        ("swap = [['article', 'summary', 'a']]", "swap.0: must have 2 items (is ['article', "),
        ("checks = { placeholder = 3 }", "checks.placeholder: must be a table (is 3)"),
    ],
)
def test_a_fault_is_told_in_the_words_of_toml(line: str, fault: str) -> None:
    with pytest.raises(SpecError) as caught:
        load(SPEC.replace("[fields]", f"{line}\n[fields]"))
    _, only = without_lines(caught.value).splitlines()
    assert only.startswith(f"  {fault}")


def test_values_to_filter_by_are_compared_as_json_writes_them() -> None:
    spec = load(SPEC + '[where]\na = true\nb = 3\nc = ["x", 0.5]\nd = 2026-01-31\n')
    assert spec.where == {"a": ("true",), "b": ("3",), "c": ("x", "0.5"), "d": ("2026-01-31",)}


EVERYTHING = """
task = "news"
language = ["en", "de"]
data = ["a.jsonl", "b.jsonl"]
templates = ["summarize/article", { id = "summarize/headline@1", weight = 0.5 }]
tokenizer = "tokenizers/small"
swap = [["article", "summary"]]
max_length = 512
max_dropped = 2
split = { test = 1, train = 3.5 }
chat = true
chat_options = { deep = { list = [1, ["x"]] }, day = 2026-11-26, most = inf }
shots = 2
source_field = "article"
target_field = "summary"
checks = { placeholder = "drop", length_ratio = { action = "flag", low = 0.01 } }
against = ["eval.jsonl"]
[fields]
article = { first = ["a.b[0]", "c"], strip_prefix = "CNN" }
summary = { path = "highlights", optional = true }
kind = { value = "news" }
[where]
lang = ["en", 1]
"""


def test_a_spec_is_recorded_in_full_and_its_parts_as_short_as_they_may_be_written() -> None:
    spec = load(EVERYTHING)
    assert spec.to_json() == {
        "task": "news",
        "description": "",
        "license": "",
        "language": ["en", "de"],
        "data": ["a.jsonl", "b.jsonl"],
        "preset": None,
        "templates": ["summarize/article", {"id": "summarize/headline@1", "weight": 0.5}],
        "tokenizer": "tokenizers/small",
        "fields": {
            "article": {"first": ["a.b[0]", "c"], "strip_prefix": ["CNN"]},
            "summary": {"path": "highlights", "optional": True},
            "kind": {"value": "news"},
        },
        "where": {"lang": ["en", "1"]},
        "swap": [["article", "summary"]],
        "loss": "all",
        "unroll": False,
        "ignore_turn_keys": [],
        "drop_trailing_user": False,
        "drop_leading_assistant": False,
        "merge_same_role": False,
        "max_length": 512,
        "keep": "start",
        "max_dropped": 2.0,
        "nul": "drop",
        "quoting": None,
        "id_prefix": None,
        "group": None,
        "seed": 0,
        "split": {"test": 1.0, "train": 3.5},
        "given_splits": "keep",
        "split_column": None,
        "chat": True,
        "chat_options": {"deep": {"list": [1, ["x"]]}, "day": "2026-11-26", "most": float("inf")},
        "chat_template": None,
        "date": None,
        "teach_reasoning": True,
        "long_conversations": "drop_turns",
        "text_tokens": [],
        "shots": [2],
        "source_field": "article",
        "target_field": "summary",
        "checks": {"placeholder": "drop", "length_ratio": {"action": "flag", "low": 0.01}},
        "duplicates": "drop",
        "near_duplicates": None,
        "against": ["eval.jsonl"],
        "against_overlap": 0.5,
    }
    assert list(spec.to_json()["split"]) == ["test", "train"]  # in the order of the file
    assert spec_from_json(spec.to_json()) == spec


def test_a_spec_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load(SPEC).seed = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        (
            "[fields.x]\npath = 'a'\noptionl = true",
            "fields.x.optionl: unknown key. Did you mean 'optional'?",
        ),
        (
            "[checks.target_longer]\naction = 'flag'\nhigt = 1",
            "checks.target_longer.higt: unknown key. Did you mean 'high'?",
        ),
    ],
)
def test_an_unknown_key_of_a_table_inside_ends_in_a_suggestion(more: str, fault: str) -> None:
    with pytest.raises(SpecError) as caught:
        load(f"{SPEC}{more}\n")
    assert f"  {fault}" in without_lines(caught.value).splitlines()


def test_an_unknown_key_of_a_template_ends_in_a_suggestion() -> None:
    text = SPEC.replace(
        'template = "summarize/article"', 'templates = [{ id = "a/b", wieght = 2 }]'
    )
    with pytest.raises(
        SpecError, match=r"templates\.0\.wieght \(line 4\): unknown key\. Did you mean 'weight'"
    ):
        load(text)


def test_a_fault_names_the_line_of_its_key_unless_an_option_gave_it() -> None:
    text = SPEC.replace('task = "news"\n', 'task = "news"\nseed = "x"\nnul = "maybe"\n')
    with pytest.raises(SpecError) as caught:
        load(text, nul="perhaps")
    number = text.splitlines().index('seed = "x"') + 1
    assert str(caught.value).splitlines()[1:] == [
        "  nul: must be 'drop' or 'keep' (is 'perhaps')",
        f"  seed (line {number}): must be a whole number (is 'x')",
    ]


@pytest.mark.parametrize("value", ["'soon'", "3.5", "true", "'2026-13-01'", "2026-01-31T10:00:00"])
def test_a_date_that_is_none_is_told_with_an_example(value: str) -> None:
    with pytest.raises(SpecError, match="must be a date such as 2026-01-31"):
        load(f"date = {value}\n{SPEC}")


@pytest.mark.parametrize("line", ["unroll = true", "max_length = 2048"])
def test_a_key_below_the_table_of_fields_is_no_field(line: str) -> None:
    with pytest.raises(SpecError, match="is a key of the spec, not a field; move it above"):
        load(f"{SPEC}\n{line}\n")


@pytest.mark.parametrize("line", ["unroll = true", "max_length = 2048"])
def test_a_key_below_the_table_of_splits_is_no_split(line: str) -> None:
    with pytest.raises(SpecError, match="is a key of the spec, not a split; move it above"):
        load(f"{SPEC}\n[split]\ntrain = 1.0\n{line}\n")
