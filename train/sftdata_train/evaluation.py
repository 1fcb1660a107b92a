"""Evaluate: base and tuned model side by side, by the loss on targets and by their answers."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sftdata.loading.dataset import Dataset, Example, load
from sftdata.loading.text import TextReader
from sftdata_train.batches import RowUnits
from sftdata_train.decoding import Decoding, Mode, choose_decoding
from sftdata_train.device import choose_device, choose_dtype
from sftdata_train.evaluation_prompts import (
    Prompts,
    answer_ids,
    check_prompts,
    count_shots,
    extract_source,
    prompt_ids,
    select_prompts,
)
from sftdata_train.generation import generate
from sftdata_train.lora import load_adapter
from sftdata_train.metrics import Score, score
from sftdata_train.model_loading import load_config, load_model
from sftdata_train.passport import Passport, list_stop_ids, load_built_templates, read_passport
from sftdata_train.preflight import check_lengths, check_vocabulary
from sftdata_train.progress import Report
from sftdata_train.resource_errors import explain_resource_errors
from sftdata_train.tokenizer_check import check_tokenizer
from sftdata_train.trainer import perplexity, sum_held_out_loss

BASE, TUNED = "base", "tuned"
_EXTRA_TOKENS = 16  # an answer may be this much longer than the longest target
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
    gallery: list[GalleryRow]

    def to_json(self) -> dict[str, Any]:
        """The object `eval --json` prints."""
        return asdict(self)


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
    results, gallery = [], []
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
        scorer, decoded = _Scorer(data), Decoding(decoding)
        measured = {}
        for system, model in _load_systems(model_name, adapter, passport, trust_remote_code):
            if system == BASE:
                decoded = choose_decoding(model, decoding)
                report(f"decoding: {decoded.describe()}")
            for prompts in sets:
                report(f"{system}, {prompts.shots} shots, {len(prompts.rows):,} rows")
                measured[prompts.shots, system] = _measure(
                    model, prompts, batch_size, max_new_tokens, decoded, report
                )
            del model  # before the next one is loaded
        for prompts in sets:
            for system in (BASE, TUNED) if adapter is not None else (BASE,):
                loss, task_loss, answers = measured[prompts.shots, system]
                answered = scorer.decode(prompts, answers)
                results.append(
                    SystemResult(
                        system=system,
                        shots=prompts.shots,
                        rows=len(prompts.rows),
                        loss=loss,
                        perplexity=perplexity(loss),
                        task_rows=dict(Counter(map(read_task, prompts.examples))),
                        task_loss=task_loss,
                        scores=scorer.score(prompts, answered),
                    )
                )
                gallery.append((f"{system}, {prompts.shots} shots", prompts, answered))
    return Evaluation(
        dataset=str(directory),
        build=data.manifest["build"],
        split=split,
        model=model_name,
        adapter=None if adapter is None else str(adapter),
        decoding=decoded,
        rows_left_out=left_out,
        results=results,
        gallery=_show(gallery),
    )


def _check(prompts: Prompts, passport: Passport | None, config: Any) -> None:
    """Raises when the adapter was trained on other prompts, or the model has too few positions."""
    if passport is not None:
        check_prompts(prompts, passport["templates"])
    longest = max(len(prompt_ids(e)) for e in prompts.examples) + _longest_answer(prompts)
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


def read_task(example: Example) -> str:
    """The task of a row: the folder of its template."""
    return example.template.partition("/")[0]


def _load_systems(
    name: str, adapter: Path | None, passport: Passport | None, trust_remote_code: bool
) -> Iterator[tuple[str, Any]]:
    """The base model, then the tuned one: the same with its adapter, or a model of its own."""

    def load_one(directory: str) -> Any:
        return load_model(directory, dtype=choose_dtype(), trust_remote_code=trust_remote_code)

    if adapter is None or (passport is not None and passport.is_whole_model):
        yield BASE, load_one(name).to(choose_device())
        if adapter is not None:
            yield TUNED, load_one(str(adapter)).to(choose_device())
        return
    model = load_adapter(load_one(name).to(choose_device()), adapter)
    with model.disable_adapter():
        yield BASE, model
    yield TUNED, model


def _measure(
    model: Any,
    prompts: Prompts,
    batch_size: int,
    max_new_tokens: int | None,
    decoding: Decoding,
    report: Report,
) -> tuple[float, dict[str, float], list[list[int]]]:
    """The loss on the targets of the rows, of all and by task, and the answers to their prompts."""
    units, ends = RowUnits(prompts.data[prompts.split]), list_stop_ids(prompts.data.manifest)
    sums, targets = {}, {}
    for task, rows in _rows_by_task(prompts).items():
        sums[task] = float(sum_held_out_loss(model, units, rows, batch_size, ends[0]))
        targets[task] = int(units.targets[rows].sum())
    answers = generate(
        model,
        [prompt_ids(example) for example in prompts.examples],
        ends,
        max_new_tokens=max_new_tokens or _longest_answer(prompts),
        decoding=decoding,
        batch_size=batch_size,
        report=report,
    )
    loss = sum(sums.values()) / sum(targets.values())
    return loss, {task: sums[task] / targets[task] for task in sums}, answers


def _rows_by_task(prompts: Prompts) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for row, example in zip(prompts.rows, prompts.examples, strict=True):
        rows.setdefault(read_task(example), []).append(row)
    return dict(sorted(rows.items()))


def _longest_answer(prompts: Prompts) -> int:
    return max(len(answer_ids(example)) for example in prompts.examples) + _EXTRA_TOKENS


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
