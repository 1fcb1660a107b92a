"""Rows of an evaluation with the losses and answers of all systems, and the scores over them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sftdata_train.evaluating.metrics import Score, mean_loss, score
from sftdata_train.perplexity import perplexity

BASE, TUNED = "base", "tuned"


@dataclass(frozen=True, slots=True)
class EvaluatedRow:
    """A row with one number of shots, and what each system makes of it."""

    row_id: str
    task: str
    shots: int
    prompt: str  # with control tokens
    source: str | None  # the text to correct, for the score of edits
    references: list[str]  # the target, then the other accepted answers
    targets: int  # tokens in the loss
    losses: dict[str, float]  # by system, summed over these tokens
    answers: dict[str, str]


@dataclass(frozen=True, slots=True)
class SystemResult:
    """Loss and scores of one system at one number of shots."""

    system: str  # base or tuned
    shots: int
    rows: int
    loss: float  # per target token, over all rows
    task_rows: dict[str, int]
    losses: dict[str, Score]  # by task
    scores: dict[str, list[Score]]  # by task

    @property
    def perplexity(self) -> float:
        """`exp(loss)`."""
        return perplexity(self.loss)

    def to_json(self) -> dict[str, Any]:
        """The object in `eval --json` and `compare-runs --json`."""
        return {
            "system": self.system,
            "shots": self.shots,
            "rows": self.rows,
            "loss": self.loss,
            "perplexity": self.perplexity,
            "task_rows": self.task_rows,
            "task_loss": self.task_loss,
            "losses": {task: loss.to_json() for task, loss in self.losses.items()},
            "scores": {task: [s.to_json() for s in scores] for task, scores in self.scores.items()},
        }

    @property
    def task_loss(self) -> dict[str, float]:
        """The loss by task."""
        return {task: loss.value for task, loss in self.losses.items()}


def list_systems(rows: Sequence[EvaluatedRow]) -> Iterator[tuple[str, int]]:
    """Each system with each number of shots."""
    for shots in dict.fromkeys(row.shots for row in rows):
        systems = next(row.answers for row in rows if row.shots == shots)
        yield from ((system, shots) for system in systems)


def measure(rows: Sequence[EvaluatedRow], system: str, shots: int) -> SystemResult:
    """The loss and the scores of one system over its rows."""
    of_task: dict[str, list[EvaluatedRow]] = {}
    for row in sorted((r for r in rows if r.shots == shots), key=lambda row: row.task):
        of_task.setdefault(row.task, []).append(row)
    every = [row for of_one in of_task.values() for row in of_one]
    return SystemResult(
        system=system,
        shots=shots,
        rows=len(every),
        loss=sum(row.losses[system] for row in every) / sum(row.targets for row in every),
        task_rows={task: len(of_one) for task, of_one in of_task.items()},
        losses={
            task: mean_loss([r.losses[system] for r in of_one], [r.targets for r in of_one])
            for task, of_one in of_task.items()
        },
        scores={
            task: score(
                task,
                [row.source for row in of_one],
                [row.references for row in of_one],
                [row.answers[system] for row in of_one],
            )
            for task, of_one in of_task.items()
        },
    )
