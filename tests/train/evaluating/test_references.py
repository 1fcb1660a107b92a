"""All accepted answers of a row, read from the list whose first item is the target."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sftdata.building.build import build
from sftdata.loading.dataset import load
from sftdata.loading.text import TextReader
from sftdata_train.evaluating.metrics import score
from sftdata_train.evaluating.references import read_references
from sftdata_train.passport import load_built_templates

ANSWERS = {
    "q1": ["1889", "in 1889", "the year 1889"],
    "q2": ["Paris"],
    "q3": ["a tower", "", " a tower ", "the tower"],
}
SPLIT = {"train": 1.0}


def write_rows(answers: Mapping[str, list[str]], *, with_ids: bool = True) -> None:
    rows: list[dict[str, Any]] = [
        {"question": f"What is {name}?", "answers": {"text": texts}}
        | ({"id": name} if with_ids else {})
        for name, texts in answers.items()
    ]
    Path("golden.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def read(folder: Path) -> tuple[dict[str, list[str]], list[str]]:
    """The accepted answers by target, and what was reported."""
    data = load(folder)
    examples = list(data["train"])
    targets = [TextReader(data).read(example)[1] for example in examples]
    lines: list[str] = []
    templates = load_built_templates(data.manifest)
    found = read_references(data, examples, targets, templates, lines.append)
    return dict(zip(targets, found, strict=True)), lines


def build_rows(template: str = "qa/plain") -> Path:
    build(
        "qa", data="golden.jsonl", fields={"answer": "answers.text[0]"}, template=template,
        split=SPLIT, checks={}, out="data",
    )  # fmt: skip
    return Path("data")


@pytest.mark.parametrize("with_ids", [True, False])
def test_the_other_items_of_the_list_are_accepted_too(with_ids: bool) -> None:
    write_rows(ANSWERS, with_ids=with_ids)
    found, said = read(build_rows())
    assert found == {
        "1889": ["1889", "in 1889", "the year 1889"],
        "Paris": ["Paris"],
        "a tower": ["a tower", "the tower"],
    }
    assert said == ["2 of 3 rows accept several answers; the best counts."]


def test_they_are_written_as_the_template_writes_the_target() -> None:
    write_rows(ANSWERS)
    folder = Path("templates/qa")
    folder.mkdir(parents=True)
    (folder / "said.jinja").write_text(
        "{% block prompt %}\n{{ question }}\n{% endblock %}\n"
        "{% block target %}\nIt is {{ answer }}.\n{%- endblock %}\n"
    )
    found, _ = read(build_rows("qa/said"))
    assert found["It is 1889."] == ["It is 1889.", "It is in 1889.", "It is the year 1889."]


def test_a_golden_set_that_changed_or_is_gone_is_named_and_the_target_counts_alone() -> None:
    write_rows(ANSWERS)
    folder = build_rows()
    write_rows(ANSWERS | {"q1": ["1890", "in 1890"]})
    found, said = read(folder)
    assert found["1889"] == ["1889"]
    assert found["a tower"] == ["a tower", "the tower"]
    assert said[0].startswith("1 row of the golden set changed since the build")
    Path("golden.jsonl").unlink()
    found, said = read(folder)
    assert all(len(accepted) == 1 for accepted in found.values())
    assert said[0].startswith("The other accepted answers of 'qa' (answers.text) cannot be read")
    assert "golden.jsonl" in said[0]


def test_a_field_that_is_no_first_item_has_one_answer() -> None:
    write_rows({"q1": ["1889", "in 1889"]})
    build(
        "qa", data="golden.jsonl", fields={"answer": "answers.text[1]"}, template="qa/plain",
        split=SPLIT, checks={}, out="data",
    )  # fmt: skip
    assert read(Path("data")) == ({"in 1889": ["in 1889"]}, [])


@pytest.mark.parametrize("task", ["qa", "summarize", "translate", "grammar", "rewrite"])
def test_the_best_reference_of_each_row_counts(task: str) -> None:
    references = [["one two three four", "nine eight seven six"], ["five six seven eight"]]
    sources = ["one two three for", "five six seven eight nine"]
    second = ["nine eight seven six", "five six seven eight"]
    assert [s.value for s in score(task, sources, references, second)] == pytest.approx(
        [100.0] * len(score(task, sources, references, second))
    )
    half = ["nine eight seven", "five six seven"]
    best = [s.value for s in score(task, sources, references, half)]
    alone = [s.value for s in score(task, sources, second, half)]
    assert best == pytest.approx(alone)


def test_answers_beyond_those_that_are_read_are_said() -> None:
    write_rows({"q1": [f"answer {i}" for i in range(32)], "q2": [f"reply {i}" for i in range(33)]})
    found, said = read(build_rows())
    assert [len(texts) for texts in found.values()] == [32, 32]
    assert "Of 1 row of 'qa', the first 32 accepted answers count; there are more." in said
