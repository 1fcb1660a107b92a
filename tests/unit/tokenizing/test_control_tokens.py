"""Which added tokens text must never produce: special ones, and those the chat template writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from sftdata.base.limited_process import Limits
from sftdata.errors import TokenizerError
from sftdata.tokenizing import control_tokens
from sftdata.tokenizing.control_tokens import find_control_tokens
from sftdata.tokenizing.load import load_tokenizer


def found(
    tokens: Sequence[str], template: str | None, *, text: Sequence[str] = (), special: str = ""
) -> set[str]:
    added = {t: {"id": i, "special": t == special} for i, t in enumerate(tokens)}
    return set(find_control_tokens(added, template, {"eos_token": "<e>"}, text))


def test_special_tokens_are_control_tokens_unless_the_data_means_them() -> None:
    assert found(["<s>", "<x>"], None, special="<s>") == {"<s>"}
    assert found(["<s>", "<x>"], "<x>", special="<s>", text=["<s>", "<x>"]) == set()


def test_the_answer_is_cached_for_this_template_and_these_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert found(["<a>", "<b>"], "<a>") == {"<a>"}
    monkeypatch.setattr(control_tokens, "_probe", lambda _: ["<b>"])
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


def test_a_template_without_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_tokens, "_LIMITS", Limits(1, 1536 * 2**20))
    loop = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    with pytest.raises(TokenizerError, match="does not end, or takes too much memory"):
        found(["<a>"], loop)


def test_white_space_is_no_control_token_though_the_template_writes_it() -> None:
    template = "<a>\n\n  \t{{ messages[0].content }}"
    assert found(["<a>", "\n", "\n\n", "  ", "\t"], template, special="\n") == {"<a>"}
