"""The rows of each part that a mixture can use: rows that no earlier part has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sftdata.base.array_file import ArrayFile, Rows
from sftdata.base.reasons import Reason
from sftdata.base.schema import measure_rows
from sftdata.base.wording import count
from sftdata.building.mixture.parts import ExcludedRows, MixturePart
from sftdata.building.mixture.sampling import COLUMNS, HASH, PLACE, UNITS
from sftdata.errors import GoldenSetError
from sftdata.examples.blocks import CONTENT_HASH, ID_HASH
from sftdata.reading.screening.seen_ids import SeenIds

_OTHER_CONTENT = "has the id of a row of an earlier source, which says something else"
_NO_ROWS, _NO_HASHES = np.empty(0, np.int64), np.empty((0, 2), np.uint64)

# For each part, by split: the rows that could be used, as `sampling` takes them.
FreshRows = list[dict[str, ArrayFile]]


def find_fresh_rows(
    parts: Sequence[MixturePart], by: str, train: str | None, folder: Path
) -> tuple[FreshRows, list[ExcludedRows]]:
    """The rows that no earlier part has, by id or by content, and the rows that one has.

    `by`: how the rows of the split `train` are measured. Raises `GoldenSetError` if more rows of a
    part than its spec allows have ids of other rows.
    """
    ids, contents = SeenIds(folder), SeenIds(folder)
    fresh: FreshRows = []
    excluded: list[ExcludedRows] = []
    for at, part in enumerate(parts):
        own: dict[str, ArrayFile] = {}
        clashes = rows = 0
        for split, hashes in part.write_hashes(folder).items():
            units = _measure(part, split, by if split == train else "rows", folder)
            own[split] = ArrayFile(folder, COLUMNS)
            keeps_duplicates = part.source.spec.duplicates == "keep"
            repeats = _divide(hashes, units, own[split], ids, contents, keeps_duplicates)
            details = _name_kept_rows(parts[:at], fresh, repeats.contents, folder)
            excluded += [
                ExcludedRows(at, split, repeats.of_content, Reason.DUPLICATE, details),
                ExcludedRows(at, split, repeats.of_id, Reason.REPEATED_ID, repeat(_OTHER_CONTENT)),
            ]
            clashes, rows = clashes + len(repeats.of_id), rows + len(hashes)
        if 100 * clashes > part.source.spec.max_dropped * rows:
            raise _too_many_clashes(part.source.name, clashes, rows)
        fresh.append(own)
    return fresh, excluded


@dataclass(frozen=True, slots=True)
class _Repeats:
    """The rows of a split that repeat rows of an earlier part, by their places in the split."""

    of_content: npt.NDArray[np.int64]
    contents: Rows  # hashes of the contents of these rows
    of_id: npt.NDArray[np.int64]  # rows with the id of another row, and another content


def _divide(
    hashes: ArrayFile,
    units: ArrayFile | None,
    fresh: ArrayFile,
    ids: SeenIds,
    contents: SeenIds,
    keeps_duplicates: bool,
) -> _Repeats:
    """Writes the rows of a split that no earlier part has to `fresh`, and gives the others."""
    duplicates, clashing, said = [_NO_ROWS], [_NO_ROWS], [_NO_HASHES]
    start = 0
    for piece in hashes.pieces():
        same_id = ids.add(piece[:, ID_HASH])
        # A row that goes for its id is not the first with its content.
        same_content = contents.add(piece[:, CONTENT_HASH], ~same_id)
        if keeps_duplicates:
            same_content &= same_id
        places = np.arange(start, start + len(piece))
        is_fresh = ~(same_id | same_content)
        rows = np.ones((len(piece), COLUMNS), np.uint64)
        rows[:, HASH], rows[:, PLACE] = piece[:, 0], places
        if units is not None:
            rows[:, UNITS] = units.read(start, start + len(piece))[:, 0]
        fresh.append(rows[is_fresh])
        duplicates.append(places[same_content])
        said.append(piece[same_content, CONTENT_HASH])
        clashing.append(places[same_id & ~same_content])
        start += len(piece)
    return _Repeats(np.concatenate(duplicates), np.concatenate(said), np.concatenate(clashing))


def _too_many_clashes(name: str, clashes: int, rows: int) -> GoldenSetError:
    return GoldenSetError(
        f"{clashes:,} of {count(rows, 'row')} of the source '{name}' have ids of other rows in "
        "earlier sources of the mixture, so they would be dropped. Nothing was committed.",
        f'Put a text before the ids of the source, in its table: id_prefix = "{name}"',
        code="E301",
    )


def _measure(part: MixturePart, split: str, by: str, folder: Path) -> ArrayFile | None:
    """The tokens of each row, or those in the loss; None where each row counts 1."""
    if by == "rows":
        return None
    units = ArrayFile(folder, 1)
    for batch in part.batches(split):
        units.append(getattr(measure_rows(batch), by).astype(np.uint64))
    return units


def _name_kept_rows(
    parts: Sequence[MixturePart],
    fresh: Sequence[Mapping[str, ArrayFile]],
    contents: Rows,
    folder: Path,
) -> list[str]:
    """For each content, which row of these parts has it, in words for the ledger.

    `fresh`: for each part and split the rows that are in the mixture. `contents`: uint64[rows, 2].
    """
    found: dict[tuple[int, ...], str] = {}
    if not len(contents):
        return []
    for part, kept in zip(parts, fresh, strict=True):
        for split, hashes in part.write_hashes(folder).items():
            same = [
                (places[is_same], own[is_same])
                for places, own in _contents(hashes, kept[split])
                if (is_same := np.isin(own[:, 0], contents[:, 0])).any()
            ]
            ids = part.row_ids(split, np.concatenate([_NO_ROWS, *(places for places, _ in same)]))
            said = [tuple(content) for _, own in same for content in own.tolist()]
            for content, row_id in zip(said, ids, strict=True):
                found.setdefault(content, f"row '{row_id}' of the source '{part.source.name}'")
    return [
        f"says the same as {found.get(content, 'a row of an earlier source')}"
        for content in map(tuple, contents.tolist())
    ]


def _contents(hashes: ArrayFile, kept: ArrayFile) -> Iterator[tuple[npt.NDArray[np.int64], Rows]]:
    """Places and contents of the kept rows of a split, some at a time."""
    for piece in kept.pieces():
        places = piece[:, PLACE].astype(np.int64)
        first = int(places[0])
        yield places, hashes.read(first, int(places[-1]) + 1)[places - first, CONTENT_HASH]
