"""Steps of a build that look at all rows, on made hashes of many rows; run on demand.

    python tests/bench/global_steps.py duplicates --rows 100000000
    python tests/bench/global_steps.py mixture --rows 100000000

Prints the seconds, processor seconds and memory peak, and ends with an error if the result is not
the planned one. Files without a name are in `--folder`.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sftdata.base.array_file import ArrayFile
from sftdata.base.hashing import mix_bits
from sftdata.building.mixture.order import interleave
from sftdata.building.mixture.sampling import COLUMNS, UNITS, Candidates, draw_samples
from sftdata.reading.screening.seen_ids import SeenIds

_ROWS_AT_A_TIME = 40_000  # as many short rows as 4 MB hold, which a build looks up at once
_REPEATED = 100  # each hundredth row has the content of the row at half its number


def main() -> None:
    """Run one step and print what it took."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("step", choices=tuple(STEPS))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="on a disk with room for 64 bytes a row")
    arguments = parser.parse_args()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="sftdata-steps-", dir=arguments.folder) as folder:
        STEPS[arguments.step](arguments.rows, Path(folder))
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(
        f"{arguments.step}, {arguments.rows:,} rows: {time.perf_counter() - started:.0f} s, "
        f"processor {used.ru_utime + used.ru_stime:.0f} s, peak {used.ru_maxrss / 1000:.0f} MB"
    )


def find_duplicates(rows: int, folder: Path) -> None:
    """Look all ids and contents up, as a build does, and compare the repeats with the planted."""
    ids, contents = SeenIds(folder), SeenIds(folder)
    for numbers in _numbers(rows):
        is_repeat = (numbers % _REPEATED == _REPEATED - 1) & (numbers > _REPEATED)
        content = np.where(is_repeat, numbers // 2 // _REPEATED * _REPEATED, numbers)
        same_id = ids.add(_hashes(numbers, 1))
        found = contents.add(_hashes(content, 2), ~same_id)
        if same_id.any() or not np.array_equal(found, is_repeat):
            sys.exit(f"wrong repeats among the rows from {numbers[0]:,} on")


def plan_mixture(rows: int, folder: Path) -> None:
    """Draw and order the rows of three sources, and compare the copies with those of the plan."""
    files = []
    for at, share in enumerate((0.6, 0.3, 0.1)):
        files.append(ArrayFile(folder, COLUMNS))
        for numbers in _numbers(int(rows * share)):
            hashes = _hashes(numbers, 5 + 4 * at)
            tokens = hashes[:, 1] % np.uint64(1000) + np.uint64(1)
            files[-1].append(np.stack((hashes[:, 0], numbers, tokens), axis=1))
    sources = [Candidates(file, 1.0, None) for file in files]
    samples = draw_samples(sources, temperature=1, max_repeats=4, seed=0)
    expected, units, found = np.zeros((3, 3), np.int64)
    for at, (file, sample) in enumerate(zip(files, samples, strict=True)):
        for piece in file.pieces():
            copies = sample.copies(piece)
            expected[at] += copies.sum()
            units[at] += copies @ piece[:, UNITS].astype(np.int64)
    for part, _ in interleave(files, samples, 0, folder):
        found += np.bincount(part, minlength=3)
    shares = units / units.sum()
    print(f"copies {found.tolist()}, shares of the tokens {shares.round(6).tolist()}")
    if not np.array_equal(found, expected) or abs(shares - 1 / 3).max() > 1e-3:
        sys.exit("the order does not hold the copies that were planned")


def _numbers(rows: int) -> Iterator[npt.NDArray[np.uint64]]:
    for start in range(0, rows, _ROWS_AT_A_TIME):
        yield np.arange(start, min(start + _ROWS_AT_A_TIME, rows), dtype=np.uint64)


def _hashes(numbers: npt.NDArray[np.uint64], salt: int) -> npt.NDArray[np.uint64]:
    """uint64[rows, 2]: 128 bits for each number, spread as a digest's are."""
    halves = [mix_bits(numbers * np.uint64(4) + np.uint64(salt + 2 * at)) for at in (0, 1)]
    return np.stack(halves, axis=1)


STEPS = {"duplicates": find_duplicates, "mixture": plan_mixture}

if __name__ == "__main__":
    main()
