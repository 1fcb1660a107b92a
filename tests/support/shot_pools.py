"""Read the pool of shots that a build wrote."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from sftdata.examples.shots import ShotPool, to_pool


def read_pool(path: Path) -> ShotPool:
    """The pool in a file of `ShotPool.write`."""
    with pa.OSFile(str(path)) as file:
        return to_pool(pa.ipc.open_file(file).get_batch(0))
