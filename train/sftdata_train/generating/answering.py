"""Answer a golden row with a trained adapter, through the prompt it was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sftdata.base.reporting import Report
from sftdata.errors import SftdataError
from sftdata.serving.answer_text import answer_text
from sftdata.serving.conversation import Question
from sftdata.serving.load import load_prompt_renderer
from sftdata.serving.passport import Passport, read_passport
from sftdata.serving.recorded_prompt import PassportRenderer
from sftdata.tokenizing.recorded import load_recorded_tokenizer
from sftdata.writing.manifest import read_manifest
from sftdata_train.audit import require_unchanged
from sftdata_train.generating.decoding import Decoding, Mode, choose_decoding
from sftdata_train.generating.generation import generate
from sftdata_train.models.base_model import load_for_answers
from sftdata_train.resource_errors import explain_resource_errors
from sftdata_train.training.lora import load_adapter


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, the prompt that was sent, and how it was decoded."""

    text: str
    ids: list[int]  # without the stop id
    prompt_ids: list[int]
    stop_ids: list[int]
    decoding: Decoding

    def to_json(self) -> dict[str, Any]:
        """The object that `generate --json` prints."""
        return {
            "answer": self.text,
            "ids": self.ids,
            "prompt_ids": self.prompt_ids,
            "stop_ids": self.stop_ids,
            "decoding": self.decoding.to_json(),
        }


def answer(
    adapter: Path,
    asked: Mapping[str, Any] | Question,
    *,
    model: str | None = None,
    template: str | None = None,
    dataset: Path | None = None,
    part: str | None = None,
    max_new_tokens: int = 256,
    decoding: Mode = "greedy",
    trust_remote_code: bool = False,
    report: Report = lambda line: None,
) -> Answer:
    """The answer of the tuned model to a golden row, or the next turn of a conversation.

    `model` is the base model, if it was moved since the training. `dataset` is the one that the
    adapter was trained on; prompts with shots need it. `part` is its source, if it is a mixture.
    Raises `SftdataError` when the row lacks a field, or a file differs from the passport.
    """
    passport = read_passport(adapter)
    require_unchanged(passport, model)
    name = model if model is not None else passport["base_model"]["name"]
    recorded = passport["tokenizer"]
    tokenizer = load_recorded_tokenizer(recorded, [str(adapter), name, recorded["name"]])
    renderer = PassportRenderer(passport, tokenizer)
    if dataset is not None:
        ids = _encode_as_in(dataset, passport, asked, template, part)
    elif isinstance(asked, Question):
        ids = renderer.render_question(asked, source=template).input_ids
    else:
        ids = renderer.render(asked, template=template).input_ids
    with explain_resource_errors("answering"):
        whole = passport.is_whole_model
        base = str(adapter) if whole else name
        tuned = load_for_answers(base, passport, trust_remote_code, report)
        if not whole:
            tuned = load_adapter(tuned, adapter)
        chosen = choose_decoding(tuned, decoding).with_limits(max_new_tokens, passport["stop_ids"])
        generated = generate(
            tuned, [ids], passport["stop_ids"], max_new_tokens=max_new_tokens, decoding=chosen
        )[0]
    text = answer_text(generated, tokenizer)
    return Answer(text, generated, ids, list(passport["stop_ids"]), chosen)


def _encode_as_in(
    dataset: Path,
    passport: Passport,
    asked: Mapping[str, Any] | Question,
    template: str | None,
    part: str | None,
) -> list[int]:
    """The ids of a prompt as the dataset shows its own."""
    build = read_manifest(dataset)["build"]
    if build != passport["data"]["build"]:
        raise SftdataError(
            f"{passport.directory} was not trained on {dataset}: its build is {build}, the "
            f"adapter's {passport['data']['build']}.",
            "Give the dataset of the adapter's training.",
            code="E903",
        )
    renderer = load_prompt_renderer(dataset, part=part)
    if isinstance(asked, Question):
        return renderer.render_question(asked).input_ids
    return renderer.render(asked, template=template).input_ids
