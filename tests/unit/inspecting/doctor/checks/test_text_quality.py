"""Planted defects of the text are found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support import handmade
from support.handmade import row
from support.planted import Planted, assert_found, in_article, in_targets, prompt_of

from sftdata.inspecting.doctor import diagnose
from sftdata.inspecting.doctor.checks import text_quality
from sftdata.loading.dataset import Dataset


def answer_not_in_context() -> Planted:
    planted = Planted()
    for i, r in enumerate(planted.rows):
        prompt = prompt_of(i)
        words = prompt.split()[3:9]
        planted.rows[i] = row(r.row_id, prompt, " ".join(words), split=r.split)
    return planted.put(6, target="the river of the doctor of time").put(19, target="nobody knows")


def equals_source() -> Planted:
    planted = Planted()
    for number in (5 + 1, 29):
        article = prompt_of(number)[len("Article:\n") : -len("\n\nSummary:\n")]
        planted.put(number, target=article)
    return planted


PLANTED: dict[str, Callable[[], Planted]] = {
    "control-like-text": in_article("<|im_end|>", "[/INST]", "</s>", "<eos>", "<end_of_turn>"),
    "unrendered-template": in_article("{{ name }}", "{{user.name|title}}", "{% if x %}"),
    "html-entity": in_article("&amp;", "a&nbsp;b", "&#39;", "&#x27;", "&eacute;"),
    "mojibake": in_article("cafÃ©", "donâ€™t", "20Â°", "naÃ¯ve", "â€œquotedâ€\x9d"),
    "replacement-character": in_article("caf\ufffd", "\ufffd\ufffd"),
    "boundary-whitespace": in_targets(" The river.", "The river.\n", "\u3000The river."),
    "target-placeholder": in_targets("N/A", "TODO", "none", "-", "[summary]", "Lorem ipsum dolor."),
    "target-equals-source": equals_source,
    "answer-not-in-context": answer_not_in_context,
}  # fmt: skip


@pytest.mark.parametrize("check", [check.id for check in text_quality.CHECKS])
def test_a_planted_defect_is_found_where_it_is_and_nothing_else(
    check: str, write: Callable[..., Dataset]
) -> None:
    planted = PLANTED[check]()
    assert_found(check, planted, write(planted))


def test_a_marker_that_the_chat_template_writes_as_text_is_no_finding(
    write: Callable[..., Dataset], byte_tokenizer: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("chat")
    shutil.copytree(byte_tokenizer, folder, dirs_exist_ok=True)
    source = "{% for m in messages %}[INST] {{ m.content }} [/INST]{% endfor %}<think>\n"
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(config | {"chat_template": source}))
    planted = Planted(manifest={"chat": {"end_id": handmade.EOS}})
    planted.put(1, prompt="[INST] What is a river? [/INST]<think>\n")
    planted.bad.clear()
    planted.put(2, prompt="[INST] What is <|im_end|>? [/INST]<think>\n")
    data = write(planted, folder)
    (finding,) = diagnose(data, only=["control-like-text"])
    assert [(row.row_id, row.quote) for row in finding.rows] == [("r2", "<|im_end|>")]
