"""The order of a mixture's rows: by a hash of each, whatever its source.

Copies are spread over buckets of a file by the first bits of their keys, and each bucket is sorted
in memory. So the memory does not grow with the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xxhash

from sftdata.base.array_file import ArrayFile
from sftdata.base.hashing import mix_bits
from sftdata.building.mixture.sampling import HASH, PLACE, SourceSample

_BUCKET = 1 << 20  # copies
_BITS = 16  # of a key
_PLACE_BITS = np.uint64(48)

_Numbers = npt.NDArray[np.uint64]
Origins = tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]  # [rows] part, place in the part


def interleave(
    rows: Sequence[ArrayFile],
    samples: Sequence[SourceSample],
    seed: int,
    folder: Path,
    bucket: int = _BUCKET,
) -> Iterator[Origins]:
    """Part and place of each row of the mixture, in order, some at a time.

    `rows`: the candidates of each part. Each copy of a row has a key of its own, and the keys alone
    decide the order.
    """
    counts = np.zeros(1 << _BITS, np.int64)
    for keys, _ in _copies(rows, samples, seed):
        counts += np.bincount(_first_bits(keys), minlength=len(counts))
    starts = np.cumsum(counts) - counts
    bucket_of = starts // bucket  # by the first bits of a key
    number = int(bucket_of[-1]) + 1
    ends = np.zeros(number, np.int64)
    np.add.at(ends, bucket_of, counts)
    ends = np.cumsum(ends)
    filled = np.concatenate(([0], ends[:-1]))
    file = ArrayFile(folder, 2)
    for keys, homes in _copies(rows, samples, seed):
        own = bucket_of[_first_bits(keys)]
        order = np.argsort(own, kind="stable")
        records = np.stack((keys[order], homes[order]), axis=1)
        for part in np.split(np.arange(len(own)), np.flatnonzero(np.diff(own[order])) + 1):
            if len(part):
                at = own[order[part[0]]]
                file.write(int(filled[at]), records[part[0] : part[-1] + 1])
                filled[at] += len(part)
    start = 0
    for end in ends.tolist():
        keys, homes = file.read(start, end).T
        homes = homes[np.lexsort((homes, keys))]
        place = homes & ((np.uint64(1) << _PLACE_BITS) - np.uint64(1))
        yield (homes >> _PLACE_BITS).astype(np.int32), place.astype(np.int64)
        start = end


def _copies(
    rows: Sequence[ArrayFile], samples: Sequence[SourceSample], seed: int
) -> Iterator[tuple[_Numbers, _Numbers]]:
    """The key of each copy that is used, and its part and place as one number."""
    salt = np.uint64(xxhash.xxh3_64_intdigest(f"order:{seed}".encode()))
    for part, (own, sample) in enumerate(zip(rows, samples, strict=True)):
        for piece in own.pieces():
            copies = sample.copies(piece)
            for number in range(int(copies.max(initial=0))):
                used = piece[copies > number]
                of_copy = mix_bits(np.array([number], np.uint64) ^ salt)
                home = used[:, PLACE] | (np.uint64(part) << _PLACE_BITS)
                yield mix_bits(used[:, HASH] ^ of_copy), home


def _first_bits(keys: _Numbers) -> npt.NDArray[np.int64]:
    return (keys >> np.uint64(64 - _BITS)).astype(np.int64)
