"""The bundled golden samples: varied, unique, and fit for every template of their task."""

from __future__ import annotations

import json
import tomllib
import unicodedata
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from sftdata.base.content import bundled_root
from sftdata.examples.tokens import joined_equal
from sftdata.rendering.render import render_row
from sftdata.tokenizing.encoder import REFERENCE, load_encoder
from sftdata.tokenizing.load import load_tokenizer
from sftdata.versioning.releases import load_template

PIPELINES = bundled_root() / "pipelines"
FOLDER = bundled_root() / "templates"
FIELDS = {
    "summarize": {"id", "article", "summary"},
    "translate": {"id", "source", "translation", "source_lang", "target_lang"},
    "qa": {"id", "context", "question", "answer"},
    "grammar": {"id", "text", "corrected"},
    "rewrite": {"id", "text", "instruction", "rewritten"},
    "instruct": {"id", "instruction", "input", "output", "system"},
    "completion": {"id", "prompt", "completion"},
}
OPTIONAL = {("qa", "context"), ("instruct", "input"), ("instruct", "system")}
AS_THEY_ARE = {"completion"}  # tasks whose texts keep their white space
MIXED = sorted(FIELDS.keys() - {"instruct", "completion"})
TASKS = sorted(FIELDS)
LEAST_ROWS = dict.fromkeys(TASKS, 48) | {"rewrite": 24}
TEMPLATES = sorted(
    path.relative_to(FOLDER).with_suffix("").as_posix()
    for task in TASKS
    for path in (FOLDER / task).glob("*.jinja")
)
# Languages not written in Latin letters, and the first word of their letters' Unicode names.
SCRIPTS = {
    "ar": {"ARABIC"},
    "el": {"GREEK"},
    "he": {"HEBREW"},
    "hi": {"DEVANAGARI"},
    "ja": {"HIRAGANA", "KATAKANA", "CJK"},
    "ko": {"HANGUL"},
    "ru": {"CYRILLIC"},
    "th": {"THAI"},
    "uk": {"CYRILLIC"},
    "zh": {"CJK"},
}
CHECKS = {
    "target_equals_source",
    "target_longer",
    "answer_not_in_context",
    "length_ratio",
    "wrong_language",
    "placeholder",
}


def sample(task: str) -> list[dict[str, str]]:
    """The rows of the sample golden set of a task."""
    text = (PIPELINES / "samples" / f"{task}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def spec(task: str) -> dict[str, Any]:
    """The spec of a task as it is written."""
    return tomllib.loads((PIPELINES / f"{task}.toml").read_text(encoding="utf-8"))


def template_ids(values: dict[str, Any]) -> list[str]:
    return [entry if isinstance(entry, str) else entry["id"] for entry in values["templates"]]


def normalized(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def script_of(text: str) -> str:
    """The script most of the letters belong to."""
    letters = [unicodedata.name(char).split()[0].split("-")[0] for char in text if char.isalpha()]
    return Counter(letters).most_common(1)[0][0]


@pytest.mark.parametrize("task", TASKS)
def test_every_row_has_the_fields_of_its_task_as_clean_text(task: str) -> None:
    rows = sample(task)
    assert len(rows) >= LEAST_ROWS[task]
    assert all(set(row) == FIELDS[task] for row in rows)
    for row in rows:
        for name, text in row.items():
            assert text or (task, name) in OPTIONAL, row["id"]
            assert text == text.strip() or task in AS_THEY_ARE, row["id"]
            assert unicodedata.is_normalized("NFC", text), row["id"]
            assert not any(
                unicodedata.category(char) == "Cc" and char not in "\n\t" for char in text
            ), row["id"]


@pytest.mark.parametrize("task", TASKS)
def test_no_row_is_there_twice(task: str) -> None:
    rows = sample(task)
    assert len({row["id"] for row in rows}) == len(rows)
    texts = Counter(
        tuple(normalized(text) for name, text in sorted(row.items()) if name != "id")
        for row in rows
    )
    assert max(texts.values()) == 1


@pytest.mark.parametrize("task", TASKS)
def test_the_target_differs_from_the_source(task: str) -> None:
    values = spec(task)
    for row in sample(task):
        assert row[values["source_field"]] != row[values["target_field"]], row["id"]


def test_no_row_is_near_another_one_of_any_task() -> None:
    """No two rows share 3 in 10 of the 12-character pieces of the shorter of them."""
    pieces = {}
    for task in sorted(set(TASKS) - AS_THEY_ARE):  # their short prompts share a frame
        target = spec(task)["target_field"]
        for row in sample(task):
            given = row["context"] or row["question"] if task == "qa" else None
            text = normalized(
                given or " ".join(v for k, v in sorted(row.items()) if k not in ("id", target))
            )
            pieces[row["id"]] = {text[i : i + 12] for i in range(max(1, len(text) - 11))}
    near = [
        (a, b)
        for (a, left), (b, right) in combinations(pieces.items(), 2)
        if len(left & right) >= 0.3 * min(len(left), len(right))
    ]
    assert near == []


def test_translations_go_both_ways_and_use_the_scripts_of_their_languages() -> None:
    rows = sample("translate")
    pairs = {(row["source_lang"], row["target_lang"]) for row in rows}
    for language in ("ar", "de", "el", "es", "fr", "hi", "it", "ja", "ko", "pt", "ru", "zh"):
        assert {("en", language), (language, "en")} <= pairs
    for row in rows:
        for text, language in (
            (row["source"], row["source_lang"]),
            (row["translation"], row["target_lang"]),
        ):
            assert script_of(text) in SCRIPTS.get(language, {"LATIN"}), row["id"]
    assert set(SCRIPTS) <= {row["source_lang"] for row in rows}


def test_most_answers_stand_in_their_context_and_some_have_none() -> None:
    rows = sample("qa")
    with_context = [row for row in rows if row["context"]]
    assert len(rows) - len(with_context) >= 6
    free = [row["id"] for row in with_context if row["answer"] not in row["context"]]
    assert 0 < len(free) <= 0.1 * len(with_context)


@pytest.mark.parametrize("task", ["summarize", "grammar"])
def test_targets_keep_to_a_length_that_fits_the_task(task: str) -> None:
    values = spec(task)
    limits = values["checks"]["length_ratio"]
    for row in sample(task):
        ratio = len(row[values["target_field"]]) / len(row[values["source_field"]])
        assert limits["low"] < ratio < limits["high"], row["id"]


@pytest.mark.parametrize("template_id", TEMPLATES)
def test_every_template_renders_every_row_of_its_task(template_id: str) -> None:
    template = load_template(template_id)
    task = template_id.partition("/")[0]
    values = spec(task)
    assert template.fields == FIELDS[task] - {"id"}
    assert template.target_fields == {values["target_field"]}
    for row in sample(task):
        prompt, target = render_row(template, row)
        assert target == row[values["target_field"]]
        for name in template.fields - {"source_lang", "target_lang", values["target_field"]}:
            assert row[name] in prompt or name == "system", row["id"]
        if task in AS_THEY_ARE:
            assert prompt == row["prompt"]
            continue
        assert prompt.endswith("\n")
        assert not prompt.endswith("\n\n")
        assert "\n\n\n" not in prompt


@pytest.mark.real
@pytest.mark.parametrize("tokenizer", ["gpt2", "smollm2", "qwen3", "mistral-v3"])
def test_the_boundary_of_every_template_is_stable_on_real_tokenizers(
    shared: Path, tokenizer: str
) -> None:
    encoder = load_encoder(load_tokenizer(str(shared / "tokenizers" / tokenizer)), REFERENCE)
    for template_id in TEMPLATES:
        template = load_template(template_id)
        if template.has_any_seam:
            continue  # the certificate of a build counts the rows whose boundary merges
        texts = [render_row(template, row) for row in sample(template_id.partition("/")[0])]
        prompts, targets, wholes = (
            pa.array(column, pa.large_string())
            for column in zip(*((p, t, p + t) for p, t in texts), strict=True)
        )
        equal = joined_equal(
            encoder.encode_prompts(prompts),
            encoder.encode_targets(targets),
            encoder.encode_prompts(wholes),
        )
        assert equal.all(), template_id


@pytest.mark.parametrize("task", MIXED)
def test_a_task_has_several_templates_and_the_mixture_uses_them_all(task: str) -> None:
    (part,) = (source for source in spec("multitask")["sources"] if source["spec"] == task)
    named = template_ids(spec(task) | part)
    assert sorted(named) == [name for name in TEMPLATES if name.startswith(f"{task}/")]
    assert len(named) >= (2 if task == "rewrite" else 3)
    row = sample(task)[0]
    assert len({render_row(load_template(name), row)[0] for name in named}) == len(named)


@pytest.mark.parametrize("name", ["plain", "question", "languages"])
def test_languages_are_shown_by_name_and_an_unknown_code_as_it_is(name: str) -> None:
    row = {"source": "x", "translation": "y", "source_lang": "de", "target_lang": "tlh"}
    unknown, _ = render_row(load_template(f"translate/{name}"), row)
    assert "German" in unknown
    assert "tlh" in unknown
    known = {
        code for row in sample("translate") for code in (row["source_lang"], row["target_lang"])
    }
    for code in known:
        prompt, _ = render_row(load_template(f"translate/{name}"), row | {"target_lang": code})
        assert prompt != unknown.replace("tlh", code), code


@pytest.mark.parametrize("name", ["plain", "question", "style"])
def test_a_question_without_a_context_is_asked_without_mention_of_one(name: str) -> None:
    row = {"context": "", "question": "How many legs has a spider?", "answer": "Eight"}
    prompt, _ = render_row(load_template(f"qa/{name}"), row)
    assert "How many legs has a spider?" in prompt
    assert not any(word in prompt.lower() for word in ("text", "passage", "may help"))


@pytest.mark.parametrize("name", ["plain", "question"])
def test_an_instruction_without_a_text_stands_alone(name: str) -> None:
    row = {"text": "", "instruction": "Name three rivers.", "rewritten": "Nile, Rhine, Po"}
    prompt, _ = render_row(load_template(f"rewrite/{name}"), row)
    assert "Name three rivers." in prompt
    assert "text" not in prompt.lower()


@pytest.mark.parametrize("task", TASKS)
def test_a_spec_maps_the_fields_of_its_task_and_checks_its_target(task: str) -> None:
    values = spec(task)
    assert values["task"] == task
    assert set(values["fields"]) == FIELDS[task]
    assert {values["source_field"], values["target_field"]} <= FIELDS[task]
    assert {"target_equals_source", "placeholder"} <= set(values["checks"]) <= CHECKS
    for check in values["checks"].values():
        action = check if isinstance(check, str) else check["action"]
        assert action in {"flag", "drop", "fail"}


def test_the_mixture_takes_every_task_with_fields_of_its_own() -> None:
    assert sorted(source["spec"] for source in spec("multitask")["sources"]) == MIXED


def test_the_samples_are_written_with_plain_line_ends() -> None:
    for path in sorted((PIPELINES / "samples").glob("*.jsonl")):
        content = path.read_bytes()
        assert b"\r" not in content
        assert content.endswith(b"\n")
