"""Serving: one golden row in, the adapter's answer out, with the prompt it was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sftdata.base.arrow import texts
from sftdata.errors import SftdataError, did_you_mean
from sftdata.examples.encode import encode_stretches
from sftdata.examples.layout import ChatComposer, Composer, PlainComposer, prompt_length
from sftdata.rendering.render import Rendered
from sftdata.rendering.template import Template, parse_template
from sftdata.tokenizing.chat_template import ChatFormat
from sftdata.tokenizing.encoded import Encoded
from sftdata.tokenizing.encoder import REFERENCE, load_encoder
from sftdata.tokenizing.recorded import load_recorded_tokenizer
from sftdata.tokenizing.tokenizer import Tokenizer
from sftdata_train.device import choose_device, choose_dtype
from sftdata_train.generation import generate
from sftdata_train.lora import load_adapter
from sftdata_train.model_loading import load_model
from sftdata_train.passport import Passport, find_contradictions, read_passport
from sftdata_train.resource_errors import explain_resource_errors


def answer(
    adapter: Path,
    row: Mapping[str, Any],
    *,
    model: str | None = None,
    template: str | None = None,
    max_new_tokens: int = 256,
    trust_remote_code: bool = False,
) -> str:
    """The answer of the model with the adapter to a golden row.

    `model` is the base model where it is not at the passport's place any more.
    Raises `SftdataError` when the row lacks a field, or something is not what the passport says.
    """
    passport = read_passport(adapter)
    contradictions = find_contradictions(passport, None)
    if contradictions:
        raise SftdataError(
            f"{adapter} is not what its passport says: {contradictions[0]}",
            f"See all of it: sftdata audit {adapter}",
        )
    name = model if model is not None else passport["base_model"]["name"]
    tokenizer = _tokenizer(passport, name)
    ids = serving_prompt(passport, tokenizer, row, template)
    with explain_resource_errors("answering"):
        tuned = load_adapter(
            load_model(name, dtype=choose_dtype(), trust_remote_code=trust_remote_code),
            adapter,
        ).to(choose_device())
        made = generate(tuned, [ids], passport["stop_ids"], max_new_tokens=max_new_tokens)[0]
    return str(tokenizer.decoder.decode(made, skip_special_tokens=True)).strip()


def serving_prompt(
    passport: Passport, tokenizer: Tokenizer, row: Mapping[str, Any], label: str | None = None
) -> list[int]:
    """The ids the model is fed for a row: those of a training example up to its target."""
    if 0 not in passport["data"]["shots"]:
        raise SftdataError(
            f"{passport.directory} was trained on prompts with shots ({passport['data']['shots']}),"
            " which are in its dataset and not with the adapter.",
            "Evaluate it on that dataset: sftdata eval",
        )
    template = _template(passport, label)
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
        else ChatComposer(
            ChatFormat(replace(tokenizer, chat_template=chat["template"]), chat["options"])
        )
    )
    has_system = "system" in template.blocks
    rendered = Rendered(
        system=texts([template.render_block("system", row)]) if has_system else None,
        prompt=texts([template.render_block("prompt", row)]),
        target=texts(["-"]),  # laid out as in training, up to where the target would begin
    )
    stretches = composer.compose(rendered, None)
    prompt = stretches[: prompt_length(stretches)]
    parts = encode_stretches(prompt, load_encoder(tokenizer, REFERENCE))
    flat = [part.ids.ids if isinstance(part.ids, Encoded) else part.ids for part in parts]
    return [int(token_id) for ids in flat for token_id in ids]


def _template(passport: Passport, label: str | None) -> Template:
    known = passport["templates"]
    if not known:
        raise SftdataError(
            f"{passport.directory} was trained on conversations, which have no template to put a "
            "row into.",
            "Give its turns to a server of the model with the adapter, in the model's chat format.",
        )
    chosen = label if label is not None else next(iter(known))
    if chosen not in known:
        raise SftdataError(
            f"The adapter was not trained on the template '{chosen}'.", did_you_mean(chosen, known)
        )
    template_id, _, version = chosen.partition("@")
    return parse_template(template_id, known[chosen]["source"], version=version)


def _fields(template: Template, block: str) -> frozenset[str]:
    return template.blocks[block].fields if block in template.blocks else frozenset()


def _tokenizer(passport: Passport, model: str) -> Tokenizer:
    """The tokenizer of the passport, from beside the model or where the dataset had it."""
    recorded = passport["tokenizer"]
    return load_recorded_tokenizer(recorded, [model, recorded["name"]])
