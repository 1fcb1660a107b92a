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
    return (entry for _, entry in read_placed_lines(path))


def read_placed_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """`read_lines`, each with the place of its first byte in the file."""
    if not path.is_file():
        return
    place = 0
    with path.open("rb") as file:
        for text in file:
            if (entry := _read(text)) is None:
                return
            yield place, entry
            place += len(text)


def read_line(path: Path, place: int) -> dict[str, Any]:
    """The line at a place of `read_placed_lines`. Raises `OSError` if it is no longer there."""
    with path.open("rb") as file:
        file.seek(place)
        if (entry := _read(file.readline())) is None:
            raise OSError(f"{path} was changed while it was read")
    return entry


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


def _read(text: bytes) -> dict[str, Any] | None:
    """The object in a line with its digest; None if it was torn by a kill, or is damaged."""
    digest, _, line = text.rstrip(b"\n").partition(b" ")
    return _parse(line) if digest == xxhash.xxh3_64_hexdigest(line).encode() else None


def _parse(line: bytes) -> dict[str, Any] | None:
    """The object in a line; None if it holds none."""
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return entry if isinstance(entry, dict) else None
