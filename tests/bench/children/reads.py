"""Three ways to read rows, timed the same for every library that reads them."""

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
    """Prints rows a second of each way as JSON, and a checksum of what was read.

    Of each row the last id and the last flag are looked at, and both lengths: it is there as NumPy
    arrays, whose pages need not all be read.
    """
    places = np.random.default_rng(SEED).integers(0, rows, RANDOM_ROWS).tolist()
    ways: dict[str, Callable[[], Iterable[Arrays]]] = {
        "random": lambda: (get(place) for place in places),
        "in order": in_order,
        "shuffled": shuffled,
    }
    said = {}
    for name, way in ways.items():
        started = time.perf_counter()
        count = check = 0
        for ids, mask in way():
            check += len(ids) + int(ids[-1]) + len(mask) + int(mask[-1])
            count += 1
        said[f"{name} rate"] = count / (time.perf_counter() - started)
        said[f"{name} check"] = check
    print(json.dumps(said))
