"""Control tokens: the added tokens that text must never produce.

A control token is special, or the chat template writes it outside the contents (see `chat.probes`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from sftdata.base.cache import read_facts, write_facts
from sftdata.base.limited_process import LimitError, Limits, run_limited
from sftdata.errors import TokenizerError

_VERSION = 2  # raise it when the probes change: what they find is cached between builds
_LIMITS = Limits(seconds=3, memory=1536 * 2**20)


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
    try:
        answer = run_limited(
            "sftdata.tokenizing.control_tokens:find_in_child", orjson.dumps(inputs), _LIMITS
        )
    except LimitError as error:
        raise TokenizerError(
            "The chat template of the tokenizer does not end, or takes too much memory: short "
            f"conversations must render within {_LIMITS}.",
            "Take the chat template out of the tokenizer's directory, or use another tokenizer.",
            code="E605",
        ) from error
    written: list[str] = orjson.loads(answer)
    return written


def find_in_child(data: bytes) -> bytes:
    """The child of `_probe`."""
    from sftdata.tokenizing.chat.probes import find_written

    return orjson.dumps(sorted(find_written(*orjson.loads(data))))
