"""Which commands a console block has, and what each must print."""

from __future__ import annotations

import pytest
from support.doc_pages.blocks import PageError, find_blocks
from support.doc_pages.console import Command, read_commands


def commands_of(text: str) -> list[Command]:
    return read_commands(find_blocks(f"```console\n{text}```\n")[0])


def test_the_lines_below_a_command_are_its_output() -> None:
    first, second = commands_of("$ ls\na\n\nb\n\n$ pwd\n")
    assert (first.text, first.expected, first.line) == ("ls", ("a", "", "b"), 2)
    assert (first.first, first.last) == (3, 5)
    assert (second.text, second.expected, second.line) == ("pwd", None, 7)


def test_a_command_goes_on_after_a_backslash_and_in_a_heredoc() -> None:
    first, second = commands_of("$ ls \\\n    -l\ntotal 0\n$ cat > a <<'END'\n$ x\nEND\nout\n")
    assert (first.text, first.expected) == ("ls \\\n    -l", ("total 0",))
    assert (second.text, second.expected) == ("cat > a <<'END'\n$ x\nEND", ("out",))


def test_the_last_line_may_be_the_exit_code() -> None:
    first, second = commands_of("$ false\n[exit code: 1]\n$ grep x\nno x\n[exit code: 2]\n")
    assert (first.exit_code, first.expected) == (1, None)
    assert (second.exit_code, second.expected) == (2, ("no x",))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("ls\n", "line 2: a console block starts with"),
        ("$ ls \\\n", "line 2: the command goes on, but the block ends"),
        ("$ cat <<END\nx\n", "line 2: no line 'END' ends this"),
    ],
)
def test_a_block_without_whole_commands_is_an_error(text: str, fault: str) -> None:
    with pytest.raises(PageError, match=fault):
        commands_of(text)
