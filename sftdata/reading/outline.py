"""Outlines: sizes and digests of chunks that follow each other, without their rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Outline:
    """Row counts, sizes and digests of chunks that follow each other."""

    rows: npt.NDArray[np.int64]  # [chunks]
    sizes: npt.NDArray[np.int64]  # [chunks], see `Chunk.size`
    digests: bytes  # of each chunk, joined
    is_closed: bool  # whether the last chunk ends there, independent of the rows after it

    def __len__(self) -> int:
        return len(self.rows)

    def after(self, at: int) -> Outline:
        """The chunks that come after chunk `at`."""
        digests = self.digests[(at + 1) * DIGEST_BYTES :]
        return Outline(self.rows[at + 1 :], self.sizes[at + 1 :], digests, self.is_closed)

    def digest(self, at: int) -> bytes:
        """The digest of chunk `at`."""
        return self.digests[at * DIGEST_BYTES : (at + 1) * DIGEST_BYTES]
