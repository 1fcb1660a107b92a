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

_ahead: dict[bytes, ReferenceProcess] = {}  # by what they load; started, and nobody's yet


def start_ahead(tokenizer: bytes) -> None:
    """Starts a process for whoever asks for the tokenizer first, so that it is loaded by then.

    Where it fails, whoever asks is told.
    """
    with contextlib.suppress(OSError):
        _ahead[tokenizer] = ReferenceProcess(tokenizer)


def reference_process(tokenizer: bytes) -> ReferenceProcess:
    """A process that loads a tokenizer (a `tokenizer.json`) while the caller goes on.

    Raises `OSError` where none can be started.
    """
    return _ahead.pop(tokenizer, None) or ReferenceProcess(tokenizer)


class ReferenceProcess:
    """Raises `OSError` where no process can be started or the process is gone."""

    def __init__(self, tokenizer: bytes) -> None:
        # Through a pipe the tokenizer would have to be read while it is written.
        with tempfile.TemporaryFile() as file:
            file.write(tokenizer)
            file.flush()
            code = (
                f"import sys; sys.path[:] = {sys.path!r}\n"
                f"from sftdata.tokenizing.reference_process import serve; serve({file.fileno()})"
            )
            self._process = subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=[file.fileno()],
                process_group=0,  # Ctrl-C is for the build; this process ends with it
            )
        weakref.finalize(self, _end, self._process)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text."""
        questions, answers = self._process.stdin, self._process.stdout
        assert questions is not None
        assert answers is not None
        questions.write(json.dumps(texts).encode() + b"\n")
        questions.flush()
        ids: list[list[int]] = json.loads(answers.readline() or _gone())
        return ids


def _gone() -> bytes:
    raise ConnectionResetError("the process of the reference ended")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def serve(file: int) -> None:
    """The life of the process: loads the tokenizer in the file, and answers each line of texts with
    a line of ids, until they end."""
    import tokenizers

    with open(file, encoding="utf-8") as stream:
        stream.seek(0)
        tokenizer = tokenizers.Tokenizer.from_str(stream.read())
    for line in sys.stdin.buffer:
        encodings = tokenizer.encode_batch_fast(json.loads(line), add_special_tokens=False)
        sys.stdout.buffer.write(json.dumps([e.ids for e in encodings]).encode() + b"\n")
        sys.stdout.buffer.flush()
