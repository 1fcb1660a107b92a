"""The measured rows of an evaluation as text: prompts, accepted answers, answers."""

from __future__ import annotations

from collections.abc import Sequence

from sftdata.base.reporting import Report
from sftdata.loading.dataset import Dataset
from sftdata.loading.text import TextReader
from sftdata.serving.answer_text import answer_text
from sftdata_train.evaluating.prompts import answer_ids, extract_source, prompt_ids, read_task
from sftdata_train.evaluating.references import read_references
from sftdata_train.evaluating.rows import EvaluatedRow
from sftdata_train.evaluating.systems import Measured
from sftdata_train.passport import load_built_templates


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
        targets = [answer_text(answer_ids(e), texts.tokenizer) for e in examples]
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
                    one.system: answer_text(one.answers[at], texts.tokenizer) for one in systems
                },
            )
            rows.append(row)
    return rows
