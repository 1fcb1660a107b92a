"""Serving prompts: for each row the ids of its training example, up to the target."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.plain import build_plain

from sftdata.errors import GoldenSetError, SpecError
from sftdata.loading.dataset import Dataset
from sftdata.serving.load import load_prompt_renderer, make_prompt_renderer
from sftdata.serving.prompter import render_prompt

EOS = 256
PROMPT = "You are a helpful assistant that summarizes articles.\n\nArticle:\n{}\n\nSummary:\n"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, byte_tokenizer: Path) -> Dataset:
    rows = [{"id": f"r{i}", "article": f"article {i}", "summary": f"s{i}"} for i in range(20)]
    return build_plain(tmp_path_factory.mktemp("serving"), rows, tokenizer=byte_tokenizer)


def test_the_prompt_is_the_rendered_text_and_its_ids(data: Dataset) -> None:
    prompt = load_prompt_renderer(data.manifest.directory).render({"article": "Hi"})
    assert prompt.text == PROMPT.format("Hi")
    assert prompt.input_ids == list(PROMPT.format("Hi").encode())
    assert prompt.stop_ids == [EOS]
    assert prompt.to_json()["template"] == next(iter(data.manifest["template"]))


def test_a_row_is_prompted_as_it_was_trained_on(data: Dataset) -> None:
    renderer = load_prompt_renderer(data.manifest.directory)
    for example in data["train"]:
        number = example.row_id[1:]
        row = {"id": example.row_id, "article": f"article {number}"}
        assert renderer.render(row).input_ids == example.input_ids[: example.target_start].tolist()


def test_shots_stand_before_the_question(data: Dataset) -> None:
    prompt = render_prompt(data.manifest.directory, {"article": "Hi"}, shots=0)
    assert prompt.text.count("Summary:") == 1
    with_shots = make_prompt_renderer(
        "summarize/article",
        tokenizer=data.manifest["tokenizer"]["name"],
        data=[str(data.manifest.directory.parent / "out.jsonl")],
        shots=2,
    ).render({"article": "Hi"})
    assert with_shots.text.count("Summary:") == 3
    assert with_shots.text.endswith("\n\nArticle:\nHi\n\nSummary:\n")


def test_a_solved_row_is_shortened_as_in_training_and_an_unsolved_one_is_not(
    data: Dataset, tmp_path: Path, byte_tokenizer: Path
) -> None:
    length = len(PROMPT.format("")) + 15
    rows = [
        {"id": f"r{i}", "article": "one. two. three. four. five.", "summary": "s"} for i in (1, 2)
    ]
    short = build_plain(tmp_path, rows, tokenizer=byte_tokenizer, max_length=length)
    renderer = load_prompt_renderer(short.manifest.directory)
    (example,) = (e for split in short.values() for e in split if e.row_id == "r1")
    solved = renderer.render(rows[0])
    assert solved.input_ids == example.input_ids[: example.target_start].tolist()
    assert len(solved.input_ids) < len(PROMPT.format(rows[0]["article"]))
    unsolved = renderer.render({"article": rows[0]["article"]})
    assert unsolved.text == PROMPT.format(rows[0]["article"])


def test_a_missing_field_is_named_with_an_example(data: Dataset) -> None:
    with pytest.raises(GoldenSetError, match=r"needs the field 'article'; the row has: text"):
        render_prompt(data.manifest.directory, {"text": "Hi"})


def test_a_value_that_is_not_text_is_an_error(data: Dataset) -> None:
    row: dict[str, object] = {"article": 3}
    with pytest.raises(GoldenSetError, match="'article' is not text: 3"):
        render_prompt(data.manifest.directory, row)  # type: ignore[arg-type]


def test_an_unknown_template_ends_in_a_suggestion(data: Dataset) -> None:
    with pytest.raises(SpecError, match="Did you mean 'summarize/article@"):
        render_prompt(data.manifest.directory, {"article": "Hi"}, template="summarize/artcle")
