"""Which added tokens text must never produce: special ones, and those the chat template writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from sftdata.tokenizing import control_tokens
from sftdata.tokenizing.control_tokens import find_control_tokens
from sftdata.tokenizing.load import load_tokenizer

TURNS = "{% for m in messages %}{{ '<|' + m.role + '|>' }}{{ m.content }}{% endfor %}"
TOOLS = (
    "{% if tools %}<tools>{{ tools | tojson }}{% endif %}{% for m in messages %}{{ m.content }}"
    "{% for call in m.tool_calls or [] %}<call>{{ call.function.arguments | tojson }}{% endfor %}"
    "{% if m.role == 'tool' %}<result>{% endif %}{% endfor %}"
)
REASONING = (
    "{% for m in messages %}{% if m.reasoning_content %}<think>{% endif %}{% endfor %}"
    "{% if add_generation_prompt and enable_thinking is false %}</think>{% endif %}"
)
REFUSES_MOST = "{% if messages[0].role != 'developer' %}{{ raise_exception('no') }}{% endif %}<d>"


def found(
    tokens: Sequence[str], template: str | None, *, text: Sequence[str] = (), special: str = ""
) -> set[str]:
    added = {t: {"id": i, "special": t == special} for i, t in enumerate(tokens)}
    return set(find_control_tokens(added, template, {"eos_token": "<e>"}, text))


@pytest.mark.parametrize(
    ("tokens", "template", "expected"),
    [
        (["<a>", "<|b|>", "[C]"], None, set()),  # nothing is found by how it is written
        (
            ["<a>", "<|user|>", "<|assistant|>"],
            TURNS,
            {"<|user|>", "<|assistant|>"},
        ),  # put together
        (["<a>"], "{# <a> #}{% if false %}<a>{% endif %}x", set()),  # only in the source
        (["<tools>", "<call>", "<result>"], TOOLS, {"<tools>", "<call>", "<result>"}),
        (["function", "type", "name"], TOOLS, set()),  # words of what a user gives
        (["<think>", "</think>"], REASONING, {"<think>", "</think>"}),
        (["\n", "\n\n", "  ", "\t"], "\n\n  \t{{ messages[0].content }}", set()),
        (["<a", "<a>", "a>"], "<a>{{ messages }}", {"<a>"}),  # the longest at each place
        (["<e>"], "{{ eos_token }}", {"<e>"}),
        (["<d>"], REFUSES_MOST, {"<d>"}),  # one probe that is taken is enough
        (["<a>"], "{% if %}<a>", set()),
    ],
)
def test_the_template_decides_by_what_it_writes(
    tokens: list[str], template: str | None, expected: set[str]
) -> None:
    assert found(tokens, template) == expected


def test_special_tokens_are_control_tokens_unless_the_data_means_them() -> None:
    assert found(["<s>", "<x>"], None, special="<s>") == {"<s>"}
    assert found(["<s>", "<x>"], "<x>", special="<s>", text=["<s>", "<x>"]) == set()


def test_the_answer_is_cached_for_this_template_and_these_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert found(["<a>", "<b>"], "<a>") == {"<a>"}
    monkeypatch.setattr(control_tokens, "_probe", lambda *_: {"<b>"})
    assert found(["<a>", "<b>"], "<a>") == {"<a>"}
    assert found(["<a>", "<b>"], "<a>!") == {"<b>"}
    assert found(["<b>"], "<a>") == {"<b>"}


@pytest.mark.real
def test_of_qwen3_the_marks_of_tools_and_reasoning_are_control_tokens(shared: Path) -> None:
    tokenizer = load_tokenizer(str(shared / "tokenizers" / "qwen3"))
    text = [t for t in tokenizer.added_tokens if t not in tokenizer.control_tokens]
    assert text == [
        "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>", "<|repo_name|>",
        "<|file_sep|>",
    ]  # fmt: skip
