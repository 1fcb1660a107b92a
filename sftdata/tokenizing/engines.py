"""Engines turn a column of text into token ids.

`tokenizers` is the reference. gigatoken is about a hundred times faster, and is used where it
passes the exactness check (see `exactness`).
"""

from __future__ import annotations

import re
import sys
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import tokenizers

from sftdata.base import arrow as columns
from sftdata.tokenizing.encoded import EncodedTexts
from sftdata.tokenizing.plain_text import PlainTokenizer
from sftdata.tokenizing.structure import library_faults

_RENEW_AFTER_BYTES = 192 * 1024 * 1024

# The library's own threads keep 50 kB for each tokenizer that has ever encoded in them. The thread
# of a build ends with it, so encode little text there: a program may build a thousand times.
_IN_THIS_THREAD_BYTES = 16 * 1024

_SMALL_MATRIX = 256 * 1024  # cells; up to here padding costs less than another matrix


class Engine(Protocol):
    """Encodes text as plain text, with no token added before or after it."""

    name: str

    def encode(self, texts: pa.LargeStringArray) -> EncodedTexts:
        """Token ids of each text."""
        ...


class ReferenceEngine:
    """The `tokenizers` library."""

    name = "tokenizers"

    def __init__(self, plain: PlainTokenizer) -> None:
        with library_faults(
            "The tokenizers library cannot load the tokenizer",
            "Copy its tokenizer.json again from where the tokenizer came from.",
        ):
            self._tokenizer = tokenizers.Tokenizer.from_str(plain.content.decode())

    def encode(self, texts: pa.LargeStringArray) -> EncodedTexts:
        """Token ids of each text."""
        with library_faults(
            "The tokenizers library cannot encode a text",
            "Look whether the unknown token that tokenizer.json names is in its vocabulary, and "
            "whether its patterns come to an end.",
        ):
            if texts.nbytes <= _IN_THIS_THREAD_BYTES:
                encodings = [
                    self._tokenizer.encode(text, add_special_tokens=False)
                    for text in texts.to_pylist()
                ]
            else:
                encodings = self._tokenizer.encode_batch_fast(
                    texts.to_pylist(), add_special_tokens=False
                )
        return EncodedTexts.from_lists([encoding.ids for encoding in encodings])


class GigatokenEngine:
    """The gigatoken library. Raises `ValueError` or `RuntimeError` when it cannot load a tokenizer.

    Its word cache grows with the text that it has seen, so after some text it is loaded anew.
    """

    name = "gigatoken"

    def __init__(self, plain: PlainTokenizer) -> None:
        self._normalizer = _Normalizer(plain.added_texts) if plain.needs_nfc else None
        self._splits_digits = plain.splits_digits
        self._content = plain.fast_content
        self._tokenizer = self._load()
        self._seen_bytes = 0
        self._users = 0  # threads that encode with it
        self._changes = threading.Condition()

    def _load(self) -> Any:
        import gigatoken

        try:
            return gigatoken.Tokenizer.from_json(self._content)
        except (Exception, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a panic of Rust
            raise RuntimeError(str(error)) from error

    def encode(self, texts: pa.LargeStringArray) -> EncodedTexts:
        """Token ids of each text."""
        if self._normalizer is not None:
            texts = _normalized(texts, self._normalizer)
        offsets, data = columns.string_buffers(texts)
        if not self._splits_digits:
            return self._encode_documents(offsets, data)
        pieces, first_piece = _split_at_digits(offsets, data)
        encoded = self._encode_documents(pieces, data)
        return EncodedTexts(encoded.ids, encoded.offsets[first_piece])

    @contextmanager
    def _in_use(self, new_bytes: int) -> Iterator[None]:
        """Counts a user while it encodes `new_bytes`; first loads a tokenizer that has grown anew.

        That waits until no thread uses the old one, so that no two are in memory.
        """
        with self._changes:
            if self._seen_bytes > _RENEW_AFTER_BYTES:
                self._changes.wait_for(lambda: not self._users)
            if self._seen_bytes > _RENEW_AFTER_BYTES:  # another thread may have done it
                del self._tokenizer
                self._tokenizer = self._load()
                self._seen_bytes = 0
            self._seen_bytes += new_bytes
            self._users += 1
        try:
            yield
        finally:
            with self._changes:
                self._users -= 1
                self._changes.notify_all()

    def vocabulary_texts(self) -> list[str]:
        """Every vocabulary entry, as a text of its own.

        In one text with its neighbours, an entry can be part of a longer word, and then its ids do
        not test the merge that makes the entry.
        """
        return [entry.decode("utf-8", "replace") for entry in self._tokenizer.vocab.values()]

    def _encode_documents(
        self, offsets: npt.NDArray[np.int64], data: npt.NDArray[np.uint8]
    ) -> EncodedTexts:
        # Only gigatoken's padded matrices need no `awkward`, whose import takes as long as a build
        # of ten megabytes. Texts of similar size share a matrix, which keeps the padding small.
        from gigatoken.gigatoken_rs import BytesSource

        sizes = np.diff(offsets)
        magnitude = (np.frexp(sizes)[1] + 1) // 2  # in powers of four
        if len(sizes) * sizes.max(initial=0) <= _SMALL_MATRIX:
            magnitude[:] = 0
        order = np.argsort(magnitude, kind="stable")
        cuts = [*np.flatnonzero(np.diff(magnitude[order], prepend=-1)).tolist(), len(order)]
        documents = pa.LargeBinaryArray.from_buffers(
            pa.large_binary(), len(sizes), [None, pa.py_buffer(offsets), pa.py_buffer(data)]
        ).to_pylist()
        encoded = []
        with self._in_use(int(sizes.sum())):
            for first, last in pairwise(cuts):
                alike = [documents[at] for at in order[first:last].tolist()]
                # Several threads encode at once, so a call need not use several of its own.
                padded = self._tokenizer.encode_batch_padded(
                    BytesSource(alike), pad_id=0, parallel=False
                )
                encoded.append(_without_padding(*padded))
        return EncodedTexts.concatenate(encoded).take(np.argsort(order))


def _without_padding(
    matrix: npt.NDArray[np.uint32], lengths: npt.NDArray[np.int64]
) -> EncodedTexts:
    """The rows of a padded matrix without the padding."""
    rows, width = matrix.shape
    starts = np.arange(rows) * width
    bounds = np.empty(2 * rows + 1, np.int64)
    bounds[:-1:2], bounds[1::2], bounds[-1] = starts, starts + lengths, rows * width
    rows_and_padding = EncodedTexts(matrix.view(np.int32).ravel(), bounds)
    return rows_and_padding.take(np.arange(0, 2 * rows, 2))


class _Normalizer:
    """NFC as the reference has it: of the text between added tokens."""

    def __init__(self, added_texts: Sequence[str]) -> None:
        self._normalize = tokenizers.normalizers.NFC().normalize_str
        longest_first = sorted(added_texts, key=len, reverse=True)
        self._added = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")

    def normalize(self, text: str) -> str:
        """The text in NFC. No letter joins with an added token beside it."""
        if not self._added.search(text):
            return str(self._normalize(text))
        between, added = self._added.split(text), [*self._added.findall(text), ""]
        return "".join(
            self._normalize(piece) + token for piece, token in zip(between, added, strict=True)
        )


def _normalized(texts: pa.LargeStringArray, normalizer: _Normalizer) -> pa.LargeStringArray:
    """The texts, normalized where they have a character that NFC can change."""
    offsets, data = columns.string_buffers(texts)
    window = data[offsets[0] : offsets[-1]]
    # NFC changes no character before U+0300 (0xCC 0x80 in UTF-8).
    at = np.flatnonzero(window >= 0xCC) + offsets[0]
    rows = np.unique(np.searchsorted(offsets, at, side="right") - 1)
    if not len(rows):
        return texts
    changed = np.zeros(len(texts), np.bool_)
    changed[rows] = True
    new = [normalizer.normalize(t) for t in texts.take(columns.numbers(rows)).to_pylist()]
    return pc.replace_with_mask(texts, columns.flags(changed), columns.texts(new))


def _split_at_digits(
    offsets: npt.NDArray[np.int64], data: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Offsets of the pieces to encode one by one, and for each row boundary the index of its piece.

    Cutting at every digit would be exact but slow. In these vocabularies a digit is a token of its
    own without a cut; a cut only changes how the white space before it is grouped. So the cuts are
    before ASCII digits that follow two white-space characters, or a character that may be white
    space outside ASCII, and around all other digits.
    """
    start, stop = int(offsets[0]), int(offsets[-1])
    window = data[start:stop]
    at = np.flatnonzero((window >= 0x30) & (window <= 0x39)) + start
    before, second = data[np.maximum(at - 1, start)], data[np.maximum(at - 2, start)]
    is_space = (before == 0x20) | ((before >= 0x09) & (before <= 0x0D))
    grouped = is_space & ((second <= 0x20) | (second >= 0x80)) | (before >= 0x80)
    cuts = [offsets, at[grouped]]
    first, after = _other_digits(window)
    cuts += [first + start, after + start]
    pieces = np.unique(np.concatenate(cuts))
    return pieces, np.searchsorted(pieces, offsets)


def _other_digits(
    text: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Where in UTF-8 each numeric character outside ASCII starts, and where it ends."""
    at = np.flatnonzero(text >= 0xC2)  # first bytes of characters of two, three or four bytes
    first = text[at]
    length = 2 + (first >= 0xE0) + (first >= 0xF0).astype(np.int64)
    code = (first & (0x7F >> length).astype(np.uint8)).astype(np.int32)
    for place in (1, 2, 3):
        more = length > place
        code[more] = code[more] << 6 | text[at[more] + place] & 0x3F
    is_numeric = np.zeros(sys.maxunicode + 1, np.bool_)
    is_numeric[code] = True
    present = np.flatnonzero(is_numeric)
    # The general categories Nd, Nl and No, as in the Digits stage of `tokenizers`.
    is_numeric[present] = [unicodedata.category(chr(c))[0] == "N" for c in present.tolist()]
    numeric = is_numeric[code]
    return at[numeric], (at + length)[numeric]
