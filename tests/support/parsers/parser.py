"""A parser to try: whole documents, and a function that reads one."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sftdata.errors import SftdataError
from support.mutated import to_toml


def encode_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def encode_toml(value: Any) -> bytes:
    return to_toml(value).encode()


def encode_line(value: Any) -> bytes:
    return encode_json(value) + b"\n"


@dataclass(frozen=True, repr=False)
class Parser:
    """A kind of document. `read` reads the bytes of one, or raises `SftdataError`."""

    read: Callable[[bytes], None]
    documents: Sequence[Any] = ()  # whole ones, as JSON values
    encode: Callable[[Any], bytes] = encode_json
    files: Sequence[bytes] = ()  # whole ones that JSON does not hold

    @property
    def seeds(self) -> list[bytes]:
        """Whole documents."""
        return [*map(self.encode, self.documents), *self.files]

    @property
    def has_null(self) -> bool:
        """Whether such a document can hold nulls."""
        return self.encode is not encode_toml


def read_or_refuse(parser: Parser, data: bytes) -> None:
    """Reads the bytes, which may be refused by an error of ours, with its code and a message."""
    try:
        parser.read(data)
    except SftdataError as error:
        if not (error.code and str(error)):
            raise AssertionError("an error without a code or a message") from error
