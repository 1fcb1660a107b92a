"""A set of the hashes of all rows so far, which tells whether a row repeats an earlier one.

A hash has sixteen bytes. The first half a million are in memory. The others are in files without a
name; a few megabytes of these are mapped at a time.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

_PIECE = 1 << 19  # hashes of a run that are in memory; more are in a file

_Halves = npt.NDArray[np.uint64]  # [2, hashes]: first halves, sorted, and second halves


@dataclass(frozen=True, slots=True)
class _Run:
    """Sorted hashes."""

    halves: _Halves
    piece: int  # hashes that are looked up at once
    firsts: npt.NDArray[np.uint64]  # the first of each piece, so that no other piece is read
    mapped: mmap.mmap | None = None  # the file that holds them

    @classmethod
    def in_memory(cls, halves: _Halves, piece: int) -> _Run:
        """A run that is in no file."""
        return cls(halves, piece, halves[0, ::piece])

    def __len__(self) -> int:
        return len(self.halves[0])

    def contains(self, halves: _Halves) -> npt.NDArray[np.bool_]:
        """For each of some sorted hashes whether it is in the run."""
        found = np.zeros(halves.shape[1], np.bool_)
        ends = [*np.searchsorted(halves[0], self.firsts[1:]).tolist(), len(found)]
        for piece, (start, end) in enumerate(pairwise([0, *ends])):
            own = self.halves[:, piece * self.piece : (piece + 1) * self.piece]
            found[start:end] = _contains(own, halves[:, start:end])
            self.unmap()
        return found

    def find_cuts(self, limits: npt.NDArray[np.uint64]) -> list[int]:
        """For each limit how many hashes are below it."""
        cuts = []
        for limit in limits:
            start = self.piece * max(0, int(np.searchsorted(self.firsts, limit)) - 1)
            own = self.halves[0, start : start + self.piece]
            cuts.append(start + int(np.searchsorted(own, limit)))
            self.unmap()
        return cuts

    def unmap(self) -> None:
        """Takes the file's pages out of this process; they are read again when they are used."""
        if self.mapped is not None:
            self.mapped.madvise(mmap.MADV_DONTNEED)


class SeenIds:
    """A growing set of 128-bit hashes, stored as a few sorted runs of doubling size.

    Runs of more than `piece` hashes go into files in `folder`; without it, all stay in memory.
    """

    def __init__(self, folder: Path | None = None, piece: int = _PIECE) -> None:
        self._runs: list[_Run] = []
        self._folder, self._piece = folder, piece

    def add(
        self, hashes: npt.NDArray[np.uint64], is_kept: npt.NDArray[np.bool_] | None = None
    ) -> npt.NDArray[np.bool_]:
        """Adds uint64[rows, 2]; returns for each row whether its hash was in the set.

        Of equal hashes in one call, the first counts as new. A row that is not kept is looked up
        and not added.
        """
        halves = np.ascontiguousarray(hashes.T)
        run, order = _sorted(halves)
        is_equal = (run[:, 1:] == run[:, :-1]).all(axis=0)
        is_known = np.concatenate(([False], is_equal))[: len(order)]  # sorted, as `run` is
        kept = np.ones(len(order), np.bool_) if is_kept is None else is_kept[order]
        if not kept.all():
            is_known = _has_kept_before(is_equal, kept)
        for earlier in self._runs:
            is_known |= earlier.contains(run)
        self._add_run(_Run.in_memory(run[:, kept & ~is_known], self._piece))
        repeated = np.empty(len(order), np.bool_)
        repeated[order] = is_known
        return repeated

    def _add_run(self, run: _Run) -> None:
        if not len(run):
            return
        self._runs.append(run)
        while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
            last, before = self._runs.pop(), self._runs.pop()
            if self._folder is not None and len(before) + len(last) > self._piece:
                self._runs.append(_merge_in_file(before, last, self._folder))
            else:
                both = np.concatenate((before.halves, last.halves), axis=1)
                self._runs.append(_Run.in_memory(_sorted(both)[0], self._piece))


def _sorted(halves: _Halves) -> tuple[_Halves, npt.NDArray[np.int64]]:
    """The hashes sorted by their first half, and the place each had."""
    order = np.argsort(halves[0], kind="stable")  # two sorted runs are only merged by it
    return halves[:, order], order


def _has_kept_before(
    is_equal: npt.NDArray[np.bool_], is_kept: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """For each of some sorted hashes whether an equal one before it is kept.

    `is_equal`: for each but the first, whether it equals the one before it.
    """
    number = np.arange(len(is_kept))
    first = np.maximum.accumulate(np.where(np.concatenate(([False], is_equal)), 0, number))
    kept_before: npt.NDArray[np.int64] = np.cumsum(is_kept) - is_kept
    found: npt.NDArray[np.bool_] = kept_before > kept_before[first]
    return found


def _contains(run: _Halves, halves: _Halves) -> npt.NDArray[np.bool_]:
    """For each of some sorted hashes whether it is in the run. Looking up is fast in order."""
    if not halves.size:
        return np.zeros(0, np.bool_)
    at = np.minimum(np.searchsorted(run[0], halves[0]), run.shape[1] - 1)
    found: npt.NDArray[np.bool_] = run[0, at] == halves[0]
    # Hashes with equal first halves are equal, except for one in 2**64; that one is taken for new.
    same = np.flatnonzero(found)
    found[same] = run[1, at[same]] == halves[1, same]
    return found


def _merge_in_file(one: _Run, other: _Run, folder: Path) -> _Run:
    """The hashes of both runs in a new file, merged a piece at a time."""
    size = len(one) + len(other)
    pieces = size // one.piece + 1  # of about the same size, because hashes are spread evenly
    limits = np.array([at * 2**64 // pieces for at in range(1, pieces)], np.uint64)
    cuts = [[0, *run.find_cuts(limits), len(run)] for run in (one, other)]
    done, firsts = 0, []
    # The name is gone before the file is written, so a build that is killed leaves none.
    with tempfile.TemporaryFile(dir=folder) as file:
        for (start, end), (first, last) in zip(*map(pairwise, cuts), strict=True):
            both = (one.halves[:, start:end], other.halves[:, first:last])
            merged, _ = _sorted(np.concatenate(both, axis=1))
            for half in (0, 1):
                file.seek(8 * (half * size + done))
                file.write(np.ascontiguousarray(merged[half]).data)
            firsts.append(merged[0, -done % one.piece :: one.piece].copy())
            done += merged.shape[1]
            one.unmap()
            other.unmap()
        file.flush()
        mapped = mmap.mmap(file.fileno(), os.fstat(file.fileno()).st_size, access=mmap.ACCESS_READ)
    halves = np.frombuffer(mapped, np.uint64).reshape(2, size)
    return _Run(halves, one.piece, np.concatenate(firsts), mapped)
