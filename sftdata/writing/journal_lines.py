"""The lines of a journal: JSON behind its digest, so that a torn or damaged line shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import xxhash

FILE = "journal.jsonl"


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The intact lines at the start of a journal; none if there is no file."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        for text in file:
            digest, _, line = text.rstrip(b"\n").partition(b" ")
            if digest != xxhash.xxh3_64_hexdigest(line).encode():  # torn by a kill, or damaged
                return
            if (entry := _parse(line)) is None:
                return
            yield entry


def is_whole_journal(folder: Path, build: str) -> bool:
    """Whether the journal of a build folder is the one that this build finished."""
    path = folder / FILE
    if not path.is_file():
        return False
    before, last = xxhash.xxh3_128(), b""
    with path.open("rb") as file:
        for line in file:
            before.update(last)
            last = line
    digest, _, text = last.rstrip(b"\n").partition(b" ")
    if digest != xxhash.xxh3_64_hexdigest(text).encode():
        return False
    expected = {"build": build, "xxh3": before.hexdigest()}
    return last.endswith(b"\n") and _parse(text) == expected


def _parse(line: bytes) -> dict[str, Any] | None:
    """The object in a line; None if it holds none."""
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return entry if isinstance(entry, dict) else None
