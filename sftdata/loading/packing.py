"""Pack plans: which rows share a sequence. A plan names rows and copies no token."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.arrow import numbers, to_numbers
from sftdata.base.escaping import escape_bytes
from sftdata.base.files import is_of_machine, read_regular, write_atomically
from sftdata.base.wording import reason_of
from sftdata.errors import SftdataError
from sftdata.loading.bin_packing import assign_packs
from sftdata.loading.dataset import Dataset
from sftdata.writing.manifest import Manifest

FOLDER = "packs"
PLAN_SCHEMA = pa.schema([("rows", pa.list_(pa.int32())), ("lengths", pa.list_(pa.int32()))])
_PACKS_IN_BATCH = 1 << 16


class StalePlanError(SftdataError):
    """A plan that was made for another build of its dataset."""


@dataclass(frozen=True)
class PackPlan:
    """Packs of one split. Pack i holds the rows `rows[offsets[i]:offsets[i + 1]]`, in that order.

    `rows` holds each row number of the split once; `lengths` are the tokens of these rows.
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
        return self.sum_by_pack(self.lengths)

    def sum_by_pack(self, values: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
        """int64[packs]: the sum over each pack of a value per row, in the order of `rows`."""
        total = np.concatenate(([0], np.cumsum(values, dtype=np.int64)))
        return np.diff(total[self.offsets])

    @property
    def lower_bound(self) -> int:
        """No plan needs fewer packs: by all tokens, and by rows longer than half a pack."""
        by_tokens = -(-int(self.lengths.sum(dtype=np.int64)) // self.max_length)
        return max(by_tokens, int((self.lengths.astype(np.int64) * 2 > self.max_length).sum()))

    @property
    def efficiency(self) -> float:
        """The lower bound divided by the number of packs; 1 is optimal."""
        return self.lower_bound / len(self) if len(self) else 1.0

    @property
    def fill(self) -> float:
        """The share of the packs' positions that hold a token."""
        room = len(self) * self.max_length
        return int(self.lengths.sum(dtype=np.int64)) / room if room else 1.0


def plan_packs(lengths: npt.NDArray[np.integer], max_length: int) -> PackPlan:
    """Packs of at most `max_length` tokens for rows of these lengths; deterministic.

    Raises `SftdataError` when a row is longer than `max_length`.
    """
    too_long = int((lengths > max_length).sum())
    if too_long:
        raise SftdataError(
            f"{too_long:,} of {len(lengths):,} rows are longer than {max_length:,} tokens; the "
            f"longest has {int(lengths.max()):,}.",
            f"Pack into longer sequences, or build with --max-length {max_length}.",
            code="E705",
        )
    by_length = np.argsort(-lengths.astype(np.int64), kind="stable")
    pack_of = assign_packs(lengths[by_length], max_length)
    order = np.lexsort((by_length, pack_of))
    rows = by_length[order]
    packs = int(pack_of.max(initial=-1)) + 1
    offsets = np.concatenate(([0], np.cumsum(np.bincount(pack_of, minlength=packs))))
    return PackPlan(max_length, rows.astype(np.int32), lengths[rows].astype(np.int32), offsets)


def plan_path(directory: Path, split: str, max_length: int) -> Path:
    """The file of a split's plan."""
    return directory / FOLDER / f"{max_length}-{split}.arrow"


def write_plan(manifest: Manifest, split: str, plan: PackPlan) -> Path:
    """Write the plan beside the shards with the id of the build, and return its path."""
    path = plan_path(manifest.directory, split, plan.max_length)
    path.parent.mkdir(exist_ok=True)
    schema = PLAN_SCHEMA.with_metadata(_describe(manifest, split, plan.max_length))
    offsets = numbers(plan.offsets.astype(np.int32))
    columns = [
        pa.ListArray.from_arrays(offsets, numbers(values)) for values in (plan.rows, plan.lengths)
    ]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, schema) as writer:
        writer.write_table(pa.Table.from_arrays(columns, schema=schema), _PACKS_IN_BATCH)
    data = sink.getvalue().to_pybytes()
    if path.is_file() and path.read_bytes() != data:
        path.unlink()  # of another build: it must not stand beside the new digest
    write_atomically(_digest_path(path), _digest_line(path, data))
    write_atomically(path, data)
    return path


def find_plans(data: Dataset) -> Iterator[tuple[Path, str, int]]:
    """Path, split and maximum length of each plan beside a dataset; not all fit this build."""
    for path in sorted((data.manifest.directory / FOLDER).glob("*.arrow")):
        length, _, split = path.stem.partition("-")
        if length.isdecimal() and split in data:  # else of a split that is gone, or a foreign file
            yield path, split, int(length)


def find_damaged_plans(directory: Path) -> Iterator[str]:
    """A line for each plan that is not as it was written; reads no shard."""
    for path in sorted((directory / FOLDER).glob("*.arrow")):
        if path.stem.partition("-")[0].isdecimal():
            try:
                _read_table(path)
            except (OSError, ValueError, pa.ArrowException) as error:
                if is_of_machine(error):
                    raise
                yield f"{path}: the pack plan cannot be read: {reason_of(error)}"


def read_plan(data: Dataset, split: str, max_length: int) -> PackPlan:
    """The plan of a split.

    Raises `SftdataError` when it is missing, damaged, or was made for another build.
    """
    manifest = data.manifest
    path = plan_path(manifest.directory, split, max_length)
    remedy = f"Make it: sftdata pack {manifest.directory} --max-length {max_length} --split {split}"
    try:
        table = _read_table(path)
    except FileNotFoundError as error:
        raise SftdataError(
            f"{manifest.directory} has no pack plan for '{split}' and {max_length:,} tokens.",
            remedy,
            code="E705",
        ) from error
    except (OSError, ValueError, pa.ArrowException) as error:
        if is_of_machine(error):
            raise
        raise SftdataError(
            f"{path}: the pack plan cannot be read: {reason_of(error)}", remedy, code="E705"
        ) from error
    found = table.schema.metadata or {}
    build = found.get(b"build", b"(unknown)")
    if build != manifest["build"].encode():
        raise StalePlanError(
            f"{path}: the plan was made for the build {escape_bytes(build)}, but the dataset is "
            f"the build {manifest['build']}.",
            remedy,
            code="E705",
        )
    plan = PackPlan(
        max_length, _flatten(table, "rows"), _flatten(table, "lengths"), _offsets(table, "rows")
    )
    fits = (
        found == _describe(manifest, split, max_length)
        and np.array_equal(plan.offsets, _offsets(table, "lengths"))
        and np.array_equal(np.sort(plan.rows), np.arange(len(data[split])))
        and np.array_equal(plan.lengths, data[split].lengths[plan.rows])
        and int(plan.tokens.max(initial=0)) <= max_length
    )
    if not fits:
        raise SftdataError(
            f"{path}: the plan does not fit the rows of '{split}'.", remedy, code="E705"
        )
    return plan


def _describe(manifest: Manifest, split: str, max_length: int) -> dict[bytes, bytes]:
    """The metadata of a plan's schema."""
    facts = {"build": manifest["build"], "split": split, "max_length": str(max_length)}
    return {key.encode(): value.encode() for key, value in facts.items()}


def _digest_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _digest_line(path: Path, data: bytes) -> bytes:
    """The line that `sha256sum` prints."""
    return f"{hashlib.sha256(data).hexdigest()}  {path.name}\n".encode()


def _read_table(path: Path) -> pa.Table:
    """The content of a plan, one chunk a column. Raises `ValueError` if it was changed."""
    data = read_regular(path)
    recorded = _digest_path(path)
    if not recorded.is_file():
        raise ValueError(f"there is no {recorded.name} beside it")
    if recorded.read_bytes() != _digest_line(path, data):
        raise ValueError("it is not as it was written (its digest differs)")
    table = pa.ipc.open_file(pa.py_buffer(data)).read_all().combine_chunks()
    table.validate(full=True)
    if table.schema != PLAN_SCHEMA or any(
        column.null_count or (column.num_chunks and column.chunk(0).values.null_count)
        for column in table.columns
    ):
        raise ValueError("it does not have the columns of a plan")
    return table


def _offsets(table: pa.Table, column: str) -> npt.NDArray[np.int64]:
    """int64[packs + 1]: where each pack starts, from 0."""
    if not table.num_rows:
        return np.zeros(1, np.int64)
    offsets = to_numbers(table.column(column).chunk(0).offsets)
    return np.asarray(offsets - offsets[0], np.int64)


def _flatten(table: pa.Table, column: str) -> npt.NDArray[np.int32]:
    if not table.num_rows:
        return np.empty(0, np.int32)
    return to_numbers(table.column(column).chunk(0).flatten())
