"""Splits: assign each row to a split by the hash of its id or group."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from sftdata.base.hashing import choose_by_hash


def assign_splits(
    hashes: npt.NDArray[np.uint64], shares: Mapping[str, float], seed: int
) -> npt.NDArray[np.int8]:
    """int8[rows]: the index, in the order of `shares`, of each row's split.

    `hashes` is uint64[rows, 2] of the row id, or of the group the row must stay with. A split
    gets its share of all hash values, so its size is near that share of the rows, not exactly it.
    """
    return choose_by_hash(hashes, list(shares.values()), f"split:{seed}")
