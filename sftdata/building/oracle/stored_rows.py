"""The rows of a dataset, found by their ids, and compared with rows that were made again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.hashing import hash_column, mix_bits
from sftdata.examples.tokens import TokenBatch
from sftdata.writing.manifest import Manifest
from sftdata.writing.shards import open_batches

_SALT = np.uint64(0x5EED)
_UNSEEN, _OTHER, _EQUAL = range(3)


@dataclass(frozen=True, slots=True)
class MadeRow:
    """A row that was made again."""

    key: np.uint64  # hash of its id
    split: str
    template: str
    task: str
    input_ids: npt.NDArray[np.int32]
    label_mask: npt.NDArray[np.bool_]
    target_start: int


class StoredRows:
    """The rows of a dataset, or the `sample` of them whose hashed ids are the smallest."""

    def __init__(self, manifest: Manifest, sample: int | None = None) -> None:
        self._batches = [
            (split, batch)
            for split, listed in manifest["splits"].items()
            for shard in listed["shards"]
            for batch in open_batches(manifest.directory / shard["path"])
        ]
        keys = [np.empty(0, np.uint64), *(_hash_ids(batch) for _, batch in self._batches)]
        sizes = [len(each) for each in keys[1:]]
        key = np.concatenate(keys)
        self.total = len(key)
        chosen = np.arange(len(key))
        if sample is not None and sample < len(key):
            chosen = np.argsort(mix_bits(key ^ _SALT), kind="stable")[:sample]
        order = chosen[np.argsort(key[chosen], kind="stable")]
        self._keys = key[order]
        self._batch = np.repeat(np.arange(len(sizes)), sizes)[order]
        self._row = np.concatenate([np.empty(0, np.int64), *map(np.arange, sizes)])[order]
        self._states = np.full(len(order), _UNSEEN, np.int8)
        self._notes: dict[int, str] = {}  # of rows that are not equal
        # Where the last equal row of each split and template is.
        self._last: dict[tuple[str, str], tuple[int, int]] = {}
        self.disordered: dict[str, str] = {}  # of a split: the first row before an earlier one

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def proved(self) -> int:
        """How many rows are equal to a row that was made again."""
        return int((self._states == _EQUAL).sum())

    @property
    def unseen(self) -> int:
        """How many rows were not made again."""
        return int((self._states == _UNSEEN).sum())

    def holds(self, keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Whether there is a row to compare with each key."""
        if not len(self._keys):
            return np.zeros(len(keys), np.bool_)
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return np.asarray(self._keys[at] == keys)

    def compare(self, made: MadeRow) -> int:
        """Compares a row that was made again with those of its id: a mixture may repeat a row.

        Returns how many of them are found equal for the first time.
        """
        found = 0
        for at in self._places(made.key):
            if self._states[at] != _EQUAL:
                difference = self._difference(at, made)
                self._note(at, difference)
                if difference is None:
                    self._note_order(at, made.template)
                    found += 1
        return found

    def note_dropped(self, key: np.uint64, why: str) -> None:
        """Notes that the row of this id is dropped when it is made again."""
        for at in self._places(key):
            if self._states[at] != _EQUAL:
                self._note(at, f"is dropped when it is made again: {why}")

    def find_faults(self, *, all_made: bool) -> Iterator[str]:
        """A line for each row that is not equal; with `all_made` also for those never made."""
        wanted = self._states == _OTHER
        if all_made:
            wanted |= self._states == _UNSEEN
        for at in np.flatnonzero(wanted).tolist():
            split, batch = self._batches[self._batch[at]]
            row_id = batch.column("row_id")[int(self._row[at])].as_py()
            note = self._notes.get(at, "is not in the sources")
            yield f"{split}, row '{row_id}': {note}"

    def _note_order(self, at: int, template: str) -> None:
        """Rows are made again in the order of the sources; in a split, those of a template are,
        too."""
        split, batch = self._batches[self._batch[at]]
        row = int(self._row[at])
        place = int(self._batch[at]), row
        if place < self._last.get((split, template), place):
            self.disordered.setdefault(split, batch.column("row_id")[row].as_py())
        self._last[split, template] = place

    def _places(self, key: np.uint64) -> range:
        first, end = (int(np.searchsorted(self._keys, key, side)) for side in ("left", "right"))
        return range(first, end)

    def _note(self, at: int, difference: str | None) -> None:
        self._states[at] = _EQUAL if difference is None else _OTHER
        if difference is None:
            self._notes.pop(at, None)
        else:
            self._notes.setdefault(at, difference)

    def _difference(self, at: int, made: MadeRow) -> str | None:
        split, batch = self._batches[self._batch[at]]
        row = batch.slice(int(self._row[at]), 1)
        tokens = TokenBatch.from_batch(row)
        ids, mask, start = tokens.input_ids, tokens.label_mask, int(tokens.target_start[0])
        names = [("split", split, made.split)]
        names += [("template", row.column("template")[0].as_py(), made.template)]
        if "task" in row.schema.names:
            names.append(("task", row.column("task")[0].as_py(), made.task))
        for name, is_, should in names:
            if is_ != should:
                return f"its {name} is '{is_}'; made again, it is '{should}'"
        if not np.array_equal(ids, made.input_ids):
            return f"its tokens, made again, differ from token {_first(ids, made.input_ids)} on"
        if start != made.target_start:
            return f"its target starts at {start:,}; made again, at {made.target_start:,}"
        if not np.array_equal(mask, made.label_mask):
            return f"its label mask, made again, differs from token {_first(mask, made.label_mask)}"
        return None


def _hash_ids(batch: pa.RecordBatch) -> npt.NDArray[np.uint64]:
    return hash_column(batch.column("row_id").cast(pa.large_string()))[:, 0]


def _first(one: npt.NDArray[np.generic], other: npt.NDArray[np.generic]) -> str:
    """The place of the first difference, from 0."""
    length = min(len(one), len(other))
    differs = np.flatnonzero(one[:length] != other[:length])
    return f"{int(differs[0]) if len(differs) else length:,}"
