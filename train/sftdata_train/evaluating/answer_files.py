"""Files of answers: each batch is written as soon as it is ready, so that a kill loses one batch.

A file holds the answers of one model with one decoding. Its first line says which; every further
line is an answer, named by the digest of its prompt's ids, and ends with a digest of its own. The
same evaluation reads it and asks the model only for the rest.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from sftdata.base.cache_folder import ANSWERS, cache_folder
from sftdata.base.escaping import escape
from sftdata.errors import SftdataError

_VERSION = 1
Ids = Sequence[int]
Header = Mapping[str, Any]  # everything that an answer depends on, but its prompt


@dataclass
class AnswerFile:
    """The answers of one model, on disk and by their prompts."""

    path: Path
    header: Header
    _answers: dict[str, list[int]] = field(default_factory=dict)
    _file: BinaryIO | None = None

    @classmethod
    def open(cls, path: Path, header: Header) -> AnswerFile:
        """The file at `path` with the answers it has, or a new one.

        A last line that a kill has cut is removed. Raises `SftdataError` for answers of another
        model or decoding, for a damaged line, and for a file that is not of this kind.
        """
        header = json.loads(json.dumps({"answers": _VERSION, **header}))  # as it is read back
        found = cls(path, header)
        path.parent.mkdir(parents=True, exist_ok=True)
        found._file = path.open("r+b" if path.exists() else "x+b")
        try:
            found._lock()
            size = found._read(found._file.read())
        except BaseException:
            found._file.close()
            raise
        found._file.truncate(size)
        found._file.seek(size)
        if not size:
            found._write([header])
        return found

    def __contains__(self, prompt: Ids) -> bool:
        return digest_prompt(prompt) in self._answers

    def __getitem__(self, prompt: Ids) -> list[int]:
        return self._answers[digest_prompt(prompt)]

    def __enter__(self) -> AnswerFile:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, answers: Sequence[tuple[str, Ids, Ids, str]]) -> None:
        """Write answers: row id, prompt, answer and its text. They are on disk when this returns.

        Raises `OSError` when the disk is full; the file then ends with a whole line or a cut one.
        """
        lines = []
        for row_id, prompt, ids, text in answers:
            digest = digest_prompt(prompt)
            self._answers[digest] = list(ids)
            line = {"row_id": row_id, "prompt": digest, "ids": list(ids), "text": text}
            lines.append(line | {"digest": _digest_line(line)})
        self._write(lines)

    def _lock(self) -> None:
        assert self._file is not None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SftdataError(
                f"Another process writes answers into {escape(str(self.path))}.",
                "Wait for it, or give another folder with --answers.",
                code="E106",
            ) from error

    def _write(self, lines: Sequence[Any]) -> None:
        assert self._file is not None
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        self._file.write(text.encode("utf-8", "surrogatepass"))
        self._file.flush()
        os.fsync(self._file.fileno())

    def _read(self, data: bytes) -> int:
        """Reads the answers in `data`; the bytes of its whole lines."""
        size = data.rfind(b"\n") + 1
        first, *lines = data[:size].splitlines() or [b""]
        if not size:  # nothing, or a first line that a kill has cut
            if data and not data.startswith(b'{"answers": '):
                raise self._foreign()
            return 0
        try:
            written = json.loads(first)
            answers = [json.loads(line) for line in lines]
            self._answers = {line["prompt"]: [int(i) for i in line["ids"]] for line in answers}
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            raise self._foreign() from error
        if not isinstance(written, dict) or "answers" not in written:
            raise self._foreign()
        for number, line in enumerate(answers, 2):
            if line.pop("digest", None) != _digest_line(line):
                raise SftdataError(
                    f"{escape(str(self.path))}:{number}: the line is damaged: it does not agree "
                    "with its digest.",
                    "Remove the line, and the model answers again; or give another folder with "
                    "--answers.",
                    code="E702",
                )
        if written != self.header:
            keys = [key for key in self.header if written.get(key) != self.header[key]]
            raise SftdataError(
                f"{escape(str(self.path))} holds the answers of another evaluation: "
                f"{', '.join(keys) or 'its settings'} differ.",
                "Give another folder with --answers.",
                code="E105",
            )
        return size

    def _foreign(self) -> SftdataError:
        return SftdataError(
            f"{escape(str(self.path))} is no file of answers, so it stays as it is.",
            "Give another folder with --answers.",
            code="E105",
        )


def open_cached(header: Header) -> AnswerFile:
    """The file in the cache, which keeps the answers of an evaluation until it is finished."""
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode()).hexdigest()
    path = cache_folder() / ANSWERS / digest
    try:
        return AnswerFile.open(path, header)
    except SftdataError as error:
        if error.code not in ("E105", "E702"):
            raise
        path.unlink()  # damaged
        return AnswerFile.open(path, header)


def _digest_line(line: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(line, sort_keys=True).encode()).hexdigest()[:16]


def digest_prompt(prompt: Ids) -> str:
    """32 hexadecimal digits for the ids of a prompt."""
    return hashlib.sha256(np.asarray(prompt, "<i4").tobytes()).hexdigest()[:32]
