"""Row ids seen so far, sixteen bytes each, for finding the ones that repeat."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


class SeenIds:
    """A growing set of 128-bit hashes, kept as a few sorted runs of doubling size."""

    def __init__(self) -> None:
        self._runs: list[npt.NDArray[np.uint64]] = []  # each [n, 2], sorted by the first column

    def add(self, hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Adds uint64[rows, 2]; for each row, whether its hash was there already.

        A hash that stands twice in `hashes` counts as new the first time.
        """
        order = np.lexsort((hashes[:, 1], hashes[:, 0]))
        run = hashes[order]
        repeated = np.zeros(len(hashes), np.bool_)
        repeated[order[1:]] = (run[1:] == run[:-1]).all(axis=1)
        for earlier in self._runs:
            repeated |= _contains(earlier, hashes)
        self._runs.append(run)
        while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
            merged = np.concatenate((self._runs.pop(), self._runs.pop()))
            self._runs.append(merged[np.lexsort((merged[:, 1], merged[:, 0]))])
        return repeated


def _contains(run: npt.NDArray[np.uint64], hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    at = np.minimum(np.searchsorted(run[:, 0], hashes[:, 0]), len(run) - 1)
    # Equal first halves are equal hashes but for one in 2**64; that one is taken for new.
    found: npt.NDArray[np.bool_] = (run[at] == hashes).all(axis=1) if len(run) else at > 0
    return found
