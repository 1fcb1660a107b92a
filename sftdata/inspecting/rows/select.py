"""Select rows: by id, index, at random, or by task, template, length, reason and finding.

Only the columns of a condition are read: the ids for an id, the offsets for a length.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import texts, to_flags, to_numbers
from sftdata.base.reasons import Status
from sftdata.base.wording import count
from sftdata.errors import SftdataError, did_you_mean
from sftdata.loading.dataset import Dataset, Example
from sftdata.writing.ledger import check_reason, read_ledger

_SHOWN = 3  # rows, when the caller gives no number


@dataclass(frozen=True)
class RowFilter:
    """Conditions on a row; None is no condition."""

    task: str | None = None
    template: str | None = None  # `id@version`, or only the id
    min_tokens: int | None = None
    max_tokens: int | None = None
    reason: str | None = None  # of the row's ledger line
    finding: str | None = None  # id of a check of `doctor`

    @property
    def is_empty(self) -> bool:
        """Whether every row meets it."""
        return self == RowFilter()


@dataclass(frozen=True)
class RowSet:
    """Rows of a dataset, numbered in order: for each split, the places of its rows."""

    data: Dataset
    places: Mapping[str, npt.NDArray[np.int64]]

    def __len__(self) -> int:
        return sum(len(rows) for rows in self.places.values())

    def split_places(self, numbers: range) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
        """The places of the rows with these numbers, split by split."""
        first = 0
        for split, rows in self.places.items():
            part = rows[max(numbers.start - first, 0) : max(numbers.stop - first, 0)]
            if len(part):
                yield split, part
            first += len(rows)

    def __getitem__(self, number: int) -> tuple[str, Example]:
        """The row with this number, and its split."""
        for split, rows in self.places.items():
            if number < len(rows):
                return split, self.data[split][int(rows[number])]
            number -= len(rows)
        raise IndexError(number)


def find_rows(data: Dataset, splits: Sequence[str], wanted: RowFilter) -> RowSet:
    """The rows of `splits` that meet the conditions.

    Raises `SftdataError` for a task, template, reason or finding that no row has.
    """
    ledgered = None if wanted.reason is None else _ids_with_reason(data, wanted.reason)
    template = None if wanted.template is None else _templates(data, wanted.template)
    if wanted.task is not None:
        _check_task(data, wanted.task)
    has_finding = None if wanted.finding is None else _rows_with_finding(data, wanted.finding)
    places = {}
    for name in splits:
        kept = np.ones(len(data[name]), np.bool_)
        if has_finding is not None:
            kept &= has_finding[name]
        if ledgered is not None:
            kept &= _is_in(data, name, "row_id", ledgered)
        if template is not None:
            kept &= _is_in(data, name, "template", template)
        if wanted.task is not None and "task" in data[name].to_arrow().column_names:
            kept &= _is_in(data, name, "task", [wanted.task])
        if wanted.min_tokens is not None or wanted.max_tokens is not None:
            tokens = data[name].lengths
            kept &= tokens >= (wanted.min_tokens or 0)
            kept &= tokens <= (tokens if wanted.max_tokens is None else wanted.max_tokens)
        places[name] = np.flatnonzero(kept)
    return RowSet(data, places)


def choose_rows(
    data: Dataset,
    *,
    split: str | None = None,
    row_id: str | None = None,
    index: int | None = None,
    sample: int | None = None,
    seed: int = 0,
    wanted: RowFilter | None = None,
    limit: int = _SHOWN,
) -> list[tuple[str, Example]]:
    """One row by id, one by index, `sample` rows at random, or else the first `limit` rows.

    All but the row by id come from the rows that meet `wanted`, of all splits; without conditions
    and sample, from the first split. Raises `SftdataError` when there is no such row.
    """
    names = [split] if split is not None else [name for name in data if len(data[name])]
    if row_id is not None:
        return [_with_id(data, names, row_id)]
    wanted = wanted or RowFilter()
    if wanted.is_empty and sample is None:
        names = names[:1]
    found = find_rows(data, names, wanted)
    if not len(found) and wanted.is_empty:
        with_rows = ", ".join(name for name in data if len(data[name]))
        raise SftdataError(
            f"The split '{split}' has no rows.", f"Splits with rows: {with_rows}.", code="E706"
        )
    if not len(found):
        raise SftdataError(
            f"No row of {', '.join(names)} meets all conditions.",
            f"See the tasks, templates and lengths: sftdata stats {data.manifest.directory}",
            code="E706",
        )
    if index is not None:
        if not 0 <= index < len(found):
            where = f"'{names[0]}'" if len(names) == 1 else "the rows that meet the conditions"
            raise SftdataError(
                f"There is no index {index} in {where}.",
                f"Choose from {count(len(found), 'row')}, counted from 0.",
                code="E706",
            )
        return [found[index]]
    if sample is not None:
        numbers = random.Random(seed).sample(range(len(found)), min(sample, len(found)))
        return [found[number] for number in numbers]
    return [found[number] for number in range(min(limit, len(found)))]


def rows_with_ids(data: Dataset, row_ids: Sequence[str]) -> list[tuple[str, Example]]:
    """The rows with these ids, in the order of the dataset; ids that no row has are left out."""
    return [
        (name, split[int(place)])
        for name, split in data.items()
        for place in np.flatnonzero(_is_in(data, name, "row_id", row_ids))
    ]


def _with_id(data: Dataset, names: Sequence[str], row_id: str) -> tuple[str, Example]:
    value = texts([row_id]).cast(pa.string())[0]
    for name in names:
        place = pc.index(data[name].to_arrow().column("row_id"), value).as_py()
        if place >= 0:
            return name, data[name][place]
    raise SftdataError(
        f"No example has the row id {row_id!r}.",
        f"It may have been dropped: sftdata ledger {data.manifest.directory}",
        code="E706",
    )


def _is_in(data: Dataset, split: str, column: str, values: Sequence[str]) -> npt.NDArray[np.bool_]:
    wanted = texts(values).cast(pa.string())
    found = [np.empty(0, np.bool_)]
    for chunk in data[split].to_arrow().column(column).chunks:
        if pa.types.is_dictionary(chunk.type):
            of_entry = to_flags(pc.is_in(chunk.dictionary, wanted))
            found.append(of_entry[to_numbers(chunk.indices)])
        else:
            found.append(to_flags(pc.is_in(chunk, wanted)))
    return np.concatenate(found)


def _ids_with_reason(data: Dataset, reason: str) -> list[str]:
    lines = read_ledger(data.manifest)
    reasons = set(lines.column("reason").to_pylist())
    check_reason(reason, reasons)
    lines = lines.filter((pc.field("reason") == reason) & (pc.field("status") != Status.DROPPED))
    if not lines.num_rows:
        raise SftdataError(
            f"Every row with the reason '{reason}' was dropped, so there is no example to show.",
            f"See the rows: sftdata ledger {data.manifest.directory} --reason {reason}",
            code="E706",
        )
    ids: list[str] = lines.column("row_id").to_pylist()
    return ids


def _templates(data: Dataset, name: str) -> list[str]:
    labels = list(data.manifest["template"])
    found = [label for label in labels if name in (label, label.partition("@")[0])]
    if not found:
        raise SftdataError(
            f"The dataset has no template '{name}'.", did_you_mean(name, labels), code="E706"
        )
    return found


def _rows_with_finding(data: Dataset, check_id: str) -> dict[str, npt.NDArray[np.bool_]]:
    """For each split, which of its rows have the finding."""
    from sftdata.inspecting.doctor.diagnose import find_rows_with  # takes time to import

    found = find_rows_with(data, check_id)
    flags: dict[str, npt.NDArray[np.bool_]] = {}
    first = 0
    for name, split in data.items():
        own = found[(found >= first) & (found < first + len(split))]
        flags[name] = np.zeros(len(split), np.bool_)
        flags[name][own - first] = True
        first += len(split)
    return flags


def _check_task(data: Dataset, task: str) -> None:
    tasks: set[str] = set()
    for split in data.values():
        table = split.to_arrow()
        if "task" in table.column_names:
            tasks.update(pc.unique(table.column("task")).to_pylist())
    tasks = tasks or {data.manifest["task"]}
    if task not in tasks:
        raise SftdataError(
            f"The dataset has no task '{task}'.", did_you_mean(task, tasks), code="E706"
        )
