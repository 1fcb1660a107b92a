"""Read the training split of a dataset with `sftdata.load`.

python read_sftdata.py DATASET
"""

from __future__ import annotations

import sys

from time_reads import SEED, Arrays, time_reads

import sftdata
from sftdata.loading.dataset import Example
from sftdata.loading.order import StreamPosition


def _arrays(row: Example) -> Arrays:
    return row.input_ids, row.label_mask


def main(directory: str) -> None:
    """Read at random, in order and shuffled by seed and epoch."""
    train = sftdata.load(directory)["train"]
    time_reads(
        len(train),
        get=lambda at: _arrays(train[at]),
        in_order=lambda: map(_arrays, train),
        shuffled=lambda: (_arrays(row) for row, _ in train.stream(StreamPosition(SEED, 0, 0))),
    )


if __name__ == "__main__":
    main(sys.argv[1])
