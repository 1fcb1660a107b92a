"""Find rows with the content of an earlier row: digests of contents, and near duplicates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from unicodedata import is_normalized, normalize

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import (
    flags,
    numbers,
    rebase_offsets,
    string_buffers,
    texts,
    to_flags,
    to_numbers,
)
from sftdata.base.hashing import hash_column, hash_rows, hash_texts
from sftdata.spec.fields import MESSAGES

_NAMES_NO_CONTENT = ("row_id",)
_WORD = re.compile(r"\w+")
_PERMUTATIONS = 128
_SHINGLE = 3  # words
_SEED = 42


def content_hashes(rows: pa.RecordBatch, *, loose: bool) -> npt.NDArray[np.uint64]:
    """uint64[rows, 2]: a digest of all golden fields of each row but its id.

    Texts are compared in NFC. With `loose`, case, the amount and kind of white space, and Unicode's
    compatible forms make no difference, too.
    """
    names = sorted(set(rows.schema.names) - set(_NAMES_NO_CONTENT))
    columns = [rows.column(name) for name in names]
    if loose and MESSAGES in names:
        columns[names.index(MESSAGES)] = _with_bare_spaces(rows.column(MESSAGES))
    digest = _loose_hashes if loose else _exact_hashes
    return hash_rows(np.concatenate([digest(column) for column in columns], axis=1))


def _with_bare_spaces(column: pa.LargeStringArray) -> pa.LargeStringArray:
    """Conversations, which are JSON, with their line breaks and tabs as spaces."""
    # A backslash that is followed by the letter n is no line break.
    column = pc.replace_substring(column, "\\\\", "\0")
    column = pc.replace_substring_regex(column, r"\\[ntr]", " ")
    column = pc.replace_substring(column, '\\"', "\1")  # quotation marks inside texts
    return pc.replace_substring_regex(column, '" +| +"', '"')  # white space at the ends of texts


def _exact_hashes(column: pa.LargeStringArray) -> npt.NDArray[np.uint64]:
    """uint64[rows, 2]: a digest of each text in NFC."""
    hashes = hash_column(column)
    other = np.flatnonzero(~to_flags(pc.string_is_ascii(column)))
    if len(other):
        found = column.take(numbers(other)).to_pylist()
        changed = [at for at, text in enumerate(found) if not is_normalized("NFC", text)]
        if changed:
            hashes[other[changed]] = hash_texts(
                [normalize("NFC", found[at]).encode() for at in changed]
            )
    return hashes


def _loose_hashes(column: pa.LargeStringArray) -> npt.NDArray[np.uint64]:
    """uint64[rows, 2]: a digest of each text in lower case, NFKC, and with single spaces."""
    hashes = _hash_words(pc.ascii_lower(rebase_offsets(column)))
    other = np.flatnonzero(~to_flags(pc.string_is_ascii(column)))
    if len(other):  # ASCII is in every normal form already, and most text is ASCII
        found = column.take(numbers(other)).to_pylist()
        hashes[other] = _hash_words(pc.utf8_lower(texts([normalize("NFKC", t) for t in found])))
    return hashes


def _hash_words(column: pa.LargeStringArray) -> npt.NDArray[np.uint64]:
    """uint64[rows, 2]: a digest of each text with one space for each run of white space, none at
    the ends. White space is ASCII's, control characters included."""
    offsets, data = string_buffers(column)
    data, ends = data[offsets[0] : offsets[-1]], offsets - offsets[0]
    is_kept = data <= 0x20
    letters = is_kept.view(np.uint8) - np.uint8(1)
    letters &= data  # white space is 0 from here on
    # A run of white space that continues in the next row is taken off there anyway.
    goes_on = is_kept[1:] & is_kept[:-1]
    taken_off = np.flatnonzero(goes_on) + 1
    if len(taken_off):
        is_kept[0] = True
        np.logical_not(goes_on, out=is_kept[1:])
        letters = to_numbers(numbers(letters).filter(flags(is_kept)))  # ten times NumPy's speed
        ends = ends - np.searchsorted(taken_off, ends)
    first, last = ends[:-1], ends[1:]
    if len(letters):
        first = first + ((letters[np.minimum(first, len(letters) - 1)] == 0) & (first < last))
        last = last - ((letters[last - 1] == 0) & (first < last))
    text = letters.data
    return hash_texts([text[a:b] for a, b in zip(first.tolist(), last.tolist(), strict=True)])


class NearDuplicates:
    """Finds texts that share most of their words with an earlier one, by MinHash (rensa)."""

    def __init__(self, similarity: float) -> None:
        from rensa import RMinHashDeduplicator

        self._seen = RMinHashDeduplicator(
            threshold=similarity, num_perm=_PERMUTATIONS, use_lsh=True, num_bands=32, seed=_SEED
        )

    def add(self, row_id: str, content: str) -> str | None:
        """Adds a text, unless it nearly repeats an earlier one: then returns the id of that one."""
        from rensa import RMinHash

        words = _WORD.findall(content.lower())
        shingles = [" ".join(words[i : i + _SHINGLE]) for i in range(len(words) - _SHINGLE + 1)]
        signature = RMinHash(num_perm=_PERMUTATIONS, seed=_SEED)
        signature.update(shingles or words)
        near: Sequence[str] = self._seen.get_duplicates(signature)
        if near:
            return min(near)
        self._seen.add(row_id, signature)
        return None
