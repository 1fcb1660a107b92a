"""Walks through a page: writes its files, runs its commands and Python, compares the outputs."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import yaml

from support.doc_pages.blocks import Block, PageError, find_blocks
from support.doc_pages.comparison import lasting_lines, same_output, show_difference
from support.doc_pages.console import Command, read_commands
from support.doc_pages.not_run import fault_of_reason, is_left_out
from support.doc_pages.session import Session
from support.doc_pages.surroundings import Surroundings

# Blocks that are shown, but neither run nor written. A block that is run is called `console` or
# `python`, so no command can hide behind another name.
SHOWN = {"", "text", "json", "jsonl", "toml", "yaml", "csv", "jinja", "diff", "js", "html", "xml"}


@dataclass(frozen=True, slots=True)
class Output:
    """An output that a page shows: lines `first` to `last` of the page, from 1."""

    first: int
    last: int
    indent: str
    expected: tuple[str, ...]
    printed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A place where something else happens than the page says."""

    line: int
    what: str  # the command or the block
    how: str
    output: Output | None = None  # where the page can be corrected by the printed lines


@dataclass
class Walk:
    """One way through a page, in order; `mismatches` grows."""

    page: str
    session: Session
    around: Surroundings
    mismatches: list[Mismatch] = field(default_factory=list)

    def take(self, block: Block, following: Block | None) -> bool:
        """Do what `block` says; false if the rest of the page has nothing to rest on."""
        if block.not_run is not None and (fault := fault_of_reason(block)):
            raise PageError(f"line {block.opening - 1}: {fault}")
        if is_left_out(block):
            return True
        if block.language == "console":
            return all(self.run_command(command, block) for command in read_commands(block))
        if block.title is not None:
            self.write_file(block)
        elif block.language == "python":
            return self.run_python(block, following)
        elif block.language not in SHOWN or any(line.startswith("$ ") for line in block.lines):
            raise PageError(
                f"line {block.opening}: call the block 'console' (with '$ ' before commands) or "
                "'python', or write '<!-- not run: REASON -->' above it"
            )
        else:
            check_syntax(block)
        return True

    def run_command(self, command: Command, block: Block) -> bool:
        """Run one command of a console block; false if its exit code is not the page's."""
        outcome = self.session.run_command(command.text)
        printed = tuple(map(self.around.renamed, outcome.printed))
        if outcome.exit_code != command.exit_code:
            how = f"exit code {outcome.exit_code}, the page says {command.exit_code}; printed:"
            how = "\n".join([how, *printed[-40:]])
            self.mismatches.append(Mismatch(command.line, f"$ {command.text}", how))
            return False
        if command.expected is not None:
            output = Output(command.first, command.last, block.indent, command.expected, printed)
            self.compare(command.line, f"$ {command.text}", output)
        return True

    def run_python(self, block: Block, following: Block | None) -> bool:
        """Run a Python block; false if it raises."""
        outcome = self.session.run_python(block.text, self.page, block.line)
        printed = tuple(map(self.around.renamed, outcome.printed))
        if outcome.exit_code:
            self.mismatches.append(Mismatch(block.line, block.text, "\n".join(printed)))
            return False
        if following and following.language == "text" and not following.title:
            last = following.line + len(following.lines) - 1
            self.compare(
                following.line,
                block.text,
                Output(following.line, last, following.indent, following.lines, printed),
            )
        elif lasting_lines(printed):
            how = "\n".join(["the page has no text block with this output below:", *printed])
            self.mismatches.append(Mismatch(block.line, block.text, how))
        return True

    def compare(self, line: int, what: str, output: Output) -> None:
        if not same_output(output.expected, output.printed):
            how = show_difference(output.expected, output.printed)
            self.mismatches.append(Mismatch(line, what, how, output))

    def write_file(self, block: Block) -> None:
        """Write a block with a title, below the folder that the shell is in."""
        path = PurePosixPath(block.title or "")
        if path.is_absolute() or ".." in path.parts or " " in str(path) or not path.parts:
            raise PageError(f"line {block.opening}: the title '{path}' is no path of a file here")
        file = self.session.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text, encoding="utf-8")


PARSERS: dict[str, Callable[[str], Any]] = {
    "json": json.loads,
    "toml": tomllib.loads,
    "yaml": lambda text: list(yaml.safe_load_all(text)),
    "jsonl": lambda text: [json.loads(line) for line in text.splitlines()],
}


def check_syntax(block: Block) -> None:
    """Raise `PageError` where a block that is only shown is not what its fence says."""
    try:
        PARSERS.get(block.language, str)(block.text)
    except (ValueError, yaml.YAMLError) as error:
        raise PageError(f"line {block.line}: not {block.language}: {error}") from None


def walk(page: str, text: str, around: Surroundings) -> list[Mismatch]:
    """Where the text of `page` differs from what happens in `around`.

    Ends at the first block that fails, because the next ones rest on it.
    """
    blocks = find_blocks(text)
    around.make()
    with Session(around.folder, around.env, around.logs, around.python) as session:
        way = Walk(page, session, around)
        for number, block in enumerate(blocks):
            following = blocks[number + 1] if number + 1 < len(blocks) else None
            if not way.take(block, following):
                break
        return way.mismatches


def report(page: str, mismatches: list[Mismatch]) -> str:
    """The mismatches for people: place, command, difference."""
    return "\n\n".join(f"{page}:{found.line}\n{found.what}\n{found.how}" for found in mismatches)
