"""Compare two datasets: inputs that differ, and their effect on the tokens of each row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.reasons import Status
from sftdata.inspecting.compare.datasets.columns import (
    ABSENT,
    compare_columns,
    find_places,
    read_columns,
)
from sftdata.inspecting.compare.datasets.inputs import InputChange, compare_inputs
from sftdata.inspecting.compare.datasets.samples import RowChange, sample_changes
from sftdata.loading.dataset import Dataset
from sftdata.writing.ledger import Ledger


@dataclass(frozen=True, slots=True)
class DatasetDiff:
    """Dataset A beside dataset B. Token counts are pairs: of A, of B."""

    build: tuple[str, str]
    inputs: list[InputChange]
    rows: tuple[int, int]
    tokens: tuple[int, int]
    target_tokens: tuple[int, int]
    only_in_a: int
    only_in_b: int
    in_both: int
    changed: Mapping[str, int]  # prompt, target, mask, split or template → rows of both
    other_repeats: int  # rows of both that a mixture repeats more often in one than in the other
    prompt_token_change: Mapping[str, int]  # B minus A over rows of both: sum, min, p50, max
    newly_dropped: Mapping[str, int]  # reason → rows dropped in B and not in A
    no_longer_dropped: Mapping[str, int]
    newly_cut: int
    no_longer_cut: int
    samples: list[RowChange]

    @property
    def is_identical(self) -> bool:
        """Whether both hold the same examples in the same splits."""
        others = self.only_in_a, self.only_in_b, self.other_repeats
        return not any((*others, *self.changed.values()))

    def to_json(self) -> dict[str, Any]:
        """The object `diff --json` prints."""
        return {"identical": self.is_identical, **asdict(self)}


def diff_datasets(a: Dataset, b: Dataset) -> DatasetDiff:
    """The difference between two datasets. Rows are matched by their ids.

    With different tokenizers every row counts as changed.
    """
    columns_a, columns_b = read_columns(a), read_columns(b)
    place_in_b = find_places(columns_b.row_id, columns_a.row_id)
    rows_a = np.flatnonzero(place_in_b != ABSENT)
    rows_b = place_in_b[rows_a]
    both_a, both_b = columns_a.take(rows_a), columns_b.take(rows_b)
    same_tokenizer = a.manifest["tokenizer"]["sha256"] == b.manifest["tokenizer"]["sha256"]
    changes = compare_columns(both_a, both_b, same_tokenizer=same_tokenizer)
    changed = np.flatnonzero(changes["prompt"] | changes["target"] | changes["mask"])
    ledger_a, ledger_b = _read_reasons(a), _read_reasons(b)
    return DatasetDiff(
        build=(a.manifest["build"], b.manifest["build"]),
        inputs=list(compare_inputs(a.manifest.content, b.manifest.content)),
        rows=(len(columns_a.lengths), len(columns_b.lengths)),
        tokens=(columns_a.tokens, columns_b.tokens),
        target_tokens=(columns_a.target_tokens, columns_b.target_tokens),
        only_in_a=len(columns_a.lengths) - len(rows_a),
        only_in_b=int((find_places(columns_a.row_id, columns_b.row_id) == ABSENT).sum()),
        in_both=len(rows_a),
        other_repeats=_count_other_repeats(columns_a.row_id, columns_b.row_id),
        changed={name: int(rows.sum()) for name, rows in changes.items()},
        prompt_token_change=_summarize(
            both_b.lengths[:, 0].astype(np.int64) - both_a.lengths[:, 0]
        ),
        newly_dropped=_count_new(ledger_b[Status.DROPPED], ledger_a[Status.DROPPED]),
        no_longer_dropped=_count_new(ledger_a[Status.DROPPED], ledger_b[Status.DROPPED]),
        newly_cut=len(ledger_b[Status.CUT].keys() - ledger_a[Status.CUT].keys()),
        no_longer_cut=len(ledger_a[Status.CUT].keys() - ledger_b[Status.CUT].keys()),
        samples=sample_changes(a, b, rows_a[changed], rows_b[changed]),
    )


def _count_other_repeats(a: pa.ChunkedArray, b: pa.ChunkedArray) -> int:
    """How many ids of both stand in one more often than in the other."""
    first_a, first_b = find_places(a, a), find_places(a, b)
    times = [np.bincount(at[at != ABSENT], minlength=len(a)) for at in (first_a, first_b)]
    return int(((times[0] != times[1]) & (times[0] > 0) & (times[1] > 0)).sum())


def _summarize(changes: npt.NDArray[np.int64]) -> dict[str, int]:
    if not len(changes):
        return dict.fromkeys(("sum", "min", "p50", "max"), 0)
    return {
        "sum": int(changes.sum()),
        "min": int(changes.min()),
        "p50": int(np.quantile(changes, 0.5, method="inverted_cdf")),
        "max": int(changes.max()),
    }


def _read_reasons(data: Dataset) -> dict[str, dict[str, str]]:
    """For each status of the ledger: row id → reason."""
    reasons: dict[str, dict[str, str]] = {Status.DROPPED: {}, Status.CUT: {}}
    for line in Ledger.read(data.manifest).lines:
        reasons.setdefault(line.status, {})[line.row_id] = line.reason
    return reasons


def _count_new(reasons: Mapping[str, str], others: Mapping[str, str]) -> dict[str, int]:
    """Number of rows by reason, without the rows that the others have, too."""
    new = reasons.keys() - others.keys()
    return dict(sorted(Counter(reasons[row_id] for row_id in new).items()))
