"""Hashes of texts, rows and tokens, and choices made by hash.

Every choice for a row (its split, its template, its shots) depends on the row's id and the seed
alone, so other rows and their order change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from sftdata.base.arrow import string_buffers


def hash_texts(texts: Sequence[bytes | memoryview]) -> npt.NDArray[np.uint64]:
    """uint64[rows, 2]: the XXH3 128-bit digest of each text."""
    digests = b"".join([xxhash.xxh3_128_digest(text) for text in texts])
    return np.frombuffer(digests, ">u8").reshape(-1, 2).astype(np.uint64)


def hash_column(column: pa.LargeStringArray) -> npt.NDArray[np.uint64]:
    """uint64[rows, 2]: the XXH3 128-bit digest of each text of a column without nulls."""
    offsets, data = string_buffers(column)
    window = data.data
    return hash_texts([window[a:b] for a, b in pairwise(offsets.tolist())])


def hash_rows(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """uint64[rows, 2]: the digest of each row of a matrix of digests."""
    size = hashes.itemsize * hashes.shape[1]
    data = memoryview(hashes.astype("<u8").tobytes())
    return hash_texts([data[i : i + size] for i in range(0, len(data), size)])


def choose_by_hash(
    hashes: npt.NDArray[np.uint64], weights: Sequence[float], salt: str
) -> npt.NDArray[np.int8]:
    """int8[rows]: for each row the index of a weight, chosen in proportion to the weights."""
    salted = hashes[:, 0] ^ np.uint64(xxhash.xxh3_64_intdigest(salt.encode()))
    points = mix_bits(salted) >> np.uint64(11)  # 53 bits: exact as a float
    bounds = np.cumsum(weights) / sum(weights)
    chosen = np.searchsorted(bounds, points / 2**53, side="right")
    return np.minimum(chosen, len(bounds) - 1).astype(np.int8)


def mix_bits(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finalizer of SplitMix64: each input bit changes about half of the output bits."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(values ^ (values >> np.uint64(31)))


def hash_token_rows(
    ids: npt.NDArray[np.int32], starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint64]:
    """uint64[rows]: a hash of `ids[starts[i]:ends[i]]` for each row."""
    data = memoryview(np.ascontiguousarray(ids).view(np.uint8))  # type: ignore[arg-type]
    hash_of = xxhash.xxh3_64_intdigest
    places = zip((starts * 4).tolist(), (ends * 4).tolist(), strict=True)
    return np.fromiter((hash_of(data[a:b]) for a, b in places), np.uint64, len(starts))
