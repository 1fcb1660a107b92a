"""Time three ways to read rows, in the same way for each library."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

RANDOM_ROWS = 10_000
SEED = 7

Arrays = tuple[npt.NDArray[np.integer], npt.NDArray[np.bool_]]  # ids and mask of a row


def time_reads(
    rows: int,
    get: Callable[[int], Arrays],
    in_order: Callable[[], Iterable[Arrays]],
    shuffled: Callable[[], Iterable[Arrays]],
) -> None:
    """Print rows per second and a checksum of each way as JSON.

    Reads the lengths and the last items of each row's arrays, so not all pages of a file.
    """
    places = np.random.default_rng(SEED).integers(0, rows, RANDOM_ROWS).tolist()
    ways: dict[str, Callable[[], Iterable[Arrays]]] = {
        "random": lambda: (get(place) for place in places),
        "in order": in_order,
        "shuffled": shuffled,
    }
    printed = {}
    for name, way in ways.items():
        started = time.perf_counter()
        count = check = 0
        for ids, mask in way():
            check += len(ids) + int(ids[-1]) + len(mask) + int(mask[-1])
            count += 1
        printed[f"{name} rate"] = count / (time.perf_counter() - started)
        printed[f"{name} check"] = check
    print(json.dumps(printed))
