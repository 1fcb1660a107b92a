"""The dataset diff: pairs of datasets whose difference is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support import handmade
from support.places import BUNDLED_TOKENIZER

from sftdata.building.build import build
from sftdata.inspecting.compare.datasets.diff import DatasetDiff, diff_datasets
from sftdata.loading.dataset import load

ROWS = [
    {"id": f"r{i}", "article": f"The article number {i} is about rivers.", "summary": f"River {i}."}
    for i in range(60)
]


def make(name: str, rows: list[dict[str, str]] = ROWS, **options: Any) -> Path:
    source = Path(f"{name}.jsonl")
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    one = {"template": "summarize/article"} | options
    build("summarize", data=source, out=name, max_dropped=50, **one)
    return Path(name)


def diff(a: Path, b: Path) -> DatasetDiff:
    return diff_datasets(load(a), load(b))


def kinds(comparison: DatasetDiff) -> set[str]:
    return {change.kind for change in comparison.inputs}


def with_word(template: str) -> str:
    folder = Path("templates/summarize")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "other.jinja").write_text(template)
    return "summarize/other"


TEMPLATE = (
    "{% block prompt %}\nArticle:\n{{ article }}\n\nShort:\n{% endblock %}"
    "{% block target %}{{ summary }}{% endblock %}"
)


def test_a_dataset_and_its_copy_are_identical() -> None:
    found = diff(make("a"), make("b"))
    assert found.is_identical
    assert found.inputs == []
    assert (found.in_both, found.only_in_a, found.only_in_b, found.samples) == (60, 0, 0, [])


def test_rows_that_a_mixture_repeats_are_compared_with_themselves(
    byte_tokenizer: Path,
) -> None:
    rows = [handmade.row(f"r{i}", f"p{i}\n", f"t{i}") for i in range(4)]
    for name, copies in (("a", 2), ("b", 2), ("c", 3)):
        Path(name).mkdir()
        handmade.write(Path(name), byte_tokenizer, [*rows, *[rows[1]] * copies])
    assert diff(Path("a"), Path("b")).is_identical
    more = diff(Path("a"), Path("c"))
    assert not more.is_identical
    assert (more.rows, more.only_in_a, more.only_in_b) == ((6, 7), 0, 0)
    assert more.other_repeats == 1


def test_as_many_rows_with_other_repeats_are_not_identical(byte_tokenizer: Path) -> None:
    rows = [handmade.row(f"r{i}", f"p{i}\n", f"t{i}") for i in range(4)]
    for name, repeated in (("a", rows[1]), ("b", rows[2])):
        Path(name).mkdir()
        handmade.write(Path(name), byte_tokenizer, [*rows, repeated])
    found = diff(Path("a"), Path("b"))
    assert not found.is_identical
    assert found.other_repeats == 2


def make_talk(name: str, tokenizer: Path, text: str, in_loss: str) -> Path:
    """A dataset of one row; a token is in the loss where `in_loss` has an x."""
    ids, mask = list(text.encode()), [char == "x" for char in in_loss]
    row = handmade.Row("talk", ids, in_loss.index("x"), template="messages", label_mask=mask)
    Path(name).mkdir()
    handmade.write(Path(name), tokenizer, [row])
    return Path(name)


def test_another_answer_in_the_loss_is_another_mask(byte_tokenizer: Path) -> None:
    a = make_talk("a", byte_tokenizer, "ask yes ask no.", "    xxx     xxx")
    b = make_talk("b", byte_tokenizer, "ask yes ask no.", "    xxx xxx    ")
    found = diff(a, b)
    assert not found.is_identical
    assert found.changed == {"prompt": 0, "target": 0, "mask": 1, "split": 0, "template": 0}
    (sample,) = found.samples
    assert (sample.first_difference, sample.in_loss) == (8, (False, True))
    assert sample.text == ("ask no.", "ask no.")


def test_a_later_question_is_prompt_and_a_later_answer_is_target(byte_tokenizer: Path) -> None:
    mask = "    xxx     xxx"
    a = make_talk("a", byte_tokenizer, "ask yes ask no.", mask)
    asked = diff(a, make_talk("b", byte_tokenizer, "ask yes now no.", mask))
    answered = diff(a, make_talk("c", byte_tokenizer, "ask yes ask yes", mask))
    assert (asked.changed["prompt"], asked.changed["target"]) == (1, 0)
    assert (answered.changed["prompt"], answered.changed["target"]) == (0, 1)


def test_rows_added_removed_and_changed() -> None:
    changed = [*ROWS[5:], {"id": "new", "article": "More of the rivers.", "summary": "Rivers."}]
    changed[0] = {**ROWS[5], "summary": "Another river."}
    found = diff(make("a"), make("b", changed))
    assert kinds(found) == {"rows"}
    assert (found.rows, found.only_in_a, found.only_in_b) == ((60, 56), 5, 1)
    assert found.changed == {"prompt": 0, "target": 1, "mask": 0, "split": 0, "template": 0}
    (sample,) = found.samples
    assert sample.row_id == "r5"
    example = next(e for s in load("a").values() for e in s if e.row_id == "r5")
    assert sample.first_difference == example.target_start
    assert sample.text == ("River 5.<|endoftext|>", "Another river.<|endoftext|>")
    assert str(sample.before).endswith("Summary:\n")


def test_another_template_changes_every_prompt_and_no_target() -> None:
    found = diff(make("a"), make("b", template=with_word(TEMPLATE)))
    assert kinds(found) == {"template"}
    assert {c.name.split("@")[0] for c in found.inputs} == {"summarize/article", "summarize/other"}
    assert found.changed["prompt"] == found.changed["template"] == 60
    assert found.changed["target"] == 0
    lengths = [
        {e.row_id: e.target_start for split in load(name).values() for e in split}
        for name in ("a", "b")
    ]
    moves = [lengths[1][row] - lengths[0][row] for row in lengths[0]]
    assert found.prompt_token_change["sum"] == sum(moves) == found.tokens[1] - found.tokens[0]
    assert found.prompt_token_change["min"] == min(moves)


def test_another_tokenizer_makes_every_row_another(byte_tokenizer: Path) -> None:
    found = diff(make("a"), make("b", tokenizer=byte_tokenizer))
    assert kinds(found) == {"tokenizer"}
    assert found.changed["prompt"] == found.changed["target"] == 60
    assert found.tokens[1] > found.tokens[0]


def test_a_copy_of_the_tokenizer_elsewhere_is_the_same_one() -> None:
    import shutil

    shutil.copytree(BUNDLED_TOKENIZER, "copy")
    found = diff(make("a"), make("b", tokenizer="./copy"))
    assert found.is_identical
    assert found.inputs == []


def test_a_smaller_limit_cuts_and_drops() -> None:
    rows = [*ROWS, {"id": "long", "article": "One more river. " * 90, "summary": "Rivers."}]
    rows.append({"id": "huge", "article": "A river. " * 200, "summary": "River " * 200})
    found = diff(make("a", rows), make("b", rows, max_length=150))
    assert [(c.kind, c.name, c.b) for c in found.inputs] == [("options", "max_length", 150)]
    assert found.newly_dropped == {"too_long": 1}
    assert (found.newly_cut, found.no_longer_cut) == (1, 0)
    assert found.changed["prompt"] == 1
    assert diff(Path("b"), Path("a")).no_longer_dropped == {"too_long": 1}


def test_another_seed_moves_rows_between_splits_only() -> None:
    found = diff(make("a"), make("b", seed=7))
    assert [change.name for change in found.inputs] == ["seed"]
    assert found.changed["split"] > 0
    assert sum(found.changed.values()) == found.changed["split"]
    assert not found.is_identical


def test_samples_are_the_same_in_every_run() -> None:
    make("a"), make("b", template=with_word(TEMPLATE))
    first = diff(Path("a"), Path("b")).samples
    assert len(first) == 5
    assert first == diff(Path("a"), Path("b")).samples


def test_without_the_tokenizer_numbers_remain(byte_tokenizer: Path) -> None:
    import shutil

    shutil.copytree(byte_tokenizer, "gone")
    make("a", tokenizer="./gone"), make("b", tokenizer="./gone", template=with_word(TEMPLATE))
    shutil.rmtree("gone")
    found = diff(Path("a"), Path("b"))
    assert found.changed["prompt"] == 60
    assert found.samples[0].text is None


def test_a_comparison_as_json_can_be_read_back() -> None:
    found = diff(make("a"), make("b", seed=7))
    read = json.loads(json.dumps(found.to_json()))
    assert read["identical"] is False
    assert read["changed"] == found.changed
    assert read["inputs"] == [{"kind": "options", "name": "seed", "a": 0, "b": 7}]
