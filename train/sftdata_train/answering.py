"""Answer a golden row with a trained adapter, through the prompt it was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sftdata.base.arrow import texts
from sftdata.errors import SftdataError, did_you_mean
from sftdata.examples.encode import encode_segments
from sftdata.examples.layout import ChatComposer, Composer, PlainComposer, count_prompt_segments
from sftdata.rendering.render import Rendered
from sftdata.rendering.template import Template, parse_template
from sftdata.serving.conversation import Question
from sftdata.serving.prompt import load_prompt_renderer
from sftdata.tokenizing.chat.skeleton import recorded_format
from sftdata.tokenizing.encoded import EncodedTexts
from sftdata.tokenizing.encoder import REFERENCE, load_encoder
from sftdata.tokenizing.recorded import load_recorded_tokenizer
from sftdata.tokenizing.tokenizer import Tokenizer
from sftdata.writing.manifest import read_manifest
from sftdata_train.asked_turns import encode_turns
from sftdata_train.audit import require_unchanged
from sftdata_train.decoding import Decoding, Mode, choose_decoding
from sftdata_train.device import choose_device, choose_dtype
from sftdata_train.generation import generate
from sftdata_train.lora import load_adapter
from sftdata_train.model_loading import load_model
from sftdata_train.passport import Passport, read_passport
from sftdata_train.resource_errors import explain_resource_errors


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
    if dataset is not None:
        ids = _encode_as_in(dataset, passport, asked, template, part)
    elif isinstance(asked, Question):
        ids = encode_turns(passport, tokenizer, asked, template)
    else:
        ids = encode_prompt(passport, tokenizer, asked, template)
    with explain_resource_errors("answering"):
        whole = passport.is_whole_model
        tuned = load_model(
            str(adapter) if whole else name,
            dtype=choose_dtype(),
            trust_remote_code=trust_remote_code,
        )
        tuned = (tuned if whole else load_adapter(tuned, adapter)).to(choose_device())
        chosen = choose_decoding(tuned, decoding)
        generated = generate(
            tuned, [ids], passport["stop_ids"], max_new_tokens=max_new_tokens, decoding=chosen
        )[0]
    text = _to_text(generated, tokenizer)
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
        )
    renderer = load_prompt_renderer(dataset, part=part)
    if isinstance(asked, Question):
        return renderer.render_question(asked).input_ids
    return renderer.render(asked, template=template).input_ids


def _to_text(ids: list[int], tokenizer: Tokenizer) -> str:
    """An answer as text. Control tokens are left out, unless one is inside it: before a call."""
    control = set(tokenizer.control_tokens.values())
    shown = [token for token in ids if token not in control]
    first, last = (ids.index(shown[0]), len(ids) - ids[::-1].index(shown[-1])) if shown else (0, 0)
    is_parted = any(token in control for token in ids[first:last])
    text = tokenizer.decoder.decode(ids if is_parted else shown, skip_special_tokens=False)
    return str(text).strip()


def encode_prompt(
    passport: Passport, tokenizer: Tokenizer, row: Mapping[str, Any], label: str | None = None
) -> list[int]:
    """The ids of a row's prompt: those of its training example before the target."""
    if 0 not in passport["data"]["shots"]:
        raise SftdataError(
            f"{passport.directory} was trained on prompts with shots ({passport['data']['shots']}),"
            " which only its dataset holds.",
            "Give that dataset, from which the shots are drawn: --dataset DIR",
        )
    template = _choose_template(passport, label)
    given = {name: value for name, value in row.items() if value is not None}
    row = passport["templates"][template.label].get("defaults", {}) | given
    needed = {name for block in ("system", "prompt") for name in _fields(template, block)}
    missing = sorted(needed - row.keys())
    if missing:
        raise SftdataError(
            f"The row has no field '{missing[0]}', which the template {template.label} needs.",
            f"Its fields are: {', '.join(sorted(given)) or 'none'}.",
        )
    chat = passport["chat"]
    composer: Composer = (
        PlainComposer(tokenizer.bos_id, tokenizer.eos_id)
        if chat is None
        else ChatComposer(recorded_format(replace(tokenizer, chat_template=chat["template"]), chat))
    )
    has_system = "system" in template.blocks
    rendered = Rendered(
        system=texts([template.render_block("system", row)]) if has_system else None,
        prompt=texts([template.render_block("prompt", row)]),
        target=texts(["-"]),  # a placeholder; only the prompt before it is encoded
    )
    segments = composer.compose(rendered, None)
    prompt = segments[: count_prompt_segments(segments)]
    parts = encode_segments(prompt, load_encoder(tokenizer, REFERENCE))
    flat = [part.ids.ids if isinstance(part.ids, EncodedTexts) else part.ids for part in parts]
    return [int(token_id) for ids in flat for token_id in ids]


def _choose_template(passport: Passport, label: str | None) -> Template:
    known = passport["templates"]
    if not known:
        raise SftdataError(
            f"{passport.directory} was trained on conversations, which have no template to render "
            "a row with.",
            'Give the turns: --messages \'[{"role": "user", "content": "…"}]\'',
        )
    if label is None and len(known) > 1:
        raise SftdataError(
            f"{passport.directory} was trained on {len(known)} templates: {', '.join(known)}.",
            f"Choose the one to answer with: --template {next(iter(known))}",
        )
    chosen = label if label is not None else next(iter(known))
    matching = [name for name in known if chosen in (name, name.partition("@")[0])]
    if len(matching) != 1:
        raise SftdataError(
            f"The adapter was not trained on the template '{chosen}'.", did_you_mean(chosen, known)
        )
    chosen = matching[0]
    template_id, _, version = chosen.partition("@")
    return parse_template(template_id, known[chosen]["source"], version=version)


def _fields(template: Template, block: str) -> frozenset[str]:
    return template.blocks[block].fields if block in template.blocks else frozenset()
