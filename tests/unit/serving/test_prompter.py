"""A prompter loads once; the function remembers the last dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.plain import build_plain

import sftdata
from sftdata.errors import SpecError
from sftdata.serving import prompter as module
from sftdata.serving.prompter import Prompter, render_prompt

ROW = {"article": "Hi"}


@pytest.fixture
def folder(tmp_path: Path, byte_tokenizer: Path) -> Path:
    return _build(tmp_path, byte_tokenizer, 20)


def _build(folder: Path, tokenizer: Path, count: int) -> Path:
    rows = [{"id": f"r{i}", "article": f"article {i}", "summary": f"s{i}"} for i in range(count)]
    return build_plain(folder, rows, tokenizer=tokenizer).manifest.directory


def test_a_prompter_of_a_dataset_gives_prompts_and_reads_answers(folder: Path) -> None:
    prompter = sftdata.Prompter(folder)
    prompt = prompter(ROW)
    assert prompt.text.endswith("Article:\nHi\n\nSummary:\n")
    assert prompt == render_prompt(folder, ROW)
    assert prompter.stop_ids == prompt.stop_ids == [256]
    assert prompter.read_answer([*b"Short.", 256]) == "Short."
    assert repr(prompter) == f"Prompter({str(folder)!r})"


def test_a_prompter_of_a_template_takes_options(byte_tokenizer: Path) -> None:
    prompter = Prompter("summarize/article", tokenizer=str(byte_tokenizer))
    assert prompter(ROW).input_ids == list(prompter(ROW).text.encode())


def test_the_function_remembers_a_dataset_until_it_is_built_again(
    folder: Path, byte_tokenizer: Path
) -> None:
    render_prompt(folder, ROW)
    assert module._last is not None
    first = module._last[1]
    render_prompt(folder, ROW)
    assert module._last[1] is first
    _build(folder.parent, byte_tokenizer, 21)
    render_prompt(folder, ROW)
    assert module._last[1] is not first


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "Give a row or messages"),
        ({"row": ROW, "tools": []}, "tools has no effect beside a row"),
        ({"row": ROW, "system": "x"}, "system has no effect beside a row"),
        ({"messages": [], "shots": 1}, "shots has no effect beside messages"),
        ({"messages": [], "row": ROW}, "row has no effect beside messages"),
    ],
)
def test_what_would_be_ignored_is_an_error(
    given: dict[str, object], told: str, folder: Path
) -> None:
    with pytest.raises(SpecError, match=told):
        Prompter(folder)(**given)  # type: ignore[arg-type]


def test_options_of_a_template_are_no_options_of_a_dataset(folder: Path) -> None:
    with pytest.raises(SpecError, match="chat has no effect beside a dataset"):
        Prompter(folder, chat=True)
    with pytest.raises(SpecError, match="is no mixture, so it has no source 'x'"):
        Prompter(folder, part="x")
    with pytest.raises(SpecError, match="part has no effect beside a template"):
        Prompter("summarize/article", part="x")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"row": [1]}, "row is a list"),
        ({"messages": "Hi"}, "not a list of turns"),
        ({"messages": {"role": "user", "content": "Hi"}}, "not a list of turns"),
        ({"row": ROW, "shots": -1}, "from 0 to 64"),
        ({"row": ROW, "shots": 65}, "from 0 to 64"),
        ({"row": ROW, "shots": 2}, "no solved examples"),
    ],
)
def test_what_a_prompter_cannot_use_is_named(
    folder: Path, given: dict[str, Any], told: str
) -> None:
    with pytest.raises(SpecError, match=told):
        Prompter(folder)(**given)


@pytest.mark.parametrize("name", ["none", "summarize", "a/b/none", "sumarize/article"])
def test_what_holds_nothing_is_no_unknown_task(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError, match=f"'{name}' is neither the folder of a dataset"):
        Prompter(name)
