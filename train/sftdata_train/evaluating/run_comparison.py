"""Compare runs: did the data of one make a better model than the data of another?

All runs are compared with the first one, on the rows that all of them have answered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sftdata.base.wording import count
from sftdata.errors import SftdataError
from sftdata_train.evaluating.comparison import Comparison, compare_scores
from sftdata_train.evaluating.rows import BASE, TUNED, EvaluatedRow, SystemResult, measure
from sftdata_train.evaluating.run_record import Run

_Key = tuple[str, str]  # task, row id
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SHOWN = 40  # characters of a value in a table


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting in which the runs differ."""

    name: str  # such as training.recipe.seed
    values: list[Any]  # of each run; None where it has no such setting


@dataclass(frozen=True, slots=True)
class RunsComparison:
    """The runs side by side, and each against the first."""

    names: list[str]
    rows: int  # that all runs have
    notes: list[str]
    settings: list[Setting]
    results: list[SystemResult]  # of each run, over these rows
    comparisons: list[list[Comparison]]  # of each run after the first
    compared: list[list[EvaluatedRow]]  # the rows of each run, in the same order

    def to_json(self) -> dict[str, Any]:
        """The object `compare-runs --json` prints."""
        return {
            "runs": self.names,
            "rows": self.rows,
            "notes": self.notes,
            "differs": [asdict(setting) for setting in self.settings],
            "results": [result.to_json() for result in self.results],
            "against_first": [[asdict(one) for one in found] for found in self.comparisons],
        }


def compare_runs(runs: Sequence[Run]) -> RunsComparison:
    """The metrics of all runs on the rows that they share, and a paired bootstrap of each.

    A run is its tuned model, or its base model where nothing was trained, with the first number of
    shots. Raises `SftdataError` when there is no row that all runs have.
    """
    names, notes = _name_runs(runs), list[str]()
    by_key = [dict(_choose_rows(run, name, notes)) for run, name in zip(runs, names, strict=True)]
    shared = [key for key in by_key[0] if all(key in rows for rows in by_key)]
    if not shared:
        raise SftdataError(
            f"There is no row that {' and '.join(names)} have all evaluated.",
            "Evaluate the same golden rows: with the same seed and shares of the splits, and the "
            "same --split.",
            code="E706",
        )
    for name, rows in zip(names, by_key, strict=True):
        if len(rows) > len(shared):
            left = len(rows) - len(shared)
            notes.append(f"{count(left, 'row')} of {name} left out, which another run lacks.")
    compared = [[rows[key] for key in shared] for rows in by_key]
    notes += _find_unlike_rows(names, compared)
    results = [measure(rows, "model", 0) for rows in compared]
    with_loss = _have_the_same_tokens(runs, compared)
    if not with_loss:
        notes.append("The losses are not compared: the runs split the targets into other tokens.")
    return RunsComparison(
        names=names,
        rows=len(shared),
        notes=notes,
        settings=list(find_differences([run.settings for run in runs])),
        results=results,
        comparisons=[_compare(results[0], other, with_loss=with_loss) for other in results[1:]],
        compared=compared,
    )


def find_differences(settings: Sequence[Mapping[str, Any]]) -> Iterator[Setting]:
    """The settings that are not the same in all of these, by their path."""
    flat = [dict(_flatten("", one)) for one in settings]
    for name in dict.fromkeys(name for one in flat for name in one):
        values = [one.get(name) for one in flat]
        if any(value != values[0] for value in values):
            yield Setting(name, values)


def show_value(value: Any) -> str:
    """A setting for a table: digests and long values cut."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if _DIGEST.fullmatch(text):
        return f"{text[:12]}…"
    return "" if value is None else text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _flatten(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flatten(f"{path}.{key}" if path else str(key), inner)
    else:
        yield path, value


def _name_runs(runs: Sequence[Run]) -> list[str]:
    """The names of the files without their suffix, or their paths where these are the same."""
    stems = [run.path.stem for run in runs]
    if len(set(stems)) == len(stems):
        return stems
    return [str(run.path) for run in runs]


def _choose_rows(run: Run, name: str, notes: list[str]) -> Iterator[tuple[_Key, EvaluatedRow]]:
    """The rows with the first number of shots; the only system is the one that is compared."""
    shots = list(dict.fromkeys(row.shots for row in run.rows))
    if len(shots) > 1:
        notes.append(f"Of {name}, the answers with {count(shots[0], 'shot')} are compared.")
    for row in run.rows:
        if row.shots == shots[0]:
            system = TUNED if TUNED in row.answers else BASE
            yield (
                (row.task, row.row_id),
                replace(
                    row,
                    shots=0,
                    losses={"model": row.losses[system]},
                    answers={"model": row.answers[system]},
                ),
            )


def _find_unlike_rows(
    names: Sequence[str], compared: Sequence[Sequence[EvaluatedRow]]
) -> Iterator[str]:
    for name, rows in zip(names[1:], compared[1:], strict=True):
        pairs = zip(compared[0], rows, strict=True)
        if other := sum(first.references != row.references for first, row in pairs):
            yield (
                f"{count(other, 'row')} of {name} {'has' if other == 1 else 'have'} another "
                f"reference than in {names[0]}; each run is scored by its own one."
            )


def _have_the_same_tokens(runs: Sequence[Run], compared: Sequence[Sequence[EvaluatedRow]]) -> bool:
    tokenizers = {json.dumps(run.settings.get("tokenizer"), sort_keys=True) for run in runs}
    targets = {tuple(row.targets for row in rows) for rows in compared}
    return len(tokenizers) == len(targets) == 1


def _compare(first: SystemResult, other: SystemResult, *, with_loss: bool) -> list[Comparison]:
    found = []
    for task, scores in other.scores.items():
        before, after = list(first.scores[task]), list(scores)
        if with_loss:
            before, after = [first.losses[task], *before], [other.losses[task], *after]
        found += compare_scores(task, 0, before, after)
    return found
