"""The ledger: a line for every source row that was dropped, cut or flagged, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field, fields
from pathlib import Path

import pyarrow as pa

from sftdata.base.arrow import texts
from sftdata.base.files import sync
from sftdata.base.ledger_line import LedgerLine
from sftdata.base.reasons import Status
from sftdata.errors import SftdataError, VerificationError, did_you_mean
from sftdata.writing.dataset_files import WAY_OUT
from sftdata.writing.manifest import Manifest, ledger_path
from sftdata.writing.table_file import read_table

EMPTY_LEDGER = "no row was dropped, cut or flagged"
_COLUMNS = [column.name for column in fields(LedgerLine)]
_SCHEMA = pa.schema([(name, pa.string()) for name in _COLUMNS])


@dataclass
class Ledger:
    """The lines of a build, in source order."""

    lines: list[LedgerLine] = field(default_factory=list)

    @classmethod
    def read(cls, manifest: Manifest) -> Ledger:
        """The ledger of a dataset. Raises `VerificationError` when it is missing or damaged."""
        lines = read_ledger(manifest).to_pylist()
        if odd := {line["status"] for line in lines} - {*Status}:
            raise VerificationError(
                f"{manifest.directory / ledger_path(manifest['build'])}: cannot be read: a line "
                f"has the status '{min(odd)}'.",
                WAY_OUT,
            )
        return cls([LedgerLine(**{**line, "status": Status(line["status"])}) for line in lines])

    @property
    def dropped(self) -> dict[str, int]:
        """Dropped rows by reason, in order of their names."""
        return self._count(Status.DROPPED)

    @property
    def flagged(self) -> dict[str, int]:
        """Rows that were kept and flagged by reason, in order of their names."""
        return self._count(Status.FLAGGED)

    def _count(self, status: Status) -> dict[str, int]:
        counts = Counter(str(line.reason) for line in self.lines if line.status == status)
        return dict(sorted(counts.items()))

    @property
    def cut(self) -> int:
        """How many rows were cut."""
        return sum(line.status == Status.CUT for line in self.lines)

    def write(self, path: Path) -> None:
        """Writes an Arrow IPC file and makes sure it is on disk."""
        columns = [[getattr(line, name) for line in self.lines] for name in _COLUMNS]
        arrays = [texts(column).cast(pa.string()) for column in columns]
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, _SCHEMA) as writer:
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA))
        sync(path)


def check_reason(reason: str, reasons: Collection[str]) -> None:
    """Raises `SftdataError` for a reason that is not one of those in a ledger."""
    if reason in reasons:
        return
    if not reasons:
        raise SftdataError(
            f"No row has the reason '{reason}': {EMPTY_LEDGER}.", "Leave --reason out.", code="E706"
        )
    raise SftdataError(
        f"No row has the reason '{reason}'.", did_you_mean(reason, reasons), code="E706"
    )


def read_ledger(manifest: Manifest, reason: str | None = None) -> pa.Table:
    """The ledger of a dataset as a table with the columns of `LedgerLine`; of one reason if given.

    Raises `VerificationError` when it is missing or damaged.
    """
    table = read_table(manifest, ledger_path(manifest["build"]), _SCHEMA)
    return table if reason is None else table.filter(pa.compute.field("reason") == reason)
