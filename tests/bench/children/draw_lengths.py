"""Lengths of rows to pack."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

MAX_LENGTH = 2048


def draw(count: int) -> npt.NDArray[np.int32]:
    """Log-normal lengths with a median of 400 tokens, at most `MAX_LENGTH`."""
    drawn = np.random.default_rng(0).lognormal(mean=np.log(400), sigma=0.8, size=count)
    return np.clip(drawn, 1, MAX_LENGTH).astype(np.int32)
