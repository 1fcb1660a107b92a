"""Screen golden rows before they are rendered: checks, and texts of evaluation files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.conversation import Conversation
from sftdata.base.escaping import escape
from sftdata.base.reasons import Reason, Status
from sftdata.errors import GoldenSetError
from sftdata.reading.outcomes import RowOutcomes
from sftdata.reading.rows import Rows
from sftdata.reading.screening.checks import Suspect, find_suspects
from sftdata.reading.screening.contamination import EvaluationTexts
from sftdata.reading.screening.conversation_checks import find_conversation_suspects
from sftdata.reading.screening.user_texts import user_texts
from sftdata.spec.check_rules import CheckRule
from sftdata.spec.fields import MESSAGES


@dataclass(frozen=True)
class Screen:
    """Checks golden rows before they are rendered, and drops or flags those that fail."""

    checks: Mapping[str, CheckRule]
    source_field: str | None
    target_field: str | None
    evaluation: EvaluationTexts | None  # texts that must not be in the dataset

    def inspect(self, rows: Rows, source: str, outcomes: RowOutcomes) -> None:
        """Adds an outcome for every suspect row.

        Raises `GoldenSetError` with the row's place when the action of its check is "fail".
        """
        for found in self._find_suspects(rows.batch):
            if found.action == "fail":
                row_id = escape(rows.batch.column("row_id")[found.row].as_py())
                raise GoldenSetError(
                    f"{source}:{rows.line[found.row]}: {found.detail} ({found.check}, row "
                    f"'{row_id}').",
                    f"Fix the row, or let it be dropped or flagged: the spec's checks."
                    f'{found.check} = "drop"',
                    code="E304",
                )
            status = Status.DROPPED if found.action == "drop" else Status.FLAGGED
            outcomes.add_outcome(found.row, status, found.check, found.detail)
        if self.evaluation is not None:
            overlaps, what = self._overlaps(rows, self.evaluation)
            for row in np.flatnonzero(overlaps >= self.evaluation.overlap):
                detail = f"{overlaps[row]:.0%} of {what} stands in an evaluation file"
                outcomes.add_outcome(int(row), Status.DROPPED, Reason.CONTAMINATED, detail)

    def _find_suspects(self, batch: pa.RecordBatch) -> Iterator[Suspect]:
        if MESSAGES in batch.schema.names:
            return find_conversation_suspects(batch.column(MESSAGES), self.checks)
        if not self.checks:
            return iter(())
        return find_suspects(batch, self.checks, str(self.source_field), str(self.target_field))

    def _overlaps(
        self, rows: Rows, evaluation: EvaluationTexts
    ) -> tuple[npt.NDArray[np.float64], str]:
        """The share of each row that stands in evaluation files, and a name for the text."""
        if MESSAGES not in rows.batch.schema.names:
            field = str(self.source_field)
            return evaluation.overlaps(rows.batch.column(field).to_pylist()), f"'{field}'"
        talks = map(Conversation.from_json, rows.batch.column(MESSAGES).to_pylist())
        most = [evaluation.overlaps(user_texts(talk)).max() for talk in talks]
        return np.array(most), "what the user says in a turn"
