"""Specs: what a TOML file may say, and every fault at once."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from sftdata.base import cache as remembered
from sftdata.errors import SpecError
from sftdata.spec import load as module
from sftdata.spec.load import load_spec, spec_from_json
from sftdata.spec.model import DEFAULT_SPLIT, Mixture, Spec

SPEC = """
task = "news"
data = ["news.jsonl"]
template = "summarize/article"
tokenizer = "tokenizers/small"

[fields]
article = "article"
summary = "highlights"
"""


def load(**options: Any) -> Spec:
    spec = load_spec(**options)
    assert isinstance(spec, Spec)
    return spec


def paths(spec: Spec) -> dict[str, Any]:
    return {name: rule.path for name, rule in spec.fields.items()}


def write(text: str) -> Path:
    path = Path("spec.toml")
    path.write_text(text, encoding="utf-8")
    return path


def test_what_a_spec_leaves_out_has_a_default() -> None:
    spec = load(file=write(SPEC))
    assert (spec.task, spec.data) == ("news", ("news.jsonl",))
    assert paths(spec) == {"article": "article", "summary": "highlights"}
    assert (spec.max_length, spec.keep, spec.max_dropped) == (None, "start", 1.0)
    assert (spec.nul, spec.group, spec.seed) == ("drop", None, 0)
    assert spec.split == DEFAULT_SPLIT


def test_options_are_laid_over_the_spec_and_none_is_no_option() -> None:
    spec = load(
        file=write(SPEC),
        seed=3,
        max_length=None,
        data=["b.csv"],
        fields={"summary": "s", "id": "k"},
    )
    assert (spec.seed, spec.max_length, spec.data) == (3, None, ("b.csv",))
    assert paths(spec) == {"article": "article", "summary": "s", "id": "k"}


def test_a_task_is_found_in_the_working_folder_first_and_in_the_bundled_ones_second() -> None:
    assert load_spec(task="summarize").task == "summarize"
    Path("pipelines").mkdir()
    Path("pipelines/summarize.toml").write_text(SPEC)
    assert load_spec(task="summarize").task == "news"


def test_an_unknown_task_ends_in_a_suggestion() -> None:
    with pytest.raises(SpecError, match=r"'summarise'(?s:.*)Did you mean 'summarize'"):
        load_spec(task="summarise")


def test_all_faults_are_told_at_once() -> None:
    text = SPEC.replace('task = "news"\n', 'seed = "x"\nnul = "maybe"\nmax_lenght = 3\n')
    with pytest.raises(SpecError) as caught:
        load_spec(file=write(text), max_dropped=200)
    for name in ("spec.toml", "task", "seed", "nul", "max_lenght", "max_dropped"):
        assert name in str(caught.value)


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
        load_spec(file=write(f"{kept}\n{line}{fields}\n"))


@pytest.mark.parametrize("text", ["a = = 3", "task = 'x\n", "\x00"])
def test_a_file_that_is_not_toml_is_an_error_that_names_it(text: str) -> None:
    with pytest.raises(SpecError, match=r"^spec\.toml: not a TOML file"):
        load_spec(file=write(text))


def test_a_file_that_is_not_there_or_not_utf8_is_an_error_that_names_it() -> None:
    with pytest.raises(SpecError, match=r"nope\.toml"):
        load_spec(file=Path("nope.toml"))
    Path("latin.toml").write_bytes(b'task = "\xe9"\n')
    with pytest.raises(SpecError, match=r"latin\.toml"):
        load_spec(file=Path("latin.toml"))


CHECKED = SPEC.replace("[fields]", 'source_field = "article"\ntarget_field = "summary"\n[fields]')


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (
            SPEC.replace("tokenizer =", "tokeniser ="),
            [
                "tokenizer: is missing",
                "tokeniser: there is no such key. Did you mean 'tokenizer'?",
            ],
        ),
        (
            CHECKED + '[checks]\nlenght_ratio = "flag"\n',
            ["checks: there is no check 'lenght_ratio'. Did you mean 'length_ratio'?"],
        ),
        (
            CHECKED + '[checks]\nplaceholder = "warn"\n',
            ["checks.placeholder.action: Input should be 'flag', 'drop' or 'fail' (is 'warn')"],
        ),
        (
            CHECKED + '[checks]\nwrong_language = "flag"\n',
            ["spec: the check 'wrong_language' needs the field 'source_lang'"],
        ),
        (
            SPEC + '[checks]\nplaceholder = "drop"\n',
            ["spec: checks need source_field and target_field, two of the fields"],
        ),
        (
            SPEC.replace(
                'template = "summarize/article"',
                'templates = ["summarize/article", "summarize/article@1"]',
            ),
            ["spec: the template 'summarize/article' stands there more than once"],
        ),
        (SPEC.replace('template = "summarize/article"\n', ""), ["spec: give a template"]),
        (
            SPEC.replace("tokenizer =", 'templates = ["a/b"]\ntokenizer ='),
            ["spec: give template or templates, not both"],
        ),
        (
            SPEC.replace('article = "article"\nsummary = "highlights"', 'messages = "turns"'),
            ["spec: 'messages' are turns of a chat: set chat = true (--chat)"],
        ),
        (
            SPEC + 'messages = "turns"\n',
            ["spec: 'messages' is the whole row: map no other field beside it"],
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
            SPEC.replace("[fields]", 'swap = [["article", "sumary"]]\n[fields]'),
            ["spec: swap names 'sumary', which is not among the fields"],
        ),
        (
            SPEC.replace("[fields]", "shots = [0, 65]\n[fields]"),
            ["spec: shots are counts from 0 to 64"],
        ),
    ],
)
def test_a_fault_is_told_in_plain_words(text: str, faults: list[str]) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(file=write(text))
    first, *told = str(caught.value).splitlines()
    assert first == "spec.toml, with the options given, is not a spec:"
    assert sorted(told) == sorted(f"  {fault}" for fault in faults)


def test_values_to_filter_by_are_compared_as_json_writes_them() -> None:
    spec = load(file=write(SPEC + '[where]\na = true\nb = 3\nc = ["x", 0.5]\n'))
    assert spec.where == {"a": ("true",), "b": ("3",), "c": ("x", "0.5")}


# --- what was found right before -----------------------------------------------------------------

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
chat_options = { deep = { list = [1, ["x"]] }, day = 2026-11-26 }
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


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """The values that were looked at, in a cache that is empty at first."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    seen: list[Any] = []
    validate = module.validate

    def watched(model: Any, values: Any, fault: str) -> Any:
        seen.append(values)
        return validate(model, values, fault)

    monkeypatch.setattr(module, "validate", watched)
    return seen


def test_what_was_found_right_is_not_checked_again_and_is_the_same(checked: list[Any]) -> None:
    path = write(EVERYTHING.replace(", day = 2026-11-26", ""))
    first = load(file=path)
    assert (load(file=path), len(checked)) == (first, 1)
    assert set(vars(first)) == {field.name for field in fields(Spec)}
    assert first.chat_options == {"deep": {"list": [1, ["x"]]}}
    assert (first.where, first.shots) == ({"lang": ("en", "1")}, (2,))
    assert first.swap == (("article", "summary"),)
    assert (type(first.max_dropped), first.split) == (float, {"test": 1.0, "train": 3.5})
    assert list(first.split) == ["test", "train"]
    assert spec_from_json(first.to_json()) == first


@pytest.mark.parametrize("task", ["summarize", "translate", "qa", "grammar", "rewrite"])
def test_a_bundled_spec_is_what_it_was_when_it_is_known(task: str, checked: list[Any]) -> None:
    assert load_spec(task=task) == load_spec(task=task)
    assert len(checked) == 1


def test_a_mixture_is_what_it_was_when_it_is_known(checked: list[Any]) -> None:
    first = load_spec(task="multitask")
    assert isinstance(first, Mixture)
    looked_at = len(checked)
    assert load_spec(task="multitask") == first
    assert looked_at == len(first.sources) + 1 == len(checked)
    assert spec_from_json(first.to_json()) == first


def test_values_that_json_cannot_say_are_checked_each_time(checked: list[Any]) -> None:
    first, second = (load(file=write(EVERYTHING)) for _ in range(2))
    assert first == second
    assert first.chat_options["day"] == "2026-11-26"  # as the manifest and a rebuild have it
    assert len(checked) == 2


@pytest.mark.parametrize("change", [{"seed": 1}, {"seed": "x"}, {"max_length": 512.5}])
def test_any_other_value_is_looked_at(change: dict[str, Any], checked: list[Any]) -> None:
    path = write(SPEC)
    load(file=path)
    if change == {"seed": 1}:
        assert load(file=path, **change).seed == 1
    else:
        with pytest.raises(SpecError):
            load(file=path, **change)
    assert len(checked) == 2


@pytest.mark.parametrize("damage", [slice(0), slice(-1), slice(1, None)])
def test_what_is_known_and_damaged_is_made_anew(damage: slice, checked: list[Any]) -> None:
    path = write(SPEC)
    first = load(file=path)
    (known,) = (remembered.cache_folder() / "specs").iterdir()
    whole = known.read_bytes()
    assert b'"news"' in whole
    known.write_bytes(whole[damage])
    assert (load(file=path), len(checked)) == (first, 2)
    assert known.read_bytes() == whole
