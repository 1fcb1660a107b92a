"""The order of a mixture: even, alike each time, and the same for buckets of any size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from sftdata.base.array_file import ArrayFile
from sftdata.building.mixture.order import interleave
from sftdata.building.mixture.sampling import SourceSample

Hashes = npt.NDArray[np.uint64]
Order = tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]


def hashes(rows: int, seed: int) -> Hashes:
    return np.random.default_rng(seed).integers(0, 2**63, rows).astype(np.uint64)


def order(
    folder: Path, own: list[Hashes], copies: list[int], seed: int, bucket: int = 1 << 20
) -> Order:
    """Part and place of each row, for as many copies of each row of a part."""
    files = []
    for values in own:
        files.append(ArrayFile(folder, 3))
        places = np.arange(len(values), dtype=np.uint64)
        files[-1].append(np.stack((values, places, np.ones_like(places)), axis=1))
    samples = [SourceSample(full=number) for number in copies]
    found = list(interleave(files, samples, seed, folder, bucket))
    parts, places_found = zip(*found, strict=True)
    return np.concatenate(parts), np.concatenate(places_found)


def test_many_rows_are_interleaved_evenly_and_alike_each_time(tmp_path: Path) -> None:
    own, copies = [hashes(70_000, 1), hashes(15_000, 2)], [1, 2]
    part, row = order(tmp_path, own, copies, 7)
    assert np.bincount(part).tolist() == [70_000, 30_000]
    assert np.bincount(row[part == 1]).tolist() == [2] * 15_000
    assert sorted(row[part == 1][:10]) != list(range(10))
    for piece in np.array_split(part, 20):
        assert abs(float((piece == 1).mean()) - 0.3) < 0.03
    for again in (order(tmp_path, own, copies, 7), order(tmp_path, own, copies, 7, 999)):
        assert np.array_equal(part, again[0])
        assert np.array_equal(row, again[1])
    assert not np.array_equal(row, order(tmp_path, own, copies, 8)[1])


def test_a_source_that_grows_moves_no_row_of_another(tmp_path: Path) -> None:
    more, other = hashes(500, 1), hashes(400, 2)
    part, row = order(tmp_path, [more[:300], other], [1, 1], 0)
    part_after, row_after = order(tmp_path, [more, other], [1, 1], 0)
    assert row[part == 1].tolist() == row_after[part_after == 1].tolist()
    old = (part_after == 1) | (row_after < 300)
    assert row_after[old].tolist() == row.tolist()


def test_rows_of_equal_hashes_keep_the_order_of_their_parts(tmp_path: Path) -> None:
    same = np.full(5, 77, np.uint64)
    part, row = order(tmp_path, [same, same[:2]], [1, 1], 0)
    assert part.tolist() == [0, 0, 0, 0, 0, 1, 1]
    assert row.tolist() == [0, 1, 2, 3, 4, 0, 1]
