"""Render the prompts of an adapter from its passport alone, without the dataset."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sftdata.base.arrow import texts
from sftdata.base.conversation import SYSTEM, USER, Conversation, Turn
from sftdata.errors import SftdataError, did_you_mean
from sftdata.examples.encode import encode_segments
from sftdata.examples.layout import ChatComposer, Composer, PlainComposer
from sftdata.rendering.render import Rendered
from sftdata.rendering.template import Template, parse_template
from sftdata.serving.conversation import Question, TurnRenderer
from sftdata.serving.passport import Passport, read_passport
from sftdata.serving.prompt import ServingPrompt, to_prompt
from sftdata.serving.turn_rules import TurnRules
from sftdata.spec.fields import MESSAGES
from sftdata.tokenizing.chat.layout import ConversationFormat
from sftdata.tokenizing.chat.skeleton import recorded_format
from sftdata.tokenizing.chat.template import ChatTemplate, load_chat_template
from sftdata.tokenizing.encoder import REFERENCE, Encoder, load_encoder
from sftdata.tokenizing.recorded import load_recorded_tokenizer
from sftdata.tokenizing.tokenizer import Tokenizer


@dataclass(frozen=True)
class PassportRenderer:
    """Renders the prompts that an adapter was trained on, up to the target."""

    passport: Passport
    tokenizer: Tokenizer

    @cached_property
    def _encoder(self) -> Encoder:
        return load_encoder(self.tokenizer, REFERENCE)

    @property
    def stop_ids(self) -> list[int]:
        """The ids that end generation."""
        return list(self.passport["stop_ids"])

    def render(self, row: Mapping[str, Any], *, template: str | None = None) -> ServingPrompt:
        """The prompt of a row of golden fields.

        Raises `SftdataError` when a field is missing, and where the prompts have shots.
        """
        passport = self.passport
        if 0 not in passport["data"]["shots"]:
            raise SftdataError(
                f"{passport.directory} was trained on prompts with shots "
                f"({passport['data']['shots']}), which only its dataset holds.",
                "Give that dataset, from which the shots are drawn: --dataset DIR",
                code="E903",
            )
        chosen = _choose_template(passport, template)
        rendered = self._render(row, chosen)
        segments = self._composer.compose(rendered, None)
        parts = encode_segments(segments, self._encoder)
        bos_id = self.tokenizer.bos_id if passport["chat"] is None else None
        return to_prompt(segments, parts, chosen.label, self.stop_ids, self.tokenizer, bos_id)

    def _render(self, row: Mapping[str, Any], chosen: Template) -> Rendered:
        given = {name: value for name, value in row.items() if value is not None}
        row = _read_defaults(self.passport, chosen) | given
        missing = [name for name in _needed_fields(self.passport, chosen) if name not in given]
        if missing:
            raise SftdataError(
                f"The row has no field '{missing[0]}', which the template {chosen.label} needs.",
                f"Its fields are: {', '.join(sorted(given)) or 'none'}.",
                code="E303",
            )
        has_system = "system" in chosen.blocks
        return Rendered(
            system=texts([chosen.render_block("system", row)]) if has_system else None,
            prompt=texts([chosen.render_block("prompt", row)]),
            target=texts(["-"]),  # a placeholder; only the prompt before it is encoded
        )

    def conversation(
        self,
        row: Mapping[str, Any] | None,
        question: Question | None,
        *,
        template: str | None = None,
    ) -> Conversation | None:
        """The turns that the chat template shows; None for plain prompts.

        Those of a question are read and repaired as the spec of its dataset says. Raises
        `ConversationFault` for turns that cannot be.
        """
        if question is not None:
            reader = _choose_rules(self.passport, template).reader
            return reader.read_question(question.values)
        if self.passport["chat"] is None:
            return None
        rendered = self._render(row or {}, _choose_template(self.passport, template))
        columns = {SYSTEM: rendered.system, USER: rendered.prompt}
        contents = {role: str(c[0].as_py()).strip() for role, c in columns.items() if c is not None}
        return Conversation(tuple(Turn(role, text) for role, text in contents.items() if text))

    @property
    def chat_template(self) -> ChatTemplate:
        """The chat template of the training, with its options and its date."""
        chat = self.passport["chat"]
        date = chat.get("date")
        return load_chat_template(
            replace(self.tokenizer, chat_template=chat["template"]),
            chat["options"],
            datetime.date.today() if date is None else datetime.date.fromisoformat(date),
        )

    @property
    def _composer(self) -> Composer:
        tokenizer, chat = self.tokenizer, self.passport["chat"]
        if chat is None:
            return PlainComposer(tokenizer.bos_id, tokenizer.eos_id)
        return ChatComposer(
            recorded_format(replace(tokenizer, chat_template=chat["template"]), chat)
        )

    def render_question(
        self,
        question: Question,
        chat_options: Mapping[str, Any] | None = None,
        *,
        source: str | None = None,
    ) -> ServingPrompt:
        """The prompt for the turn after those of `question`.

        `source` names one of a mixture whose sources show conversations in different ways.
        Raises `SftdataError` when the adapter was trained on no conversations.
        """
        rules = _choose_rules(self.passport, source)
        tokenizer = replace(self.tokenizer, chat_template=self.passport["chat"]["template"])
        layout = ConversationFormat(tokenizer, self.chat_template, rules.teach_reasoning)
        renderer = TurnRenderer(layout, self._encoder, rules)
        text, ids = renderer.render(question, chat_options)
        return ServingPrompt(MESSAGES, text, ids, self.stop_ids)


def list_prompt_fields(passport: Passport, template: str | None = None) -> list[str]:
    """The fields that a row must have for its prompt."""
    return _needed_fields(passport, _choose_template(passport, template))


def load_passport_renderer(adapter: Path) -> PassportRenderer:
    """Renders the prompts of the adapter or merged model in `adapter`.

    Its tokenizer is the one beside the weights, or else that of the base model or the dataset.
    Raises `SftdataError` when there is no passport, or no such tokenizer is left.
    """
    return make_renderer(read_passport(adapter))


def make_renderer(passport: Passport) -> PassportRenderer:
    """As `load_passport_renderer`, of a passport that was read already."""
    recorded = passport["tokenizer"]
    places = [str(passport.directory), passport["base_model"]["name"], recorded["name"]]
    return PassportRenderer(passport, load_recorded_tokenizer(recorded, places))


def _choose_rules(passport: Passport, source: str | None) -> TurnRules:
    recorded = passport.content.get("conversations", {})
    known = {name: TurnRules.from_json(rules) for name, rules in recorded.items()}
    if not known:
        raise SftdataError(
            f"{passport.directory} was not trained on conversations.",
            "Give a row of fields: --row",
            code="E903",
        )
    if source is not None and source not in known:
        raise SftdataError(
            f"The adapter was not trained on conversations of '{source}'.",
            did_you_mean(source, known),
            code="E903",
        )
    chosen = {known[source]} if source is not None else set(known.values())
    if len(chosen) > 1:
        raise SftdataError(
            f"{passport.directory} was trained on conversations of {', '.join(known)}, which do "
            "not show earlier turns alike.",
            f"Choose the one to answer as: --template {next(iter(known))}",
            code="E903",
        )
    return chosen.pop()


def _choose_template(passport: Passport, label: str | None) -> Template:
    known = passport["templates"]
    if not known:
        raise SftdataError(
            f"{passport.directory} was trained on conversations, which have no template to render "
            "a row with.",
            'Give the turns: --messages \'[{"role": "user", "content": "…"}]\'',
            code="E903",
        )
    if label is None and len(known) > 1:
        raise SftdataError(
            f"{passport.directory} was trained on {len(known)} templates: {', '.join(known)}.",
            f"Choose the one to answer with: --template {next(iter(known))}",
            code="E903",
        )
    chosen = label if label is not None else next(iter(known))
    matching = [name for name in known if chosen in (name, name.partition("@")[0])]
    if len(matching) != 1:
        raise SftdataError(
            f"The adapter was not trained on the template '{chosen}'.",
            did_you_mean(chosen, known),
            code="E903",
        )
    chosen = matching[0]
    template_id, _, version = chosen.partition("@")
    return parse_template(template_id, known[chosen]["source"], version=version)


def _read_defaults(passport: Passport, template: Template) -> dict[str, str]:
    """The texts of fields that a row may lack."""
    return dict(passport["templates"][template.label].get("defaults", {}))


def _needed_fields(passport: Passport, template: Template) -> list[str]:
    blocks = [template.blocks[name] for name in ("system", "prompt") if name in template.blocks]
    read = frozenset[str]().union(*(block.fields for block in blocks))
    return sorted(read - _read_defaults(passport, template).keys())
