"""The systems of an evaluation: base and tuned model, loaded one after another and measured."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sftdata.base.escaping import escape
from sftdata.base.reporting import Report
from sftdata.base.version import __version__
from sftdata.base.wording import count
from sftdata.loading.text import TextReader
from sftdata.serving.answer_text import answer_text
from sftdata.serving.passport import Passport
from sftdata_train.evaluating.answer_files import AnswerFile
from sftdata_train.evaluating.prompts import Prompts, prompt_ids
from sftdata_train.evaluating.rows import BASE, TUNED
from sftdata_train.generating.decoding import Decoding, Mode, choose_decoding
from sftdata_train.generating.generation import generate_batches
from sftdata_train.models.base_model import load_for_answers
from sftdata_train.models.device import choose_device
from sftdata_train.models.model_loading import find_model_folder, locate_model
from sftdata_train.passport import digest_model, list_stop_ids
from sftdata_train.training.batches import RowUnits
from sftdata_train.training.lora import load_adapter
from sftdata_train.training.trainer import measure_row_losses

_LIBRARIES = ("torch", "transformers", "peft")
# Opens the file of a system's answers: from its name and everything that an answer depends on.
OpenAnswers = Callable[[str, Mapping[str, Any]], AnswerFile]


@dataclass(frozen=True)
class Measured:
    """What one system makes of the prompts with one number of shots."""

    system: str
    prompts: Prompts
    losses: list[float]  # of each row, summed over its target tokens
    targets: list[int]  # target tokens of each row
    answers: list[list[int]]  # as ids


def load_systems(
    name: str,
    adapter: Path | None,
    passport: Passport | None,
    trust_remote_code: bool,
    report: Report,
) -> Iterator[tuple[str, Any]]:
    """The base model, then the tuned one: the same with its adapter, or a model of its own."""

    def load_one(directory: str) -> Any:
        return load_for_answers(directory, passport, trust_remote_code, report)

    if adapter is None or (passport is not None and passport.is_whole_model):
        yield BASE, load_one(name)
        if adapter is not None:
            yield TUNED, load_one(str(adapter))
        return
    model = load_adapter(load_one(name), adapter)
    with model.disable_adapter():
        yield BASE, model
    yield TUNED, model


def identify_systems(name: str, passport: Passport | None) -> dict[str, dict[str, Any]]:
    """Digests of the weights of the base model and the tuned one."""
    base = {"model": _identify(name)}
    if passport is None:
        return {BASE: base}
    weights = dict(passport["weights"])
    tuned = {"model": weights} if passport.is_whole_model else base | {"adapter": weights}
    return {BASE: base, TUNED: tuned}


def _identify(name: str) -> Any:
    folder = find_model_folder(name)
    return locate_model(name) if folder is None else digest_model(folder)


def measure_systems(
    systems: Iterator[tuple[str, Any]],
    identities: Mapping[str, Mapping[str, Any]],
    sets: Sequence[Prompts],
    mode: Mode,
    batch_size: int,
    max_new_tokens: int | None,
    open_answers: OpenAnswers,
    report: Report,
) -> tuple[list[Measured], Decoding]:
    """Each set with each system, set by set, and the base model's decoding, which all use."""
    by_set: list[list[Measured]] = [[] for _ in sets]
    decoding = Decoding(mode)
    stop_ids = list_stop_ids(sets[0].data.manifest)
    limit = max_new_tokens or max(prompts.answer_limit for prompts in sets)
    for system, model in systems:
        if system == BASE:
            decoding = choose_decoding(model, mode).with_limits(limit, stop_ids)
        settings = {
            **identities[system],
            "decoding": decoding.to_json(),
            "machine": [choose_device().type, str(model.dtype), _is_quantized(model)],
            "libraries": {name: importlib.metadata.version(name) for name in _LIBRARIES},
            "sftdata": __version__,
        }
        with open_answers(system, settings) as answers:
            for prompts, found in zip(sets, by_set, strict=True):
                report(f"{system}, {prompts.shots} shots, {count(len(prompts.rows), 'row')}")
                found.append(
                    _measure(system, model, prompts, batch_size, decoding, answers, report)
                )
        del model  # before the next one is loaded
    return [one for found in by_set for one in found], decoding


def _is_quantized(model: Any) -> bool:
    return getattr(model.config, "quantization_config", None) is not None


def _measure(
    system: str,
    model: Any,
    prompts: Prompts,
    batch_size: int,
    decoding: Decoding,
    answers: AnswerFile,
    report: Report,
) -> Measured:
    units = RowUnits(prompts.data[prompts.split])
    losses = measure_row_losses(model, units, prompts.rows, batch_size, decoding.stop_ids[0])
    asked = [prompt_ids(example) for example in prompts.examples]
    _answer(model, prompts, asked, batch_size, decoding, answers, report)
    return Measured(
        system,
        prompts,
        losses=losses,
        targets=units.targets[prompts.rows].tolist(),
        answers=[answers[prompt] for prompt in asked],
    )


def _answer(
    model: Any,
    prompts: Prompts,
    asked: Sequence[list[int]],
    batch_size: int,
    decoding: Decoding,
    answers: AnswerFile,
    report: Report,
) -> None:
    """Answer the prompts that have no answer yet; each batch is written when it is ready."""
    left = [place for place, prompt in enumerate(asked) if prompt not in answers]
    done = len(asked) - len(left)
    if done:
        report(f"  {done:,} of {count(len(asked), 'answer')} are in {escape(str(answers.path))}")
    if not left:
        return
    tokenizer, examples = TextReader(prompts.data).tokenizer, prompts.examples
    assert decoding.max_new_tokens is not None
    batches = generate_batches(
        model,
        [asked[place] for place in left],
        decoding.stop_ids,
        max_new_tokens=decoding.max_new_tokens,
        decoding=decoding,
        batch_size=batch_size,
    )
    for batch in batches:
        places = {left[at]: ids for at, ids in batch.items()}
        answers.add(
            [
                (examples[at].row_id, asked[at], ids, answer_text(ids, tokenizer))
                for at, ids in places.items()
            ]
        )
        done += len(places)
        report(f"  {done:,} of {len(asked):,} answers")
