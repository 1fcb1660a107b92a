"""The systems of an evaluation: base and tuned model, loaded one after another and measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sftdata.base.wording import count
from sftdata.serving.passport import Passport
from sftdata_train.batches import RowUnits
from sftdata_train.decoding import Decoding, Mode, choose_decoding
from sftdata_train.device import choose_device, choose_dtype
from sftdata_train.evaluation_prompts import Prompts, prompt_ids
from sftdata_train.generation import generate
from sftdata_train.lora import load_adapter
from sftdata_train.model_loading import load_model
from sftdata_train.passport import list_stop_ids
from sftdata_train.progress import Report
from sftdata_train.trainer import sum_held_out_loss

BASE, TUNED = "base", "tuned"


@dataclass(frozen=True)
class Measured:
    """What one system makes of the prompts with one number of shots."""

    system: str
    prompts: Prompts
    loss: float  # on the targets of all rows
    task_loss: dict[str, float]
    answers: list[list[int]]  # as ids


def load_systems(
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


def measure_systems(
    systems: Iterator[tuple[str, Any]],
    sets: Sequence[Prompts],
    mode: Mode,
    batch_size: int,
    max_new_tokens: int | None,
    report: Report,
) -> tuple[list[Measured], Decoding]:
    """Each set with each system, set by set, and the base model's decoding, which all use."""
    by_set: list[list[Measured]] = [[] for _ in sets]
    decoding = Decoding(mode)
    for system, model in systems:
        if system == BASE:
            decoding = choose_decoding(model, mode)
            report(f"decoding: {decoding.describe()}")
        for prompts, found in zip(sets, by_set, strict=True):
            report(f"{system}, {prompts.shots} shots, {count(len(prompts.rows), 'row')}")
            found.append(
                _measure(system, model, prompts, batch_size, max_new_tokens, decoding, report)
            )
        del model  # before the next one is loaded
    return [one for found in by_set for one in found], decoding


def _measure(
    system: str,
    model: Any,
    prompts: Prompts,
    batch_size: int,
    max_new_tokens: int | None,
    decoding: Decoding,
    report: Report,
) -> Measured:
    units, ends = RowUnits(prompts.data[prompts.split]), list_stop_ids(prompts.data.manifest)
    sums, targets = {}, {}
    for task, rows in prompts.rows_by_task.items():
        sums[task] = float(sum_held_out_loss(model, units, rows, batch_size, ends[0]))
        targets[task] = int(units.targets[rows].sum())
    answers = generate(
        model,
        [prompt_ids(example) for example in prompts.examples],
        ends,
        max_new_tokens=max_new_tokens or prompts.answer_limit,
        decoding=decoding,
        batch_size=batch_size,
        report=report,
    )
    return Measured(
        system,
        prompts,
        loss=sum(sums.values()) / sum(targets.values()),
        task_loss={task: sums[task] / targets[task] for task in sums},
        answers=answers,
    )
