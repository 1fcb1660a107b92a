"""Decode columns of token ids to text.

In most tokenizers of today a token always has the same bytes. Then decoding is a lookup in a table
of bytes, a column at a time. Other tokenizers are decoded by the `tokenizers` library. Both ways
give the text of that library with `skip_special_tokens=False`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from tokenizers.pre_tokenizers import ByteLevel

from sftdata.base.arrow import numbers, texts
from sftdata.tokenizing.tokenizer import Tokenizer

_BYTE_LEVEL, _SENTENCEPIECE, _OTHER = "byte-level", "sentencepiece", "other"
_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_WORD_START = "\u2581"  # how SentencePiece writes a space


@dataclass(frozen=True, slots=True)
class TokenTable:
    """Properties of each token of a vocabulary; every array is [vocab_size]."""

    bytes: npt.NDArray[np.int64]
    chars: npt.NDArray[np.int64]  # a character of several tokens counts for the first of them
    is_part: npt.NDArray[np.bool_]  # a byte-fallback token, or one that is not whole characters


class Decoder:
    """Text of token ids, for one tokenizer."""

    def __init__(self, tokenizer: Tokenizer, *, show_control: bool = True) -> None:
        """With `show_control=False` control tokens have no text, so all text is content."""
        self._tokenizer = tokenizer
        control = () if show_control else tokenizer.control_tokens.values()
        self._hidden = np.fromiter(control, np.int32)
        self._kind, self._strips = _kind(tokenizer.spec.get("decoder"))

    @property
    def has_table(self) -> bool:
        """Whether a token always has the same bytes, so that columns are decoded at once."""
        return self._kind != _OTHER

    def decode(
        self, ids: npt.NDArray[np.int32], offsets: npt.NDArray[Any], *, continues: bool = False
    ) -> pa.LargeStringArray:
        """The text of each row; row i has `ids[offsets[i]:offsets[i + 1]]`.

        `ids`: int32[tokens]; `offsets`: int[rows + 1], in tokens. With `continues` the rows are
        continuations, such as targets, and keep the space that some decoders remove at the start.
        Ids outside the vocabulary have no text; bytes that are not UTF-8 give U+FFFD.
        """
        if self._kind == _OTHER:
            rows = np.arange(len(offsets) - 1)
            return texts(self._by_library(ids, offsets, rows, continues))
        column = self._join(ids[offsets[0] : offsets[-1]], offsets - offsets[0])
        if self._strips and not continues:
            column = _without_first_space(column)
        try:
            return column.cast(pa.large_string())
        except pa.ArrowInvalid:  # no build makes such rows: a target starts between characters
            return texts(self._with_replacements(column, ids, offsets, continues))

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes of a token in the middle of a text; empty for an unknown id."""
        if not 0 <= token_id < self._tokenizer.vocab_size:
            return b""
        return bytes(self._table[token_id].as_py())

    @cached_property
    def token_table(self) -> TokenTable:
        """Properties of each token that depend on no text."""
        offsets = _offsets(self._table)[:-1]
        data = np.frombuffer(self._table.buffers()[2], np.uint8)
        starts = np.concatenate(([0], np.cumsum((data & 0xC0) != 0x80)))
        entries = self._table.to_pylist()[:-1]
        is_part = np.array([not _is_utf8(entry) for entry in entries], np.bool_)
        is_part[list(self._byte_tokens)] = True
        return TokenTable(bytes=np.diff(offsets), chars=np.diff(starts[offsets]), is_part=is_part)

    @property
    def _byte_tokens(self) -> Iterable[int]:
        if self._kind != _BYTE_LEVEL:
            for token, token_id in vocabulary(self._tokenizer.spec):
                if _BYTE_TOKEN.fullmatch(token):
                    yield token_id

    @cached_property
    def _table(self) -> pa.LargeBinaryArray:
        """The bytes of each token by id; the last entry is empty and for every other id."""
        to_bytes = {_BYTE_LEVEL: _byte_level, _SENTENCEPIECE: _sentencepiece}.get(
            self._kind, str.encode
        )
        entries = [b""] * (self._tokenizer.vocab_size + 1)
        for token, token_id in vocabulary(self._tokenizer.spec):
            entries[token_id] = to_bytes(token)
        for token_id in self._hidden.tolist():
            entries[token_id] = b""
        offsets = np.zeros(len(entries) + 1, np.int64)
        np.cumsum([len(entry) for entry in entries], out=offsets[1:])
        return _binary(offsets, pa.py_buffer(b"".join(entries)))

    def _join(self, ids: npt.NDArray[np.int32], offsets: npt.NDArray[Any]) -> pa.LargeBinaryArray:
        """The bytes of each row: those of its tokens, one after another."""
        # As an unsigned number a negative id is large, so one comparison finds both kinds.
        place = np.minimum(ids.view(np.uint32), np.uint32(self._tokenizer.vocab_size))
        tokens = self._table.take(numbers(place))
        data = tokens.buffers()[2]
        return _binary(_offsets(tokens)[offsets], data if data is not None else pa.py_buffer(b""))

    def _with_replacements(
        self,
        column: pa.LargeBinaryArray,
        ids: npt.NDArray[np.int32],
        offsets: npt.NDArray[Any],
        continues: bool,
    ) -> list[str]:
        """The texts of rows, with U+FFFD for bytes that are not UTF-8."""
        rows: list[bytes] = column.to_pylist()
        if self._kind == _BYTE_LEVEL:
            return [row.decode("utf-8", "replace") for row in rows]
        broken = np.flatnonzero([not _is_utf8(row) for row in rows])
        known = iter(self._by_library(ids, offsets, broken, continues))
        return [row.decode("utf-8") if _is_utf8(row) else next(known) for row in rows]

    def _by_library(
        self,
        ids: npt.NDArray[np.int32],
        offsets: npt.NDArray[Any],
        rows: npt.NDArray[np.int64],
        continues: bool,
    ) -> list[str]:
        library, eos = self._tokenizer.decoder, self._tokenizer.eos_id
        head = str(library.decode([eos], skip_special_tokens=False))
        decoded = []
        for row in rows:
            part = ids[offsets[row] : offsets[row + 1]]
            part = part[(part >= 0) & ~np.isin(part, self._hidden)].tolist()
            if continues:
                whole = str(library.decode([eos, *part], skip_special_tokens=False))
                decoded.append(whole[len(head) :])
            else:
                decoded.append(str(library.decode(part, skip_special_tokens=False)))
        return decoded


def _kind(decoder: Mapping[str, Any] | None) -> tuple[str, bool]:
    """The kind of a decoder, and whether it removes a space at the start of a text."""
    stages = [] if decoder is None else decoder.get("decoders", [decoder])
    names = [stage["type"] for stage in stages]
    if names == ["ByteLevel"]:
        return _BYTE_LEVEL, False
    if names[:3] != ["Replace", "ByteFallback", "Fuse"]:
        return _OTHER, False
    words = stages[0]["pattern"] == {"String": _WORD_START} and stages[0]["content"] == " "
    ends = [stage for stage in stages[3:] if (stage.get("start"), stage.get("stop")) != (0, 0)]
    strip = {"type": "Strip", "content": " ", "start": 1, "stop": 0}
    if words and ends in ([], [strip]):
        return _SENTENCEPIECE, bool(ends)
    return _OTHER, False


def vocabulary(spec: Mapping[str, Any]) -> Iterable[tuple[str, int]]:
    """Every token with its id. Added tokens come last: they override the vocabulary."""
    vocab = spec["model"]["vocab"]
    if isinstance(vocab, dict):
        yield from vocab.items()
    else:
        yield from ((piece, i) for i, (piece, _) in enumerate(vocab))  # Unigram: with scores
    for token in spec.get("added_tokens") or ():
        yield token["content"], token["id"]


def _byte_level_alphabet() -> dict[int, str]:
    """Translates each character of a byte-level token to the one with its byte as code point.

    The 188 visible bytes are themselves; the others are written as characters from U+0100 on.
    """
    alphabet = sorted(ByteLevel.alphabet())
    visible = [char for char in alphabet if ord(char) < 256]
    hidden = [byte for byte in range(256) if chr(byte) not in visible]
    others = [char for char in alphabet if ord(char) >= 256]
    # A token with a hidden byte as a character is an added one, written as plain text.
    not_in_alphabet = dict.fromkeys(hidden, "\uffff")
    return not_in_alphabet | {ord(c): chr(b) for c, b in zip(others, hidden, strict=True)}


_ALPHABET = _byte_level_alphabet()


def _byte_level(token: str) -> bytes:
    try:
        return token.translate(_ALPHABET).encode("latin-1")
    except UnicodeEncodeError:  # an added token, written as plain text
        return token.encode()


def _sentencepiece(token: str) -> bytes:
    byte = _BYTE_TOKEN.fullmatch(token)
    return bytes([int(byte[1], 16)]) if byte else token.replace(_WORD_START, " ").encode()


def _without_first_space(column: pa.LargeBinaryArray) -> pa.LargeBinaryArray:
    """The rows without their first byte, where that is a space."""
    offsets = _offsets(column)
    data = column.buffers()[2]
    first = np.append(np.frombuffer(data, np.uint8), 0)[offsets[:-1]]
    spaces = (first == ord(" ")) & (np.diff(offsets) > 0)
    if not spaces.any():
        return column
    # Cut each row after its space: every second piece is the rest of a row.
    cuts = np.empty(2 * len(column) + 1, np.int64)
    cuts[::2], cuts[1::2] = offsets, offsets[:-1] + spaces
    return _binary(cuts, data).take(numbers(np.arange(1, len(cuts), 2)))


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _binary(offsets: npt.NDArray[np.int64], data: pa.Buffer) -> pa.LargeBinaryArray:
    return pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), data]
    )


def _offsets(column: pa.LargeBinaryArray) -> npt.NDArray[np.int64]:
    """int64[rows + 1]: where the bytes of each row start; `column` is not a slice."""
    return np.frombuffer(column.buffers()[1], np.int64)[: len(column) + 1]
