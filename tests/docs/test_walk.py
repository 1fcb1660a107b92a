"""Pages that are right, and pages that are wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.doc_pages.blocks import PageError

from .conftest import WalkThrough


def console(*lines: str) -> str:
    return "\n".join(["```console", *lines, "```", ""])


def test_a_page_is_run_in_order_in_one_shell(walk_through: WalkThrough, tmp_path: Path) -> None:
    page = (
        console("$ mkdir -p a/b && cd a", "$ name=x") + '```json title="b/c.json"\n{"d": 1}\n```\n'
    )
    page += console("$ cat b/c.json; echo $name", '{"d": 1}', "x")
    assert walk_through(page) == []
    assert (tmp_path / "page" / "a" / "b" / "c.json").is_file()


def test_a_wrong_output_is_found_with_its_line_and_both_texts(walk_through: WalkThrough) -> None:
    (found,) = walk_through("Words.\n\n" + console("$ echo one", "two", "$ echo three", "three"))
    assert (found.line, found.what) == (4, "$ echo one")
    assert "-two" in found.how
    assert "+one" in found.how


def test_both_streams_are_compared_in_the_order_of_a_terminal(walk_through: WalkThrough) -> None:
    command = "$ python -c 'import sys; print(1); print(2, file=sys.stderr); print(3)'"
    assert walk_through(console(command, "1", "2", "3")) == []


def test_a_failure_must_be_announced_and_ends_the_walk(walk_through: WalkThrough) -> None:
    (found,) = walk_through(console("$ echo no; false", "no", "$ echo x", "y"))
    assert "exit code 1, the page says 0" in found.how
    assert "no" in found.how


def test_an_announced_failure_must_happen(walk_through: WalkThrough) -> None:
    assert walk_through(console("$ false", "[exit code: 1]")) == []
    assert (
        "exit code 0, the page says 1" in walk_through(console("$ true", "[exit code: 1]"))[0].how
    )


def test_a_shell_that_ends_fails(walk_through: WalkThrough) -> None:
    assert "exit code 1" in walk_through(console("$ exit 0"))[0].how


def test_a_command_cannot_read_what_comes_after_it(walk_through: WalkThrough) -> None:
    assert walk_through(console("$ cat", "$ echo x", "x")) == []


def test_python_has_one_namespace_in_the_folder_of_the_shell(walk_through: WalkThrough) -> None:
    page = console("$ mkdir a && cd a && touch b") + "```python\nimport os\nx = 1\n```\n"
    page += "```python\nprint(x, os.listdir())\n```\n```text\n1 ['b']\n```\n"
    assert walk_through(page) == []


def test_python_that_raises_fails_with_the_line_of_the_page(walk_through: WalkThrough) -> None:
    (found,) = walk_through("Words.\n\n```python\nx = 1\n1 / 0\n```\n")
    assert 'File "page.md", line 5' in found.how
    assert "ZeroDivisionError" in found.how


def test_python_that_prints_must_show_it(walk_through: WalkThrough) -> None:
    assert "no text block" in walk_through("```python\nprint(1)\n```\n")[0].how
    assert "+1" in walk_through("```python\nprint(1)\n```\n```text\n2\n```\n")[0].how


def test_nothing_of_the_tests_reaches_a_page(
    walk_through: WalkThrough, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SFTDATA_SECRET", "x")
    assert walk_through(console('$ echo "[$SFTDATA_SECRET]" $PWD', "[] /home/you/project")) == []


def test_a_command_left_in_the_background_ends_with_the_page(
    walk_through: WalkThrough, tmp_path: Path
) -> None:
    # The write end of the FIFO is open as long as the command lives.
    os.mkfifo(fifo := tmp_path / "fifo")
    with os.fdopen(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)) as reader:
        assert walk_through(console(f"$ sleep 600 > {fifo} & echo started", "started")) == []
        os.set_blocking(reader.fileno(), True)
        assert reader.read() == ""


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        ("```sh\nls\n```\n", "line 1: call the block 'console'"),
        ("```Console\n$ ls\n```\n", "line 1: call the block 'console'"),
        ("```\n$ ls\n```\n", "line 1: call the block 'console'"),
        ("```toml\na = \n```\n", "line 2: not toml"),
        ("```json\n{a}\n```\n", "line 2: not json"),
        ("```yaml\na: [\n```\n", "line 2: not yaml"),
        ('```json title="../x.json"\n{}\n```\n', "'../x.json' is no path"),
        ('```json title="An excerpt"\n{}\n```\n', "'An excerpt' is no path"),
        ("<!-- not run: later -->\n```console\n$ ls\n```\n", "line 1: 'not run: later' is none of"),
    ],
)
def test_a_page_that_breaks_a_rule_is_an_error(
    walk_through: WalkThrough, page: str, fault: str
) -> None:
    with pytest.raises(PageError, match=fault):
        walk_through(page)
