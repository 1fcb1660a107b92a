"""JSON files that hold their own digest, so that a changed byte is seen before they are parsed.

The last key, `own_sha256`, is the sha256 of the file with zeros in place of its 64 digits.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from sftdata.base.nesting import TOO_DEEP, check_depth

KEY = "own_sha256"
FILES = "files"  # digests of files beside it; always written together with `own_sha256`
_ZEROS = "0" * 64
_END = re.compile(rb'"own_sha256": "([0-9a-f]{64})"\n}\n\Z')


class ChangedError(ValueError):
    """A file whose content does not have the digest that was written into it."""


def to_json(content: Mapping[str, Any]) -> bytes:
    """UTF-8 JSON, indented, with a newline at the end."""
    return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode()


def seal(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content with its digest as the last key; `to_json` gives the bytes of the file."""
    unsealed = {key: value for key, value in content.items() if key != KEY} | {KEY: _ZEROS}
    return unsealed | {KEY: hashlib.sha256(to_json(unsealed)).hexdigest()}


def parse(data: bytes) -> dict[str, Any]:
    """The content of a file, which may be of a version that wrote no digest.

    Raises `ChangedError` when its digest differs, `ValueError` when it holds no JSON object.
    """
    end = _END.search(data)
    if end is not None:
        first, last = end.span(1)
        unsealed = data[:first] + _ZEROS.encode() + data[last:]
        if hashlib.sha256(unsealed).hexdigest().encode() != end[1]:
            raise ChangedError("it is not as it was written (its digest differs)")
    try:
        content = json.loads(data)
        check_depth(content)
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error
    if not isinstance(content, dict):
        raise ValueError("it is no JSON object")
    if end is None and (KEY in content or FILES in content):
        raise ChangedError("it is not as it was written (its digest is damaged)")
    return content
