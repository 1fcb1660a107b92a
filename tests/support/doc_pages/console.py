"""The commands of a console block, and the output that each must print."""

from __future__ import annotations

import re
from dataclasses import dataclass

from support.doc_pages.blocks import Block, PageError

PROMPT = "$ "
HEREDOC = re.compile(r"<<-?\s*(['\"]?)(?P<end>\w+)\1")
EXIT_CODE = re.compile(r"^\[exit code: (?P<code>\d+)\]$")


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a page; `first` and `last` are the output's lines in the file, from 1."""

    text: str
    line: int
    expected: tuple[str, ...] | None  # None: the output is not compared
    exit_code: int
    first: int  # where the output starts, or would start
    last: int  # its last line; `first - 1` where there is none


def read_commands(block: Block) -> list[Command]:
    """The commands in `block`, which must begin with one."""
    lines = list(block.lines)
    commands: list[Command] = []
    number = 0
    while number < len(lines):
        if not lines[number].startswith(PROMPT):
            raise PageError(f"line {block.line + number}: a console block starts with '$ '")
        start = number
        number = end_of_command(lines, start, block.line)
        output = number
        while number < len(lines) and not lines[number].startswith(PROMPT):
            number += 1
        command = "\n".join([lines[start].removeprefix(PROMPT), *lines[start + 1 : output]])
        commands.append(
            with_output(command, block.line + start, lines[output:number], block.line + output)
        )
    return commands


def end_of_command(lines: list[str], start: int, offset: int) -> int:
    """Index of the line after the command in line `start`."""
    number = start
    while number < len(lines):
        line = lines[number]
        if heredoc := HEREDOC.search(line):
            ends = [n for n in range(number, len(lines)) if lines[n].strip() == heredoc["end"]]
            if not ends:
                raise PageError(f"line {offset + number}: no line '{heredoc['end']}' ends this")
            number = ends[0]
        elif line.endswith("\\"):
            number += 1
            continue
        return number + 1
    raise PageError(f"line {offset + number - 1}: the command goes on, but the block ends")


def with_output(text: str, line: int, output: list[str], first: int) -> Command:
    while output and not output[-1].strip():
        output = output[:-1]
    code = 0
    if output and (ended := EXIT_CODE.match(output[-1])):
        code, output = int(ended["code"]), output[:-1]
    return Command(
        text=text,
        line=line,
        expected=tuple(output) if any(row.strip() for row in output) else None,
        exit_code=code,
        first=first,
        last=first + len(output) - 1,
    )
