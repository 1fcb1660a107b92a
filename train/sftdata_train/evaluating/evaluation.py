"""Evaluate: base and tuned model side by side, by the loss on targets and by their answers."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sftdata.base.reporting import Report
from sftdata.base.wording import count
from sftdata.loading.dataset import load
from sftdata.serving.passport import Passport, read_passport
from sftdata.writing.manifest import Manifest
from sftdata_train.evaluating.answer_files import AnswerFile, open_cached
from sftdata_train.evaluating.comparison import Comparison, compare_scores
from sftdata_train.evaluating.prompts import (
    Prompts,
    check_prompts,
    count_shots,
    prompt_ids,
    read_task,
    select_prompts,
)
from sftdata_train.evaluating.row_texts import make_rows
from sftdata_train.evaluating.rows import (
    BASE,
    TUNED,
    EvaluatedRow,
    SystemResult,
    list_systems,
    measure,
)
from sftdata_train.evaluating.run_record import describe_settings
from sftdata_train.evaluating.systems import identify_systems, load_systems, measure_systems
from sftdata_train.generating.decoding import Decoding, Mode
from sftdata_train.models.model_loading import load_config
from sftdata_train.models.tokenizer_check import check_tokenizer
from sftdata_train.resource_errors import explain_resource_errors
from sftdata_train.training.preflight import check_lengths, check_vocabulary

_GALLERY_ROWS = 12


@dataclass(frozen=True, slots=True)
class GalleryRow:
    """A row with the answers of all systems, to read."""

    row_id: str
    task: str
    prompt: str
    reference: str  # the first accepted answer
    answers: dict[str, str]  # by system and shots, such as "tuned, 0 shots"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The results of all systems over the evaluated rows."""

    dataset: str
    build: str
    split: str
    model: str
    adapter: str | None
    decoding: Decoding
    rows_left_out: int  # rows of the split beyond `limit`
    rows: list[EvaluatedRow]
    results: list[SystemResult]
    comparisons: list[Comparison]  # of tuned and base, for each task, number of shots and metric
    settings: dict[str, Any]  # that decide the numbers, for `save_evaluation`

    @property
    def gallery(self) -> list[GalleryRow]:
        """The first rows, with the answers of each system at each number of shots."""
        found: dict[tuple[str, str], GalleryRow] = {}
        for row in self.rows:
            key = (row.task, row.row_id)
            if key not in found and len(found) < _GALLERY_ROWS:
                found[key] = GalleryRow(row.row_id, row.task, row.prompt, row.references[0], {})
            if key in found:
                answers = {f"{name}, {row.shots} shots": a for name, a in row.answers.items()}
                found[key].answers.update(answers)
        return list(found.values())

    def to_json(self) -> dict[str, Any]:
        """The object `eval --json` prints."""
        names = ("dataset", "build", "split", "model", "adapter")
        return {
            **{name: getattr(self, name) for name in names},
            "decoding": self.decoding.to_json(),
            "rows_left_out": self.rows_left_out,
            "results": [result.to_json() for result in self.results],
            "comparisons": [asdict(comparison) for comparison in self.comparisons],
            "gallery": [asdict(row) for row in self.gallery],
        }


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
    answers: Path | None = None,
    trust_remote_code: bool = False,
    report: Report = lambda line: None,
) -> Evaluation:
    """Loss and answers of the model, without and with the adapter, on the rows of a split.

    `shots`: examples before each prompt. By default, as many as the dataset was built with.
    `decoding`: greedy, or as the model's own generation_config.json says.
    `answers`: a folder for the files of answers, which the next evaluation uses, too. By default
    they are in the cache until the evaluation is finished.
    Raises `SftdataError`, for example when the adapter was trained on other prompts.
    """
    data = load(directory)
    passport = read_passport(adapter) if adapter is not None else None
    config = _load_config(model_name, data.manifest, report, trusts=trust_remote_code)
    with (
        tempfile.TemporaryDirectory(prefix="sftdata-eval-") as scratch,
        explain_resource_errors("evaluating"),
        _open_files(answers) as files,
    ):
        wanted = shots or [count_shots(data) or 0]
        sets = [select_prompts(data, split, k, limit=limit, scratch=Path(scratch)) for k in wanted]
        _check_prompts(sets, passport, config)
        left_out = len(data[split]) - len(sets[0].rows)
        if left_out:
            report(describe_left_out(sets[0]))
        systems = load_systems(model_name, adapter, passport, trust_remote_code, report)
        identities = identify_systems(model_name, passport)
        measured, decoded = measure_systems(
            systems, identities, sets, decoding, batch_size, max_new_tokens, files.open, report
        )
        rows = make_rows(data, measured, report)
        results = [measure(rows, *system) for system in list_systems(rows)]
    return Evaluation(
        dataset=str(directory),
        build=data.manifest["build"],
        split=split,
        model=model_name,
        adapter=None if adapter is None else str(adapter),
        decoding=decoded,
        rows_left_out=left_out,
        rows=rows,
        results=results,
        comparisons=_compare_systems(results),
        settings=describe_settings(
            data.manifest, passport, identities, {"split": split, "decoding": decoded.to_json()}
        ),
    )


def describe_left_out(prompts: Prompts) -> str:
    """What `--limit` leaves out: rows, and of a mixture how many of each task."""
    split = prompts.data[prompts.split]
    text = (
        f"--limit leaves out {len(split) - len(prompts.rows):,} of the "
        f"{count(len(split), 'row')} of '{prompts.split}'"
    )
    every = Counter[str]()
    for entry in split.to_arrow().column("template").value_counts().to_pylist():
        every[entry["values"].partition("/")[0]] += entry["counts"]
    if len(every) == 1:
        return f"{text}."
    kept = Counter(map(read_task, prompts.examples))
    tasks = ", ".join(
        f"{number - kept[task]:,} of {task}" for task, number in sorted(every.items())
    )
    return f"{text}: {tasks}."


@dataclass
class _Files:
    """The files of answers: in a folder of the user, or in the cache until all is finished."""

    folder: Path | None
    cached: list[Path]

    def open(self, system: str, settings: Mapping[str, Any]) -> AnswerFile:
        """The file of one system."""
        if self.folder is not None:
            return AnswerFile.open(self.folder / f"{system}.jsonl", settings)
        found = open_cached(settings)
        self.cached.append(found.path)
        return found


@contextmanager
def _open_files(folder: Path | None) -> Iterator[_Files]:
    files = _Files(folder, [])
    yield files
    for path in files.cached:  # only without an error: else the same command goes on
        path.unlink(missing_ok=True)


def _load_config(model_name: str, manifest: Manifest, report: Report, *, trusts: bool) -> Any:
    """The config of the model. Raises where it has another tokenizer, or too few embeddings."""
    check_tokenizer(manifest, model_name, report)
    config = load_config(model_name, trust_remote_code=trusts)
    check_vocabulary(manifest, config)
    return config


def _check_prompts(sets: Sequence[Prompts], passport: Passport | None, config: Any) -> None:
    """Raises when the adapter was trained on other prompts, or the model has too few positions."""
    for prompts in sets:
        if passport is not None:
            check_prompts(prompts, passport["templates"])
        longest = max(len(prompt_ids(e)) for e in prompts.examples) + prompts.answer_limit
        check_lengths({f"prompt with {prompts.shots} shots and its answer": longest}, config)


def _compare_systems(results: Sequence[SystemResult]) -> list[Comparison]:
    """Tuned against base, where both have answered with the same number of shots."""
    by_system = {(result.system, result.shots): result for result in results}
    found = []
    for (system, shots), tuned in by_system.items():
        if system != TUNED:
            continue
        base = by_system[BASE, shots]
        for task, scores in tuned.scores.items():
            before = [base.losses[task], *base.scores[task]]
            found += compare_scores(task, shots, before, [tuned.losses[task], *scores])
    return found
