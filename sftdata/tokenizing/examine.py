"""Look at a tokenizer in a process with limits, before this process loads it.

A tokenizer's files come from strangers. What they say is found, both libraries load them, and probe
texts are encoded, in a process that may die of it. Other processes load the file only after that.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from sftdata.base.limited_process import LimitError, Limits, run_limited
from sftdata.errors import SftdataError, TokenizerError
from sftdata.tokenizing.added_tokens import declared_tokens
from sftdata.tokenizing.facts import find_facts
from sftdata.tokenizing.files import parse_json
from sftdata.tokenizing.probes import probe_tokenizer
from sftdata.tokenizing.structure import not_a_tokenizer

_HINT = "Use the tokenizer of a source that you trust."
# The largest tokenizers, of 35 MB, take 4 s and 0.8 GiB on a slow machine.
_SECONDS, _BYTES_IN_A_SECOND = 10, 1024 * 1024
_MEMORY, _GROWTH = 1536 * 1024 * 1024, 32
_CONVERTING = Limits(seconds=120, memory=4 * 1024**3)  # SentencePiece models, by transformers


def examine_tokenizer(
    path: Path,
    content: bytes,
    config: Mapping[str, Any],
    added: Mapping[str, Any],
    ends: Sequence[int],
) -> dict[str, Any]:
    """The facts of the `tokenizer.json` in `content` (see `facts.FACTS`), found under limits.

    Raises `TokenizerError` for one that reaches a limit, ends the process, cannot be used, or gives
    other ids for the same text from time to time.
    """
    head = orjson.dumps([str(path), config, added, ends])
    limits = Limits(_SECONDS + len(content) // _BYTES_IN_A_SECOND, _MEMORY + _GROWTH * len(content))
    answer = _run("examine:find_in_child", path, head + b"\n" + content, limits)
    facts: dict[str, Any] = orjson.loads(answer)
    return facts


def convert_under_limits(directory: Path) -> bytes:
    """The `tokenizer.json` that the older files in `directory` convert to, found under limits."""
    return _run("convert:convert_in_child", directory, os.fsencode(directory), _CONVERTING)


def _run(function: str, place: Path, data: bytes, limits: Limits) -> bytes:
    try:
        return run_limited(f"sftdata.tokenizing.{function}", data, limits)
    except LimitError as error:
        raise TokenizerError(
            f"{place}: the tokenizer cannot be loaded: {error}. It may take {limits}.", _HINT
        ) from error
    except SftdataError as error:
        raise TokenizerError(str(error), code=error.code) from error


def find_in_child(data: bytes) -> bytes:
    """The child of `examine_tokenizer`."""
    head, _, content = data.partition(b"\n")
    place, config, added, ends = orjson.loads(head)
    path = Path(place)
    spec = parse_json(path, content)
    facts = find_checked_facts(path, spec, config, added, ends)
    answer = orjson.dumps(facts)
    if facts["completed"] is not None:
        spec = {**spec, "added_tokens": facts["completed"]}
    probe_tokenizer(path, spec, facts)
    return answer


def find_checked_facts(
    path: Path,
    spec: Mapping[str, Any],
    config: Mapping[str, Any],
    added: Mapping[str, Any],
    ends: Sequence[int],
) -> dict[str, Any]:
    """`find_facts`, with a `TokenizerError` for files with parts that no library writes."""
    try:
        return find_facts(path.parent, spec, config, declared_tokens(config, added), ends)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise not_a_tokenizer(path, error) from error
