"""Control tokens: the added tokens that text must never produce.

A control token is special, or the chat template writes it outside the contents (see `chat.probes`).
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from sftdata.base.cache import read_facts, write_facts
from sftdata.errors import TokenizerError

_VERSION = 2  # raise it when the probes change: what they find is cached between builds
_PROGRAM = (
    "from sftdata.tokenizing.control_tokens import print_written; print_written({seconds}, {bytes})"
)
_CPU_SECONDS = 3
_MAX_BYTES = 1536 * 2**20
_SECONDS = 60  # on a busy machine


def find_control_tokens(
    added: Mapping[str, Mapping[str, Any]],
    chat_template: str | None,
    special_texts: Mapping[str, str],
    text_tokens: Sequence[str],
) -> dict[str, int]:
    """The control tokens among the added tokens, with their ids.

    White space is never one, and neither are the tokens in `text_tokens`.
    """
    possible = {text: t for text, t in added.items() if text.strip() and text not in text_tokens}
    open_ = [text for text, token in possible.items() if not token["special"]]
    written = _written(chat_template, special_texts, open_) if chat_template and open_ else set()
    return {t: token["id"] for t, token in possible.items() if token["special"] or t in written}


def _written(template: str, special_texts: Mapping[str, str], candidates: list[str]) -> set[str]:
    """The candidates that the template writes outside the contents. Cached between builds."""
    inputs = orjson.dumps([_VERSION, template, dict(special_texts), candidates])
    key = hashlib.sha256(inputs).hexdigest()
    facts = read_facts("control", key)
    if facts.keys() != {"written"}:
        facts = {"written": _probe([template, dict(special_texts), candidates])}
        write_facts("control", key, facts)
    return set(facts["written"])


def _probe(inputs: list[Any]) -> list[str]:
    """`find_written` in a process with limits: a template may be a bomb.

    A limit is an error and no answer: what text may be must not depend on the machine's load.
    """
    folder = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (folder, os.environ.get("PYTHONPATH"))))
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM.format(seconds=_CPU_SECONDS, bytes=_MAX_BYTES)],
            input=orjson.dumps(inputs),
            capture_output=True,
            env=os.environ | {"PYTHONPATH": path},
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        done = None
    if done is None or done.returncode != 0:
        raise TokenizerError(
            "The chat template of the tokenizer does not end, or takes too much memory: short "
            f"conversations must render within {_CPU_SECONDS} s and {_MAX_BYTES // 2**20:,} MiB.",
            "Take the chat template out of the tokenizer's directory, or use another tokenizer.",
            code="E605",
        )
    written: list[str] = orjson.loads(done.stdout)
    return written


def print_written(seconds: int, max_bytes: int) -> None:
    """Reads the inputs from standard input and prints the answer: the child."""
    try:
        import resource
    except ImportError:  # not on Windows, where only the parent's time limit holds
        pass
    else:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (max_bytes, max_bytes))
    from sftdata.tokenizing.chat.probes import find_written

    found = find_written(*orjson.loads(sys.stdin.buffer.read()))
    sys.stdout.buffer.write(orjson.dumps(sorted(found)))
