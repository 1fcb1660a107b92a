"""Pack: which rows share a sequence. The plan names rows and copies no token.

Best-fit decreasing: the longest rows first, each into the fullest pack that still has room. Rows of
equal length and packs of equal room are handled together, so a plan costs little more than sorting
the lengths.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.arrow import numbers, to_numbers
from sftdata.base.files import write_atomically
from sftdata.errors import SftdataError
from sftdata.loading.dataset import Dataset
from sftdata.writing.manifest import Manifest

FOLDER = "packs"
_SCHEMA = pa.schema([("rows", pa.list_(pa.int32())), ("lengths", pa.list_(pa.int32()))])
_PACKS_IN_BATCH = 1 << 16


@dataclass(frozen=True)
class PackPlan:
    """Packs of one split. Pack i holds the rows `rows[offsets[i]:offsets[i + 1]]`, in that order.

    `rows` are places in the split, each once; `lengths` are their tokens.
    """

    max_length: int
    rows: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]  # [packs + 1]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, pack: int) -> npt.NDArray[np.int32]:
        return self.rows[self.offsets[pack] : self.offsets[pack + 1]]

    @cached_property
    def tokens(self) -> npt.NDArray[np.int64]:
        """int64[packs]: tokens of each pack."""
        return self.sums(self.lengths)

    def sums(self, of_rows: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
        """int64[packs]: a number of each row, in the order of `rows`, added up by pack."""
        total = np.concatenate(([0], np.cumsum(of_rows, dtype=np.int64)))
        return np.diff(total[self.offsets])

    @property
    def lower_bound(self) -> int:
        """The fewest packs any plan could need: by tokens, and by rows no two of which fit."""
        by_tokens = -(-int(self.lengths.sum(dtype=np.int64)) // self.max_length)
        return max(by_tokens, int((self.lengths.astype(np.int64) * 2 > self.max_length).sum()))

    @property
    def efficiency(self) -> float:
        """The lower bound as a share of the packs there are; 1 is the best there can be."""
        return self.lower_bound / len(self) if len(self) else 1.0

    @property
    def fill(self) -> float:
        """The share of the packs' room that tokens take."""
        room = len(self) * self.max_length
        return int(self.lengths.sum(dtype=np.int64)) / room if room else 1.0


def plan_packs(lengths: npt.NDArray[np.integer], max_length: int) -> PackPlan:
    """A plan for rows of these lengths, the same for the same lengths.

    Raises `SftdataError` when a row is longer than `max_length`.
    """
    too_long = int((lengths > max_length).sum())
    if too_long:
        raise SftdataError(
            f"{too_long:,} of {len(lengths):,} rows are longer than {max_length:,} tokens; the "
            f"longest has {int(lengths.max()):,}.",
            f"Pack into longer sequences, or build with --max-length {max_length}.",
        )
    by_length = np.argsort(-lengths.astype(np.int64), kind="stable")
    pack_of = _best_fit(lengths[by_length], max_length)
    order = np.lexsort((by_length, pack_of))
    rows = by_length[order]
    packs = int(pack_of.max(initial=-1)) + 1
    offsets = np.concatenate(([0], np.cumsum(np.bincount(pack_of, minlength=packs))))
    return PackPlan(max_length, rows.astype(np.int32), lengths[rows].astype(np.int32), offsets)


def _best_fit(lengths: npt.NDArray[np.integer], max_length: int) -> npt.NDArray[np.int64]:
    """int64[rows]: the pack of each row. `lengths` go down.

    Of equal rows, best fit puts as many as fit into the fullest open pack before it goes to the
    next, and packs with equal room do not differ; so whole groups move at once.
    """
    pack_of = np.empty(len(lengths), np.int64)
    open_packs: list[list[npt.NDArray[np.int64]]] = [[] for _ in range(max_length + 1)]  # by room
    has_room = bytearray(max_length + 1)  # 1 where there is an open pack with that room
    packs = 0
    starts = np.flatnonzero(np.diff(lengths, prepend=-1)).tolist()
    for at, end in pairwise([*starts, len(lengths)]):
        length = int(lengths[at])
        while at < end:
            room = has_room.find(1, length)
            if room < 0:
                room, fits = max_length, max_length // length
                group = np.arange(packs, packs + -(-(end - at) // fits))
                packs += len(group)
            else:
                group, fits = np.concatenate(open_packs[room]), room // length
                open_packs[room], has_room[room] = [], 0
            taken = min(end - at, fits * len(group))
            pack_of[at : at + taken] = np.repeat(group, fits)[:taken]
            at += taken
            full, rest = divmod(taken, fits)
            for left, part in (
                (room - fits * length, group[:full]),
                (room - rest * length, group[full : full + 1] if rest else group[:0]),
                (room, group[full + (rest > 0) :]),
            ):
                if left and len(part):
                    open_packs[left].append(part)
                    has_room[left] = 1
    return pack_of


def plan_path(directory: Path, split: str, max_length: int) -> Path:
    """Where the plan of a split lies."""
    return directory / FOLDER / f"{max_length}-{split}.arrow"


def write_plan(manifest: Manifest, split: str, plan: PackPlan) -> Path:
    """Writes the plan beside the shards, tied to the build, and gives its path."""
    path = plan_path(manifest.directory, split, plan.max_length)
    path.parent.mkdir(exist_ok=True)
    schema = _SCHEMA.with_metadata(
        {"build": manifest["build"], "split": split, "max_length": str(plan.max_length)}
    )
    offsets = numbers(plan.offsets.astype(np.int32))
    columns = [
        pa.ListArray.from_arrays(offsets, numbers(values)) for values in (plan.rows, plan.lengths)
    ]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, schema) as writer:
        writer.write_table(pa.Table.from_arrays(columns, schema=schema), _PACKS_IN_BATCH)
    write_atomically(path, sink.getvalue().to_pybytes())
    return path


def read_plan(data: Dataset, split: str, max_length: int) -> PackPlan:
    """The plan of a split.

    Raises `SftdataError` when there is none, it cannot be read, or it is of another build.
    """
    manifest = data.manifest
    path = plan_path(manifest.directory, split, max_length)
    again = f"Make it: sftdata pack {manifest.directory} --max-length {max_length} --split {split}"
    try:
        with pa.memory_map(str(path)) as mapped:
            table = pa.ipc.open_file(mapped).read_all().combine_chunks()
    except FileNotFoundError as error:
        raise SftdataError(
            f"{manifest.directory} has no pack plan for '{split}' and {max_length:,} tokens.", again
        ) from error
    except (OSError, pa.ArrowInvalid) as error:
        raise SftdataError(f"{path}: the pack plan cannot be read: {error}", again) from error
    build = (table.schema.metadata or {}).get(b"build", b"").decode()
    if build != manifest["build"]:
        raise SftdataError(
            f"{path}: the plan is of the build {build or '(unknown)'}; the dataset is "
            f"{manifest['build']}, whose rows may be others.",
            again,
        )
    rows, lengths = (_flat(table, name) for name in ("rows", "lengths"))
    offsets = np.zeros(1, np.int64)
    if table.num_rows:
        offsets = to_numbers(table.column("rows").chunk(0).offsets).astype(np.int64)
    if len(rows) != len(data[split]) or not np.array_equal(lengths, data[split].lengths[rows]):
        raise SftdataError(f"{path}: the plan does not fit the rows of '{split}'.", again)
    return PackPlan(max_length, rows, lengths, offsets)


def _flat(table: pa.Table, column: str) -> npt.NDArray[np.int32]:
    if not table.num_rows:
        return np.empty(0, np.int32)
    return to_numbers(table.column(column).chunk(0).flatten())


@dataclass(frozen=True)
class Fit:
    """Rows of a split, each padded to `max_length` or several packed into it."""

    max_length: int
    rows: int
    too_long: int  # rows of more than `max_length` tokens, counted as cut to that length
    padding_waste: float  # share of the padded tokens that are padding
    packs: int
    packing_efficiency: float  # share of the packed tokens that are not padding


def fit_rows(lengths: npt.NDArray[np.int32], max_length: int) -> Fit:
    """How rows of these lengths, int32[rows] in tokens, fit into `max_length` tokens."""
    counts = np.bincount(np.minimum(lengths, max_length), minlength=max_length + 1)
    tokens = int(counts @ np.arange(max_length + 1))
    packs = _count_packs(counts)
    return Fit(
        max_length=max_length,
        rows=len(lengths),
        too_long=int((lengths > max_length).sum()),
        padding_waste=_share(len(lengths) * max_length - tokens, len(lengths) * max_length),
        packs=packs,
        packing_efficiency=_share(tokens, packs * max_length),
    )


def batch_padding(lengths: npt.NDArray[np.int32], batch_size: int) -> float:
    """Share of padding when rows, in their order, are padded to the longest of their batch."""
    if not len(lengths):
        return 0.0
    starts = np.arange(0, len(lengths), batch_size)
    sizes = np.diff(np.append(starts, len(lengths)))
    padded = int((np.maximum.reduceat(lengths, starts).astype(np.int64) * sizes).sum())
    return _share(padded - int(lengths.sum(dtype=np.int64)), padded)


def _count_packs(counts: npt.NDArray[Any]) -> int:
    """Packs that best-fit decreasing makes; `counts[n]` rows have n tokens.

    Rows of one length are placed together, so the work depends on the lengths that occur, and
    neither on the number of rows nor on how long a pack may be.
    """
    size = len(counts) - 1
    free = _Free(size)
    packs = 0
    for length in np.flatnonzero(counts)[::-1].tolist():
        left = int(counts[length]) if length else 0
        room = free.next(length)
        while left and room >= 0:
            left -= free.place(room, length, left, free.packs[room])
            room = free.next(room + 1)
        if left:
            new = -(-left // (size // length))
            packs += new
            free.add(size, new)
            free.place(size, length, left, new)
    return packs


class _Free:
    """How many packs have room for n more tokens."""

    def __init__(self, size: int) -> None:
        self.packs = [0] * (size + 1)
        self._is_there = bytearray(size + 1)

    def next(self, room: int) -> int:
        """The least room from `room` on that some pack has; -1 where there is none."""
        return self._is_there.find(1, room)

    def add(self, room: int, packs: int) -> None:
        """Notes that so many packs more (or fewer) have this room."""
        self.packs[room] += packs
        self._is_there[room] = self.packs[room] > 0

    def place(self, room: int, length: int, rows: int, packs: int) -> int:
        """Puts rows into packs with `room`, each filled before the next; how many it took."""
        each = room // length
        full = min(packs, rows // each)
        self.add(room, -full)
        self.add(room - each * length, full)
        placed = full * each
        rest = min(rows - placed, each) if full < packs else 0
        if rest:
            self.add(room, -1)
            self.add(room - rest * length, 1)
        return placed + rest


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0
