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
from sftdata.tokenizing.chat.skeleton import recorded_format
from sftdata.tokenizing.encoded import EncodedTexts
from sftdata.tokenizing.encoder import REFERENCE, load_encoder
from sftdata.tokenizing.recorded import load_recorded_tokenizer
from sftdata.tokenizing.tokenizer import Tokenizer
from sftdata_train.audit import audit_adapter
from sftdata_train.decoding import Decoding, Mode, choose_decoding
from sftdata_train.device import choose_device, choose_dtype
from sftdata_train.generation import generate
from sftdata_train.lora import load_adapter
from sftdata_train.model_loading import load_model
from sftdata_train.passport import Passport, read_passport
from sftdata_train.resource_errors import explain_resource_errors


@dataclass(frozen=True, slots=True)
class Answer:
    """The text of an answer, and how it was decoded."""

    text: str
    decoding: Decoding


def answer(
    adapter: Path,
    row: Mapping[str, Any],
    *,
    model: str | None = None,
    template: str | None = None,
    max_new_tokens: int = 256,
    decoding: Mode = "greedy",
    trust_remote_code: bool = False,
) -> Answer:
    """The answer of the tuned model to a golden row, and how it was decoded.

    `model` is the base model, if it was moved since the training.
    Raises `SftdataError` when the row lacks a field, or a file differs from the passport.
    """
    passport = read_passport(adapter)
    contradictions = audit_adapter(passport, model=model).contradictions
    if contradictions:
        raise SftdataError(
            f"{adapter} does not agree with the record of its training: {contradictions[0]}",
            f"Show all differences: sftdata audit {adapter}",
        )
    name = model if model is not None else passport["base_model"]["name"]
    recorded = passport["tokenizer"]
    tokenizer = load_recorded_tokenizer(recorded, [str(adapter), name, recorded["name"]])
    ids = encode_prompt(passport, tokenizer, row, template)
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
    text = str(tokenizer.decoder.decode(generated, skip_special_tokens=True)).strip()
    return Answer(text, chosen)


def encode_prompt(
    passport: Passport, tokenizer: Tokenizer, row: Mapping[str, Any], label: str | None = None
) -> list[int]:
    """The ids of a row's prompt: those of its training example before the target."""
    if 0 not in passport["data"]["shots"]:
        raise SftdataError(
            f"{passport.directory} was trained on prompts with shots ({passport['data']['shots']}),"
            " which only its dataset holds.",
            "Evaluate the adapter on that dataset: sftdata eval",
        )
    template = _choose_template(passport, label)
    needed = {name for block in ("system", "prompt") for name in _fields(template, block)}
    missing = sorted(needed - row.keys())
    if missing:
        raise SftdataError(
            f"The row has no field '{missing[0]}', which the template {template.label} needs.",
            f"Its fields are: {', '.join(sorted(row))}.",
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
            "Send the turns, in the model's chat format, to a server that runs the adapter.",
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
