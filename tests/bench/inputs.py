"""Input files of several sizes and with changed rows, made from one corpus.

Rows are copied one at a time, so that the measuring process stays small (see measure.py).
"""

from __future__ import annotations

import gzip
import itertools
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def unpack(corpus: Path, folder: Path) -> Path:
    """The corpus as a plain JSONL file."""
    if corpus.suffix != ".gz":
        return corpus
    path = folder / corpus.stem
    with gzip.open(corpus) as packed, path.open("wb") as file:
        shutil.copyfileobj(packed, file)
    return path


@dataclass(frozen=True)
class Inputs:
    """The corpus, and the files made from it in `folder`."""

    corpus: Path  # JSONL with the fields article and summary
    folder: Path

    def repeated(self, times: int) -> Path:
        """`times` copies of the corpus, with other words in each copy, so that no row repeats."""
        if times == 1:
            return self.corpus
        path = self.folder / f"corpus-{times}.jsonl"
        if not path.exists():
            _write(path, (_copy(row, k) for k in range(times) for row in _rows(self.corpus)))
        with path.open("rb") as file:  # into the page cache
            while file.read(1 << 20):
                pass
        return path

    def halves(self) -> tuple[Path, Path]:
        """The even rows and the odd rows."""
        paths = self.folder / "half-a.jsonl", self.folder / "half-b.jsonl"
        for first, path in enumerate(paths):
            _write(path, itertools.islice(_rows(self.corpus), first, None, 2))
        return paths

    def edited(self, data: Path, every: int) -> Path:
        """These rows with a word added to one of each `every` articles, spread evenly."""
        path = self.folder / f"edited-{data.name}"
        _write(path, (_edit(row, at % every == every // 2) for at, row in enumerate(_rows(data))))
        return path

    def edited_together(self, data: Path, every: int) -> Path:
        """These rows with a word added to as many consecutive articles in the middle."""
        path = self.folder / f"edited-together-{data.name}"
        rows = sum(1 for _ in _rows(data))
        some = range(rows // 2, rows // 2 + rows // every)
        _write(path, (_edit(row, at in some) for at, row in enumerate(_rows(data))))
        return path

    def inserted(self, data: Path) -> Path:
        """These rows with a new row before the first."""
        path = self.folder / f"inserted-{data.name}"
        text = "A row that was not there before. It stands in front of all others. " * 20
        row = {"article": text, "summary": "A new row."}
        _write(path, itertools.chain([row], _rows(data)))
        return path


def write_short_rows(path: Path, rows: int) -> None:
    """Prompts and completions of about ten tokens, each row with numbers of its own."""
    with path.open("w", encoding="utf-8") as file:
        for i in range(rows):
            prompt = f"What is {i} plus {i % 97}? Say only the sum."
            row = {"id": f"r{i}", "prompt": prompt, "completion": str(i + i % 97)}
            file.write(json.dumps(row) + "\n")


def write_long_rows(path: Path, size: int) -> None:
    """Prompts of about 40 kB, `size` bytes in all; each row says its number in every sentence."""
    written = number = 0
    with path.open("w", encoding="utf-8") as file:
        while written < size:
            sentence = f"In part {number} of the report the rain fell on the town for a week. "
            row = {"id": f"r{number}", "prompt": sentence * 600, "completion": f"Part {number}."}
            written += file.write(json.dumps(row) + "\n")
            number += 1


def _rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _write(path: Path, rows: Iterator[Row]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _edit(row: Row, wanted: bool) -> Row:
    return row | {"article": f"Corrected {row['article']}"} if wanted else row


def _copy(row: Row, k: int) -> Row:
    if k == 0:
        return row
    article = row["article"].replace(" of ", f" of no. {k} ").replace(" in ", f" in part {k} ")
    changed = row | {"article": article, "summary": f"{row['summary']} ({k})"}
    return changed | {"id": f"{row['id']}-{k}"} if "id" in row else changed
