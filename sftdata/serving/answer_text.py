"""The text of an answer."""

from __future__ import annotations

from collections.abc import Sequence

from sftdata.tokenizing.tokenizer import Tokenizer


def answer_text(ids: Sequence[int], tokenizer: Tokenizer) -> str:
    """An answer as text. Control tokens are left out, unless one is inside it: before a call."""
    ids = list(ids)
    control = set(tokenizer.control_tokens.values())
    shown = [token for token in ids if token not in control]
    first, last = (ids.index(shown[0]), len(ids) - ids[::-1].index(shown[-1])) if shown else (0, 0)
    is_parted = any(token in control for token in ids[first:last])
    text = tokenizer.decoder.decode(ids if is_parted else shown, skip_special_tokens=False)
    return str(text).strip()
