"""The page of `report`: one dataset, or two beside each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from markupsafe import Markup

from sftdata.inspecting.compare.datasets.facts import count_shared_rows, list_facts
from sftdata.inspecting.doctor import diagnose
from sftdata.inspecting.doctor.finding import Finding
from sftdata.inspecting.doctor.row_findings import RowFinding
from sftdata.inspecting.pages.render import render_page
from sftdata.inspecting.rows.inspector import InspectedRow, Inspector
from sftdata.inspecting.rows.select import choose_rows, rows_with_ids
from sftdata.inspecting.rows.views import Span, mark_token, turn_spans, turn_title, view_spans
from sftdata.inspecting.stats.groups import count_groups
from sftdata.inspecting.stats.lengths import LengthCounts
from sftdata.loading.dataset import Dataset, Example
from sftdata.spec.check_rules import explain_reason
from sftdata.writing.ledger import read_ledger
from sftdata.writing.plots import Series, histogram, token_bars

Lengths = npt.NDArray[np.int64]
GroupStats = dict[str, dict[str, Any]]  # the name of a group → its statistics

_SAMPLES = 5
_LEDGER_EXAMPLES = 3  # of each reason
_PROMPT_END, _TARGET_START = 240, 600  # characters of the example on the first screen


@dataclass(frozen=True)
class LedgerGroup:
    """Ledger lines with the same status and reason."""

    status: str
    reason: str
    explanation: str
    rows: int
    examples: Sequence[Mapping[str, str]]  # the first lines


@dataclass(frozen=True)
class Glimpse:
    """An example in short: the text around the place where the loss starts."""

    row: InspectedRow
    spans: Sequence[Span]
    before: int  # characters that are left out before it
    after: int

    @classmethod
    def of(cls, row: InspectedRow) -> Glimpse:
        """The end of the text before the loss, and the start of the text from there on."""
        spans = view_spans("text", row)
        in_loss = (at for at, span in enumerate(spans) if span.mark in ("target", "control-target"))
        first = next(in_loss)
        prompt, prompt_left = _take_first([*reversed(spans[:first])], _PROMPT_END, from_end=True)
        target, target_left = _take_first(spans[first:], _TARGET_START)
        return cls(row, [*reversed(prompt), *target], prompt_left, target_left)


def _take_first(
    spans: Sequence[Span], number: int, *, from_end: bool = False
) -> tuple[list[Span], int]:
    """The spans with the first `number` characters, and how many characters are left out."""
    taken: list[Span] = []
    left = number
    for span in spans:
        part = span.text[-left:] if from_end else span.text[:left]
        if left and part:
            taken.append(Span(part, span.mark))
            left -= len(part)
    return taken, sum(len(span.text) for span in spans) - (number - left)


def render_report(data: Dataset, against: Dataset | None = None, *, seed: int = 0) -> str:
    """The page about `data`, with a comparison if `against` is given.

    Samples are decoded with the recorded tokenizer; raises `SftdataError` when that is gone.
    """
    sets = [data] if against is None else [data, against]
    names, lengths = _names(sets), [_lengths(one) for one in sets]
    groups = _groups(data)
    inspector, findings = Inspector(data), diagnose(data)
    rows = [inspector.inspect(*row) for row in choose_rows(data, sample=_SAMPLES, seed=seed)]
    found = [inspector.inspect(*row) for row in _rows_of(findings, data)]
    return render_page(
        "report",
        title=f"Dataset {data.manifest.directory.name}",
        manifest=data.manifest,
        repeated=data.manifest.content.get("repeated", 0),
        names=names,
        examples=len(lengths[0]),
        tokens=int(lengths[0][:, 2].sum()),
        target_tokens=int(lengths[0][:, 1].sum()),
        ledger=_group_ledger(data),
        findings=findings,
        found=found,
        found_in=_findings_of_rows(findings),
        glimpse=Glimpse.of(next((row for row in rows if row.split == "train"), rows[0])),
        anchors={row.example.row_id: f"row-{n}" for n, row in enumerate([*rows, *found], 1)},
        groups=groups,
        plots=_plot_lengths(names, lengths),
        shares=_plot_shares(groups["split"]),
        rows=rows,
        facts=None if against is None else list_facts(data, against),
        shared=None if against is None else count_shared_rows(data, against),
        turn_title=turn_title,
        turn_spans=turn_spans,
        mark=mark_token,
    )


def _rows_of(findings: Sequence[Finding], data: Dataset) -> list[tuple[str, Example]]:
    """The rows that findings name, each once."""
    ids = [row_id for finding in findings for row_id in finding.row_ids]
    return rows_with_ids(data, list(dict.fromkeys(ids)))


def _findings_of_rows(findings: Sequence[Finding]) -> dict[str, list[RowFinding]]:
    """For each row that findings name what was found in it."""
    of_row: dict[str, list[RowFinding]] = {}
    for one in findings:
        for row in one.rows:
            found = RowFinding(one.id, one.severity, one.title, row.quote)
            of_row.setdefault(row.row_id, []).append(found)
    return of_row


def _names(sets: Sequence[Dataset]) -> list[str]:
    """The folders' names, with a letter before them where they are the same."""
    names = [one.manifest.directory.resolve().name for one in sets]
    if len(set(names)) < len(names):
        return [f"{letter}: {name}" for letter, name in zip("AB", names, strict=True)]
    return names


def _lengths(data: Dataset) -> Lengths:
    """int64[rows, 3] of all splits: tokens outside the loss, tokens in it, all tokens."""
    total = np.concatenate([split.lengths for split in data.values()])
    target = np.concatenate([split.target_counts for split in data.values()])
    return np.stack((total - target, target, total), axis=1)


def _group_ledger(data: Dataset) -> list[LedgerGroup]:
    lines = read_ledger(data.manifest)
    counts = Counter(
        zip(lines.column("status").to_pylist(), lines.column("reason").to_pylist(), strict=True)
    )
    return [
        LedgerGroup(
            status, reason, explain_reason(reason), rows, _first_lines(lines, status, reason)
        )
        for (status, reason), rows in counts.most_common()
    ]


def _first_lines(lines: pa.Table, status: str, reason: str) -> list[Mapping[str, str]]:
    matching = lines.filter((pc.field("status") == status) & (pc.field("reason") == reason))
    first: list[Mapping[str, str]] = matching.slice(0, _LEDGER_EXAMPLES).to_pylist()
    return first


def _groups(data: Dataset) -> dict[str, GroupStats]:
    """Statistics by split, by template and, if there are several, by task."""
    by_split = dict.fromkeys(data, LengthCounts()) | count_groups(data, "split")
    by_task, by_template = count_groups(data, "task"), count_groups(data, "template")
    groups = {"split": by_split, "task": by_task, "template": by_template}
    return {
        by: {name: counts.summarize() for name, counts in of_name.items()}
        for by, of_name in groups.items()
        if by != "task" or len(of_name) > 1
    }


def _plot_lengths(names: Sequence[str], sets: Sequence[Lengths]) -> list[Markup]:
    titles = ("Tokens outside the loss", "Tokens in the loss", "All tokens")
    return [
        histogram(title, [Series(n, of[:, part]) for n, of in zip(names, sets, strict=True)])
        for part, title in enumerate(titles)
    ]


def _plot_shares(splits: GroupStats) -> Markup:
    tokens = {name: (split["tokens"], split["target_tokens"]) for name, split in splits.items()}
    return token_bars("Tokens, and those in the loss", tokens)
