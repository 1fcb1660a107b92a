"""Rows of an evaluation with the losses and answers of all systems, and the scores over them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sftdata.loading.dataset import Dataset
from sftdata.loading.text import TextReader
from sftdata_train.evaluation_prompts import answer_ids, extract_source, prompt_ids, read_task
from sftdata_train.metrics import Score, mean_loss, score
from sftdata_train.passport import load_built_templates
from sftdata_train.progress import Report
from sftdata_train.references import read_references
from sftdata_train.systems import Measured
from sftdata_train.trainer import perplexity


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

    @property
    def task_loss(self) -> dict[str, float]:
        """The loss by task."""
        return {task: loss.value for task, loss in self.losses.items()}


def make_rows(
    data: Dataset, measured: Sequence[Measured], report: Report = lambda line: None
) -> list[EvaluatedRow]:
    """The rows of each number of shots, in the order in which they were measured."""
    texts, templates = TextReader(data), load_built_templates(data.manifest)
    rows = []
    references: dict[tuple[str, str], list[str]] = {}
    for shots in dict.fromkeys(one.prompts.shots for one in measured):
        systems = [one for one in measured if one.prompts.shots == shots]
        examples = systems[0].prompts.examples
        targets = [texts.decode(answer_ids(e), show_control=False).strip() for e in examples]
        if not references:  # the same for any number of shots
            accepted = read_references(data, examples, targets, templates, report)
            references = {
                (read_task(e), e.row_id): of_row
                for e, of_row in zip(examples, accepted, strict=True)
            }
        for at, example in enumerate(examples):
            task, prompt = read_task(example), texts.decode(prompt_ids(example))
            row = EvaluatedRow(
                row_id=example.row_id,
                task=task,
                shots=shots,
                prompt=prompt,
                source=extract_source(prompt, templates.get(example.template)),
                references=references.get((task, example.row_id), [targets[at]]),
                targets=systems[0].targets[at],
                losses={one.system: one.losses[at] for one in systems},
                answers={
                    one.system: texts.decode(one.answers[at], show_control=False).strip()
                    for one in systems
                },
            )
            rows.append(row)
    return rows


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
