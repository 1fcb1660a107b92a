"""Evaluate: base and tuned model side by side, by the loss on targets and by their answers."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sftdata.loading.dataset import Dataset, load
from sftdata.loading.text import TextReader
from sftdata.serving.passport import Passport, read_passport
from sftdata_train.comparison import Comparison, compare_scores
from sftdata_train.decoding import Decoding, Mode
from sftdata_train.evaluation_prompts import (
    Prompts,
    answer_ids,
    check_prompts,
    count_shots,
    extract_source,
    prompt_ids,
    read_task,
    select_prompts,
)
from sftdata_train.metrics import Score, score
from sftdata_train.model_loading import load_config
from sftdata_train.passport import load_built_templates
from sftdata_train.preflight import check_lengths, check_vocabulary
from sftdata_train.progress import Report
from sftdata_train.resource_errors import explain_resource_errors
from sftdata_train.systems import BASE, TUNED, Measured, load_systems, measure_systems
from sftdata_train.tokenizer_check import check_tokenizer
from sftdata_train.trainer import perplexity

_GALLERY_ROWS = 12


@dataclass(frozen=True, slots=True)
class SystemResult:
    """Loss and scores of one system at one number of shots."""

    system: str  # base or tuned
    shots: int
    rows: int
    loss: float  # over all rows
    perplexity: float
    task_rows: dict[str, int]
    task_loss: dict[str, float]
    scores: dict[str, list[Score]]  # by task


@dataclass(frozen=True, slots=True)
class GalleryRow:
    """A row with the answers of all systems, to read."""

    row_id: str
    task: str
    prompt: str
    reference: str
    answers: dict[str, str]  # by system and shots, such as "tuned, 0 shots"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The results of all systems, and a gallery of rows to read."""

    dataset: str
    build: str
    split: str
    model: str
    adapter: str | None
    decoding: Decoding
    rows_left_out: int  # rows of the split beyond `limit`
    results: list[SystemResult]
    comparisons: list[Comparison]  # of tuned and base, for each task, number of shots and metric
    gallery: list[GalleryRow]

    def to_json(self) -> dict[str, Any]:
        """The object `eval --json` prints."""
        found = asdict(self)
        for shown, result in zip(found["results"], self.results, strict=True):
            shown["scores"] = {
                task: [score.to_json() for score in scores]
                for task, scores in result.scores.items()
            }
        return found


@dataclass(frozen=True)
class _AnsweredTexts:
    """The answers of one system at one number of shots, as text."""

    prompts: list[str]
    references: list[str]
    answers: list[str]


def evaluate(
    directory: Path,
    model_name: str,
    adapter: Path | None = None,
    *,
    shots: Sequence[int] | None = None,
    split: str = "test",
    limit: int | None = None,
    batch_size: int = 16,
    max_new_tokens: int | None = None,
    decoding: Mode = "greedy",
    trust_remote_code: bool = False,
    report: Report = lambda line: None,
) -> Evaluation:
    """Loss and answers of the model, without and with the adapter, on the rows of a split.

    `shots`: examples before each prompt. By default, as many as the dataset was built with.
    `decoding`: greedy, or as the model's own generation_config.json says.
    Raises `SftdataError`, for example when the adapter was trained on other prompts.
    """
    data = load(directory)
    passport = read_passport(adapter) if adapter is not None else None
    check_tokenizer(data.manifest, model_name, report)
    config = load_config(model_name, trust_remote_code=trust_remote_code)
    check_vocabulary(data.manifest, config)
    with (
        tempfile.TemporaryDirectory(prefix="sftdata-eval-") as scratch,
        explain_resource_errors("evaluating"),
    ):
        wanted = shots or [count_shots(data) or 0]
        sets = [select_prompts(data, split, k, limit=limit, scratch=Path(scratch)) for k in wanted]
        for prompts in sets:
            _check(prompts, passport, config)
        left_out = len(data[split]) - len(sets[0].rows)
        if left_out:
            report(
                f"--limit leaves out {left_out:,} of the {len(data[split]):,} rows of '{split}'."
            )
        systems = load_systems(model_name, adapter, passport, trust_remote_code)
        measured, decoded = measure_systems(
            systems, sets, decoding, batch_size, max_new_tokens, report
        )
        results, gallery = _score(data, measured)
    return Evaluation(
        dataset=str(directory),
        build=data.manifest["build"],
        split=split,
        model=model_name,
        adapter=None if adapter is None else str(adapter),
        decoding=decoded,
        rows_left_out=left_out,
        results=results,
        comparisons=_compare_systems(results),
        gallery=gallery,
    )


def _check(prompts: Prompts, passport: Passport | None, config: Any) -> None:
    """Raises when the adapter was trained on other prompts, or the model has too few positions."""
    if passport is not None:
        check_prompts(prompts, passport["templates"])
    longest = max(len(prompt_ids(e)) for e in prompts.examples) + prompts.answer_limit
    check_lengths({f"prompt with {prompts.shots} shots and its answer": longest}, config)


class _Scorer:
    """Decodes answers and scores them against the targets of a dataset."""

    def __init__(self, data: Dataset) -> None:
        self._texts = TextReader(data)
        self._templates = load_built_templates(data.manifest)

    def decode(self, prompts: Prompts, answers: Sequence[list[int]]) -> _AnsweredTexts:
        """Prompts as text with control tokens; references and answers stripped, without them."""
        examples = prompts.examples
        return _AnsweredTexts(
            prompts=[self._texts.decode(prompt_ids(example)) for example in examples],
            references=[self._strip(answer_ids(example)) for example in examples],
            answers=[self._strip(ids) for ids in answers],
        )

    def score(self, prompts: Prompts, answered: _AnsweredTexts) -> dict[str, list[Score]]:
        """The scores by task."""
        examples = prompts.examples
        tasks = [read_task(example) for example in examples]
        sources = [
            extract_source(prompt, self._templates.get(example.template))
            for prompt, example in zip(answered.prompts, examples, strict=True)
        ]
        found = {}
        for task in sorted(set(tasks)):
            rows = [i for i, name in enumerate(tasks) if name == task]
            found[task] = score(
                task,
                [sources[i] for i in rows],
                [answered.references[i] for i in rows],
                [answered.answers[i] for i in rows],
            )
        return found

    def _strip(self, ids: list[int]) -> str:
        return self._texts.decode(ids, show_control=False).strip()


def _compare_systems(results: Sequence[SystemResult]) -> list[Comparison]:
    """Tuned against base, where both have answered with the same number of shots."""
    by_system = {(result.system, result.shots): result for result in results}
    return [
        comparison
        for (system, shots), tuned in by_system.items()
        if system == TUNED
        for task, scores in tuned.scores.items()
        for comparison in compare_scores(task, shots, by_system[BASE, shots].scores[task], scores)
    ]


def _score(
    data: Dataset, measured: Sequence[Measured]
) -> tuple[list[SystemResult], list[GalleryRow]]:
    """Loss and scores of each system at each number of shots, and rows to read."""
    scorer = _Scorer(data)
    results, gallery = [], []
    for one in measured:
        answered = scorer.decode(one.prompts, one.answers)
        results.append(
            SystemResult(
                system=one.system,
                shots=one.prompts.shots,
                rows=len(one.prompts.rows),
                loss=one.loss,
                perplexity=perplexity(one.loss),
                task_rows=dict(Counter(map(read_task, one.prompts.examples))),
                task_loss=one.task_loss,
                scores=scorer.score(one.prompts, answered),
            )
        )
        gallery.append((f"{one.system}, {one.prompts.shots} shots", one.prompts, answered))
    return results, _show(gallery)


def _show(answered: list[tuple[str, Prompts, _AnsweredTexts]]) -> list[GalleryRow]:
    """The first rows of the first set, with the answers of each system."""
    _, prompts, first = answered[0]
    shown = []
    for i, example in enumerate(prompts.examples[:_GALLERY_ROWS]):
        answers = {}
        for name, others, texts in answered:
            places = {e.row_id: at for at, e in enumerate(others.examples)}
            if example.row_id in places:
                answers[name] = texts.answers[places[example.row_id]]
        shown.append(
            GalleryRow(
                example.row_id, read_task(example), first.prompts[i], first.references[i], answers
            )
        )
    return shown
