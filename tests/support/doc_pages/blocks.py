"""The fenced blocks of a Markdown page, in order."""

from __future__ import annotations

import re
from dataclasses import dataclass

FENCE = re.compile(r"^(?P<indent>[ ]*)(?P<marks>`{3,}|~{3,})[ ]*(?P<info>.*)$")
TITLE = re.compile(r'\btitle="(?P<title>[^"]*)"')
NOT_RUN = re.compile(r"^\s*<!--\s*not run:(?P<reason>.*?)-->\s*$")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block; `line` is the number of its first line of text, from 1."""

    language: str
    title: str | None
    lines: tuple[str, ...]  # without the indent of the fence
    line: int
    indent: str
    not_run: str | None  # the reason of the comment above the block

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)

    @property
    def opening(self) -> int:
        """The number of the line with the fence."""
        return self.line - 1


class PageError(Exception):
    """A page breaks a rule for writers."""


def find_blocks(page: str) -> list[Block]:
    """The fenced blocks of the text `page`; also those in lists, tabs and admonitions."""
    lines = page.splitlines()
    found: list[Block] = []
    comments: dict[int, str] = {}
    number = 0
    while number < len(lines):
        if comment := NOT_RUN.match(lines[number]):
            comments[number] = comment["reason"].strip()
        elif opened := FENCE.match(lines[number]):
            end = closing_fence(lines, number, opened["marks"])
            found.append(block_between(lines, number, end, opened, comments.pop(number - 1, None)))
            number = end
        number += 1
    if comments:
        raise PageError(f"line {min(comments) + 1}: no block follows 'not run' in the next line")
    return found


def closing_fence(lines: list[str], start: int, marks: str) -> int:
    """Index of the line that closes the fence in line `start`."""
    for number in range(start + 1, len(lines)):
        text = lines[number].strip()
        if text.startswith(marks) and set(text) == {marks[0]}:
            return number
    raise PageError(f"line {start + 1}: this block is not closed")


def block_between(
    lines: list[str], start: int, end: int, opened: re.Match[str], not_run: str | None
) -> Block:
    indent, info = opened["indent"], opened["info"].strip()
    for number in range(start + 1, end):
        if lines[number].strip() and not lines[number].startswith(indent):
            raise PageError(f"line {number + 1}: indented less than the fence of its block")
    title = TITLE.search(info)
    return Block(
        language=re.split(r"[\s{]", info, maxsplit=1)[0],
        title=title["title"] if title else None,
        lines=tuple(line[len(indent) :] for line in lines[start + 1 : end]),
        line=start + 2,
        indent=indent,
        not_run=not_run,
    )
