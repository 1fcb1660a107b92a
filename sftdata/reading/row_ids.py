"""Ids of golden rows: those they bring, or else digests of their fields."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import flag, flags, text, to_flags
from sftdata.base.hashing import hash_column, hash_rows
from sftdata.reading.collect import ID, Parsed


def find_row_ids(
    parsed: Parsed, fields: Collection[str], prefix: str
) -> tuple[pa.LargeStringArray, npt.NDArray[np.bool_]]:
    """The id of each row, its own behind the prefix or else a digest of its fields, and which are
    its own."""
    given = parsed.columns.get(ID)
    if given is None:
        return _content_ids(parsed, fields), np.zeros(len(parsed.chunk), np.bool_)
    own = to_flags(pc.fill_null(pc.not_equal(given, text("")), flag(False)))
    if prefix:
        given = pc.binary_join_element_wise(text(prefix), given, text(""))
    if own.all():
        return given, own
    return pc.if_else(flags(own), given, _content_ids(parsed, fields)), own


def _content_ids(parsed: Parsed, fields: Collection[str]) -> pa.LargeStringArray:
    """Hexadecimal XXH3 128-bit digests over the digests of the fields, in order of their names."""
    columns = [pc.fill_null(parsed.columns[name], text("")) for name in sorted(fields)]
    hashes = hash_rows(np.concatenate([hash_column(column) for column in columns], axis=1))
    digits = hashes.astype(">u8").tobytes().hex().encode()
    offsets = np.arange(len(hashes) + 1) * 32
    return pa.LargeStringArray.from_buffers(
        len(hashes), pa.py_buffer(offsets), pa.py_buffer(digits)
    )
