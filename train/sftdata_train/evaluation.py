"""Evaluate: base and tuned side by side, by loss on targets and by what they answer."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sftdata.inspecting.rows.example import Inspector
from sftdata.loading.dataset import Dataset, Example, load
from sftdata_train.batches import RowUnits
from sftdata_train.device import choose_device, choose_dtype
from sftdata_train.evaluation_prompts import (
    Prompts,
    answer_ids,
    check_prompts,
    prompt_ids,
    prompts_for,
    shots_of,
    source_text,
)
from sftdata_train.generation import generate
from sftdata_train.lora import load_adapter
from sftdata_train.metrics import Score, score
from sftdata_train.model_loading import (
    load_config,
    load_model,
)
from sftdata_train.passport import Passport, built_templates, read_passport, stop_ids
from sftdata_train.preflight import check_lengths, check_tokenizer, check_vocabulary
from sftdata_train.progress import Report
from sftdata_train.resource_errors import explain_resource_errors
from sftdata_train.trainer import held_out_sum, perplexity

BASE, TUNED = "base", "tuned"
_ROOM = 16  # tokens an answer may be longer than the longest target
_GALLERY = 12


@dataclass(frozen=True, slots=True)
class SystemResult:
    """How one system did at one number of shots: its loss, and its scores task by task."""

    system: str  # base or tuned
    shots: int
    rows: int
    loss: float  # over all rows
    perplexity: float
    task_rows: dict[str, int]
    scores: dict[str, list[Score]]  # by task


@dataclass(frozen=True, slots=True)
class GalleryRow:
    """A row for the gallery."""

    row_id: str
    task: str
    prompt: str
    reference: str
    answers: dict[str, str]  # by system and shots, such as "tuned, 0 shots"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All results, and some rows to read."""

    dataset: str
    build: str
    split: str
    model: str
    adapter: str | None
    results: list[SystemResult]
    gallery: list[GalleryRow]

    def to_json(self) -> dict[str, Any]:
        """The object `eval --json` prints."""
        return asdict(self)


@dataclass(frozen=True)
class _Answered:
    """What a system answered at a number of shots, as text."""

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
    trust_remote_code: bool = False,
    report: Report = lambda line: None,
) -> Evaluation:
    """Loss and answers of the model, and with the adapter on it, on the rows of a split.

    `shots`: examples before each prompt; by default as many as the dataset was built with.
    Raises `SftdataError`, also when the adapter was trained on other prompts.
    """
    data = load(directory)
    passport = read_passport(adapter) if adapter is not None else None
    check_tokenizer(data.manifest, model_name, report)
    config = load_config(model_name, trust_remote_code=trust_remote_code)
    check_vocabulary(data.manifest, config)
    results, gallery = [], []
    with (
        tempfile.TemporaryDirectory(prefix="sftdata-eval-") as scratch,
        explain_resource_errors("evaluating"),
    ):
        wanted = shots or [shots_of(data) or 0]
        sets = [prompts_for(data, split, k, limit=limit, scratch=Path(scratch)) for k in wanted]
        for prompts in sets:
            _check(prompts, passport, config)
        model = load_model(
            model_name, dtype=choose_dtype(), trust_remote_code=trust_remote_code
        ).to(choose_device())
        if adapter is not None:
            model = load_adapter(model, adapter)
        reader = _Reader(data)
        for prompts in sets:
            for system in (BASE, TUNED) if adapter is not None else (BASE,):
                report(f"{system}, {prompts.shots} shots, {len(prompts.rows):,} rows")
                with _system(model, system, has_adapter=adapter is not None):
                    loss, answers = _measure(model, prompts, batch_size, max_new_tokens, report)
                answered = reader.read(prompts, answers)
                results.append(
                    SystemResult(
                        system=system,
                        shots=prompts.shots,
                        rows=len(prompts.rows),
                        loss=loss,
                        perplexity=perplexity(loss),
                        task_rows=dict(Counter(map(task_of, prompts.examples))),
                        scores=reader.score(prompts, answered),
                    )
                )
                gallery.append((f"{system}, {prompts.shots} shots", prompts, answered))
    return Evaluation(
        dataset=str(directory),
        build=data.manifest["build"],
        split=split,
        model=model_name,
        adapter=None if adapter is None else str(adapter),
        results=results,
        gallery=_show(gallery),
    )


def _check(prompts: Prompts, passport: Passport | None, config: Any) -> None:
    """Raises when the prompts are not those of the adapter, or the model is too short for them."""
    if passport is not None:
        check_prompts(prompts, passport["templates"])
    longest = max(len(prompt_ids(e)) for e in prompts.examples) + _longest_answer(prompts)
    check_lengths(longest, f"prompt with {prompts.shots} shots and its answer", config)


class _Reader:
    """Turns ids of a dataset into text, and answers into scores."""

    def __init__(self, data: Dataset) -> None:
        self._tokenizer = Inspector(data).tokenizer
        self._templates = built_templates(data.manifest)

    def read(self, prompts: Prompts, answers: Sequence[list[int]]) -> _Answered:
        """Prompts, references and answers as text, blanks at their ends left out."""
        examples = prompts.examples
        return _Answered(
            prompts=[self._text(prompt_ids(example), control=True) for example in examples],
            references=[self._text(answer_ids(example)).strip() for example in examples],
            answers=[self._text(ids).strip() for ids in answers],
        )

    def score(self, prompts: Prompts, answered: _Answered) -> dict[str, list[Score]]:
        """The scores of each task that has rows."""
        examples = prompts.examples
        tasks = [task_of(example) for example in examples]
        sources = [
            source_text(prompt, self._templates.get(example.template))
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

    def _text(self, ids: list[int], *, control: bool = False) -> str:
        return str(self._tokenizer.decoder.decode(ids, skip_special_tokens=not control))


def task_of(example: Example) -> str:
    """The task of a row: the folder its template lies in."""
    return example.template.partition("/")[0]


@contextmanager
def _system(model: Any, system: str, *, has_adapter: bool) -> Iterator[None]:
    """While it lasts, the model is the base or the tuned one."""
    if has_adapter and system == BASE:
        with model.disable_adapter():
            yield
    else:
        yield


def _measure(
    model: Any, prompts: Prompts, batch_size: int, max_new_tokens: int | None, report: Report
) -> tuple[float, list[list[int]]]:
    """The loss on the targets of the rows, and the answers to their prompts."""
    units, ends = RowUnits(prompts.data[prompts.split]), stop_ids(prompts.data.manifest)
    total = held_out_sum(model, units, prompts.rows, batch_size, ends[0])
    answers = generate(
        model,
        [prompt_ids(example) for example in prompts.examples],
        ends,
        max_new_tokens=max_new_tokens or _longest_answer(prompts),
        batch_size=batch_size,
        report=report,
    )
    return float(total) / int(units.targets[prompts.rows].sum()), answers


def _longest_answer(prompts: Prompts) -> int:
    return max(len(answer_ids(example)) for example in prompts.examples) + _ROOM


def _show(answered: list[tuple[str, Prompts, _Answered]]) -> list[GalleryRow]:
    """The first rows of the first set, with what each system answered to them."""
    _, prompts, first = answered[0]
    shown = []
    for i, example in enumerate(prompts.examples[:_GALLERY]):
        answers = {}
        for name, others, texts in answered:
            places = {e.row_id: at for at, e in enumerate(others.examples)}
            if example.row_id in places:
                answers[name] = texts.answers[places[example.row_id]]
        shown.append(
            GalleryRow(
                example.row_id, task_of(example), first.prompts[i], first.references[i], answers
            )
        )
    return shown
