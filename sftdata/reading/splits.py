"""Splits: a row has the split it was given, or else one by the hash of its id or group."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from sftdata.base.hashing import choose_by_hash

NOT_GIVEN = -1


def assign_splits(
    hashes: npt.NDArray[np.uint64],
    shares: Mapping[str, float],
    seed: int,
    given: npt.NDArray[np.int8] | None = None,
) -> npt.NDArray[np.int8]:
    """int8[rows]: the index, in the order of `shares`, of each row's split.

    `hashes` is uint64[rows, 2] of the row id, or of the group the row must stay with. A split
    gets its share of all hash values, so its size is near that share of the rows, not exactly it.
    `given`: int8[rows], the index of the split that the source gives to a row, or `NOT_GIVEN`.
    """
    chosen = choose_by_hash(hashes, list(shares.values()), f"split:{seed}")
    return chosen if given is None else np.where(given == NOT_GIVEN, chosen, given)
