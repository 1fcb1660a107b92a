"""The reference, the `tokenizers` library, in a process of its own.

To load a vocabulary of usual size holds Python's lock for a tenth of a second, and there is never
a better moment for it than while this process loads what it needs itself.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Sequence

# Entries of a vocabulary from which it is worth it: one of 50,000 takes the library 0.08 s to load,
# a process takes 0.05 s to start.
LARGE_VOCABULARY = 20_000

_started: list[ReferenceProcess] = []  # ahead, and nobody's yet
_loading: dict[bytes, ReferenceProcess] = {}  # the same, by their tokenizer


def start_ahead() -> None:
    """Starts a process for the first tokenizer, so that Python and its libraries are loaded by
    then. Where it fails, whoever asks for a process is told."""
    with contextlib.suppress(OSError):
        _started.append(ReferenceProcess())


def load_ahead(tokenizer: bytes) -> None:
    """Has a process load a tokenizer for the first who asks for it. See `start_ahead`."""
    with contextlib.suppress(OSError):
        _loading[tokenizer] = _process_with(tokenizer)


def reference_process(tokenizer: bytes) -> ReferenceProcess:
    """A process that loads a tokenizer (a `tokenizer.json`) while the caller goes on.

    Raises `OSError` where none can be started.
    """
    return _loading.pop(tokenizer, None) or _process_with(tokenizer)


def _process_with(tokenizer: bytes) -> ReferenceProcess:
    process = _started.pop() if _started else ReferenceProcess()
    process.load(tokenizer)
    return process


class ReferenceProcess:
    """Raises `OSError` where no process can be started or the process is gone."""

    def __init__(self) -> None:
        with contextlib.ExitStack() as undo:
            # Through a pipe the tokenizer would have to be read while it is written.
            self._file = undo.enter_context(tempfile.TemporaryFile())
            code = (
                f"import sys; sys.path[:] = {sys.path!r}\n"
                f"from sftdata.reference_process import serve; serve({self._file.fileno()})"
            )
            self._process = subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=[self._file.fileno()],
                process_group=0,  # Ctrl-C is for the build; this process ends with it
            )
            weakref.finalize(self, _end, self._process, undo.pop_all())

    def load(self, tokenizer: bytes) -> None:
        """Gives the process its tokenizer, once and before any text."""
        with self._file:
            self._file.write(tokenizer)
        self._send(b"")

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text."""
        self._send(json.dumps(texts).encode())
        answers = self._process.stdout
        assert answers is not None
        ids: list[list[int]] = json.loads(answers.readline() or _gone())
        return ids

    def _send(self, line: bytes) -> None:
        questions = self._process.stdin
        assert questions is not None
        questions.write(line + b"\n")
        questions.flush()


def _gone() -> bytes:
    raise ConnectionResetError("the process of the reference ended")


def _end(process: subprocess.Popen[bytes], files: contextlib.ExitStack) -> None:
    files.close()
    process.kill()
    process.communicate()


def serve(file: int) -> None:
    """The life of the process: an empty line says that the tokenizer is in the file; each line of
    texts after it is answered with a line of ids, until they end."""
    import tokenizers

    if not sys.stdin.buffer.readline():
        return
    with open(file, encoding="utf-8") as stream:
        stream.seek(0)
        tokenizer = tokenizers.Tokenizer.from_str(stream.read())
    for line in sys.stdin.buffer:
        encodings = tokenizer.encode_batch_fast(json.loads(line), add_special_tokens=False)
        sys.stdout.buffer.write(json.dumps([e.ids for e in encodings]).encode() + b"\n")
        sys.stdout.buffer.flush()
