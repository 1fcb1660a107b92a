"""The ledger: a line for every source row that was dropped, cut or flagged, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from sftdata.base.arrow import texts
from sftdata.base.files import sync
from sftdata.base.reasons import Status
from sftdata.examples.blocks import LedgerLine
from sftdata.writing.manifest import Manifest, ledger_path

LEDGER_COLUMNS = ("row_id", "source", "status", "reason", "detail")
_SCHEMA = pa.schema([(name, pa.string()) for name in LEDGER_COLUMNS])


@dataclass
class Ledger:
    """The lines of a build, in source order. `source` is `file:line`."""

    lines: list[tuple[str, str, str, str, str]] = field(default_factory=list)

    def add(self, line: LedgerLine, source: str, first_row: int) -> None:
        """Adds a chunk's line; `first_row` is where the chunk starts in the source."""
        place = f"{source}:{first_row + line.line}"
        self.lines.append((line.row_id, place, line.status, line.reason, line.detail))

    @property
    def dropped(self) -> dict[str, int]:
        """Dropped rows by reason, in order of their names."""
        return self._by_reason(Status.DROPPED)

    @property
    def flagged(self) -> dict[str, int]:
        """Rows that were kept and flagged by reason, in order of their names."""
        return self._by_reason(Status.FLAGGED)

    def _by_reason(self, wanted: str) -> dict[str, int]:
        counts = Counter(reason for _, _, status, reason, _ in self.lines if status == wanted)
        return dict(sorted(counts.items()))

    @property
    def cut(self) -> int:
        """Rows that were cut."""
        return sum(status == Status.CUT for _, _, status, _, _ in self.lines)

    def write(self, path: Path) -> None:
        """Writes an Arrow IPC file and makes sure it is on disk."""
        columns = [list(column) for column in zip(*self.lines, strict=True)] or [[]] * 5
        arrays = [texts(column).cast(pa.string()) for column in columns]
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, _SCHEMA) as writer:
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA))
        sync(path)


def read_ledger(manifest: Manifest, reason: str | None = None) -> pa.Table:
    """The ledger of a dataset: row_id, source, status, reason, detail; of one reason if given."""
    path = manifest.directory / ledger_path(manifest["build"])
    with pa.memory_map(str(path)) as mapped:
        table = pa.ipc.open_file(mapped).read_all()
    return table if reason is None else table.filter(pa.compute.field("reason") == reason)
