"""Identity: what a dataset is made of decides whether it is redone, and nothing else does."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.manifests import shard_paths

from sftdata import Outcome, build, load
from sftdata.inspecting.verify import find_faults

TEMPLATE = """{#
description = "Summarize."
shorten = "article"
#}
{% block prompt %}
Article:
{{ article }}

Summary:
{% endblock %}
{% block target %}
{{ summary }}
{%- endblock %}
"""
SPEC = """
task = "small"
data = ["rows.jsonl"]
template = "mine/plain"
tokenizer = "tokenizer"
max_length = 300
max_dropped = 50
seed = 0
nul = "drop"
[fields]
article = "article"
summary = "summary"
[split]
train = 0.7
validation = 0.2
test = 0.1
"""


@pytest.fixture(autouse=True)
def _content(tmp_path: Path, byte_tokenizer: Path) -> None:
    """Everything a build is made of, in the working directory."""
    rows = [{"article": f"Rain fell on town {i}.", "summary": f"Rain {i}."} for i in range(60)]
    rows[7]["article"] += " \0"
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Path("templates/mine").mkdir(parents=True)
    Path("templates/mine/plain.jinja").write_text(TEMPLATE)
    Path("spec.toml").write_text(SPEC)
    shutil.copytree(byte_tokenizer, "tokenizer")


def built(**options: Any) -> Outcome:
    return build(spec="spec.toml", out="out", **options)


def edit(path: str, old: str, new: str) -> None:
    text = Path(path).read_text(encoding="utf-8")
    assert old in text
    Path(path).write_text(text.replace(old, new, 1), encoding="utf-8")


def edit_json(path: str, change: Callable[[Any], Any]) -> None:
    content = json.loads(Path(path).read_text(encoding="utf-8"))
    change(content)
    Path(path).write_text(json.dumps(content), encoding="utf-8")


def swap_ids(spec: Any) -> None:
    vocab = spec["model"]["vocab"]
    vocab["a"], vocab["b"] = vocab["b"], vocab["a"]


def add_merge(spec: Any) -> None:
    spec["model"]["vocab"] |= {"ai": 300, "<eos>": 256}
    spec["model"]["merges"].append(["a", "i"])


CHANGES = {
    "a data byte": lambda: edit("rows.jsonl", "town 31", "town 3I"),
    "the text of the template": lambda: edit("templates/mine/plain.jinja", "Article:", "Text:"),
    "the template's metadata": lambda: edit("templates/mine/plain.jinja", "Summarize.", "Sum up."),
    "an id in the vocabulary": lambda: edit_json("tokenizer/tokenizer.json", swap_ids),
    "a merge": lambda: edit_json("tokenizer/tokenizer.json", add_merge),
    "the EOS": lambda: edit_json(
        "tokenizer/tokenizer_config.json", lambda c: c.update(eos_token="z")
    ),
    "the length": lambda: edit("spec.toml", "max_length = 300", "max_length = 299"),
    "the seed": lambda: edit("spec.toml", "seed = 0", "seed = 1"),
    "the drops allowed": lambda: edit("spec.toml", "max_dropped = 50", "max_dropped = 49"),
    "what becomes of NUL": lambda: edit("spec.toml", 'nul = "drop"', 'nul = "keep"'),
    "a share": lambda: edit("spec.toml", "train = 0.7", "train = 0.6"),
    "the order of the splits": lambda: edit(
        "spec.toml", "train = 0.7\nvalidation = 0.2", "validation = 0.2\ntrain = 0.7"
    ),
    "a field's place": lambda: edit("spec.toml", 'article = "article"', 'article = "summary"'),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_of_content_is_built_anew(change: Callable[[], None]) -> None:
    before = built().manifest
    assert built().up_to_date
    change()
    outcome = built()
    assert not outcome.up_to_date
    assert outcome.manifest["build"] != before["build"]
    fresh = build(spec="spec.toml", out="fresh").manifest
    assert outcome.manifest.content == fresh.content
    assert find_faults(Path("out"), deep=True) == []


def test_what_turns_a_token_into_a_control_token_is_content() -> None:
    """An added token that the chat template uses is never made of text; another one may be."""

    def add_token(spec: Any) -> None:
        token = {"id": 257, "content": "town", "special": False, "single_word": False}
        token |= {"lstrip": False, "rstrip": False, "normalized": False}
        spec["added_tokens"].append(token)

    edit_json("tokenizer/tokenizer.json", add_token)
    before = built().manifest
    edit_json("tokenizer/tokenizer_config.json", lambda c: c.update(chat_template="town {{ x }}"))
    after = built().manifest
    fresh = build(spec="spec.toml", out="fresh").manifest
    assert fresh["splits"] != before["splits"]
    assert after.content["splits"] == fresh.content["splits"]


def test_an_added_token_that_is_text_keeps_its_id() -> None:
    """Also when a control token with a smaller id is taken out for plain text."""
    token = {"id": 257, "content": "town", "special": False, "single_word": False}
    token |= {"lstrip": False, "rstrip": False, "normalized": False}
    edit_json("tokenizer/tokenizer.json", lambda spec: spec["added_tokens"].append(token))
    manifest = built().manifest
    assert manifest["dropped"] == {"nul_character": 1}
    assert all(257 in row.input_ids for row in load("out")["train"])


def move_data() -> None:
    Path("elsewhere").mkdir()
    Path("rows.jsonl").rename("elsewhere/other.jsonl")
    edit("spec.toml", "rows.jsonl", "elsewhere/other.jsonl")


def reformat_tokenizer() -> None:
    path = Path("tokenizer/tokenizer.json")
    path.write_text(json.dumps(json.loads(path.read_text()), indent=3, sort_keys=True))


NO_CHANGES = {
    "another path": move_data,
    "another tokenizer folder": lambda: (
        Path("tokenizer").rename("moved"),
        edit("spec.toml", 'tokenizer = "tokenizer"', 'tokenizer = "moved"'),
    ),
    "another time of change": lambda: os.utime("rows.jsonl", (1, 1)),
    "white space in tokenizer.json": reformat_tokenizer,
    "a comment in the spec": lambda: edit("spec.toml", "seed = 0", "seed = 0  # nought"),
    "nothing": lambda: None,
}


@pytest.mark.parametrize("change", NO_CHANGES.values(), ids=NO_CHANGES.keys())
def test_a_change_beside_the_content_is_not_built_anew(change: Callable[[], object]) -> None:
    before = built().manifest
    shards = {path: path.stat().st_mtime_ns for path in shard_paths(before)}
    change()
    outcome = built()
    assert outcome.up_to_date
    assert outcome.reused_rows == 60
    assert outcome.manifest.content["build"] == before["build"]
    assert {path: path.stat().st_mtime_ns for path in shard_paths(before)} == shards


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_the_number_of_workers_is_no_content(workers: int) -> None:
    built()
    assert built(workers=workers).up_to_date


def test_the_directory_is_no_content() -> None:
    first = built().manifest
    second = build(spec="spec.toml", out="other/place").manifest
    assert second.content == first.content


def test_building_the_bundled_sample_again_takes_a_moment() -> None:
    build("summarize")
    started = time.monotonic()
    assert build("summarize").up_to_date
    assert time.monotonic() - started < 5  # it is well under one; the bound is for busy machines
