"""Serving prompts: the exact prompt a server must send for a row, made by the build's own code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from sftdata.base.arrow import texts
from sftdata.base.hashing import hash_texts
from sftdata.base.typed_text import TYPE_NAMES, FieldType, to_canonical
from sftdata.building.maker import example_maker
from sftdata.building.plan import Plan
from sftdata.errors import (
    GoldenSetError,
    SpecError,
    did_you_mean,
)
from sftdata.examples.layout import Segment, count_prompt_segments, segment_text
from sftdata.examples.maker import ExampleMaker
from sftdata.examples.tokens import EncodedSegment
from sftdata.reading.outcomes import RowOutcomes
from sftdata.reading.row_reader import row_reader
from sftdata.reading.rows import Rows
from sftdata.reading.scalars import to_text
from sftdata.rendering.template import Template
from sftdata.serving.conversation import Messages, Question, TurnRenderer
from sftdata.serving.turn_rules import TurnRules
from sftdata.spec.contradictions import MAX_SHOTS
from sftdata.spec.fields import MESSAGES
from sftdata.tokenizing.encoded import EncodedTexts
from sftdata.tokenizing.encoder import REFERENCE, Encoder, load_encoder
from sftdata.tokenizing.tokenizer import Tokenizer

_ID, _GROUP = "id", "group"
# Placeholder for an unknown target field. Only the text before the target is returned.
_NO_ANSWER = "?"


@dataclass(frozen=True, slots=True)
class ServingPrompt:
    """The prompt of a row. `input_ids` are those before `target_start` in a training example."""

    template: str
    text: str  # with the control tokens of a chat template, without a BOS the tokenizer adds
    input_ids: list[int]
    stop_ids: list[int]  # each of them ends generation

    def to_json(self) -> dict[str, Any]:
        """The object that `template render --json` prints."""
        return {
            "template": self.template,
            "text": self.text,
            "input_ids": self.input_ids,
            "stop_ids": self.stop_ids,
        }


def to_prompt(
    segments: Sequence[Segment],
    parts: Sequence[EncodedSegment],
    template: str,
    stop_ids: list[int],
    tokenizer: Tokenizer,
    bos_id: int | None,
) -> ServingPrompt:
    """The part of an encoded example before its target.

    `bos_id`: the BOS that the tokenizer puts before plain text, which is not a part of the text.
    """
    length = count_prompt_segments(segments)
    ids = [p.ids.ids if isinstance(p.ids, EncodedTexts) else p.ids for p in parts[:length]]
    first = 1 if bos_id is not None and segments[0].content == bos_id else 0

    def name(token_id: int) -> str:
        return str(tokenizer.decoder.id_to_token(token_id))

    shown = (segment_text(segment, 0, name) for segment in segments[first:length])
    return ServingPrompt(
        template=template,
        text="".join(shown),
        input_ids=[int(token_id) for part in ids for token_id in part],
        stop_ids=stop_ids,
    )


@dataclass(frozen=True)
class PromptRenderer:
    """Renders serving prompts as a build with this plan renders examples."""

    plan: Plan

    @cached_property
    def maker(self) -> ExampleMaker:
        """Makes examples as the build did."""
        return example_maker(self.plan, lambda: self._encoder)

    @cached_property
    def _encoder(self) -> Encoder:
        return load_encoder(self.plan.tokenizer, REFERENCE)

    @cached_property
    def stop_ids(self) -> list[int]:
        """The ids that end generation: EOS, and the end of a turn in a chat."""
        if self.plan.conversations is not None:
            return self.plan.conversations.stop_ids
        ends = [] if self.plan.chat is None else [self.plan.chat.end_id()]
        return list(dict.fromkeys([*ends, self.plan.tokenizer.eos_id]))

    def render(
        self, row: Mapping[str, Any], *, template: str | None = None, shots: int | None = None
    ) -> ServingPrompt:
        """The prompt of a row of golden fields.

        By default the build's rules choose the template, from the row's `id`, and the number of
        shots. A row with target fields is shortened to the build's `max_length`, as in training; a
        row without them is not, because the length of its answer is unknown.
        Raises `SftdataError` when a field is missing, or the row does not fit.
        """
        self._check_shots(shots)
        chosen = self._choose_template(row, template)
        rows, is_solved = self._to_rows(row, chosen)
        fitter = self.maker.fitter()
        if shots is not None:
            fitter = replace(fitter, shots=(shots,))
        if not is_solved:
            fitter = replace(fitter, max_length=None)
        outcomes = RowOutcomes(1)
        for encoded in fitter.fit(rows, np.zeros(1, np.int64), chosen, outcomes):
            if encoded.kept.all():
                tokenizer = self.plan.tokenizer
                bos_id = tokenizer.bos_id if self.plan.chat is None else None
                return to_prompt(
                    encoded.segments, encoded.parts, chosen.label, self.stop_ids, tokenizer, bos_id
                )
        _, _, reason, detail = next(iter(outcomes))
        raise GoldenSetError(f"The row cannot be rendered: {detail} ({reason}).", code="E303")

    def render_turns(
        self,
        messages: Messages,
        *,
        tools: Sequence[Any] | None = None,
        documents: Sequence[Any] | None = None,
        system: str | None = None,
        chat_options: Mapping[str, Any] | None = None,
    ) -> ServingPrompt:
        """The prompt for the turn after `messages`, of a dataset of conversations.

        `input_ids` are those before that turn's part in the loss, where it is in the dataset.
        Raises `SftdataError` where the chat template cannot show the turns.
        """
        return self.render_question(Question(messages, tools, documents, system), chat_options)

    def render_question(
        self, question: Question, chat_options: Mapping[str, Any] | None = None
    ) -> ServingPrompt:
        """As `render_turns`."""
        conversations = self.plan.conversations
        if conversations is None:
            raise SpecError(
                "The dataset holds no conversations, so it cannot say how turns are shown.",
                "Give a row of fields: --row, or render_prompt(dataset, row).",
                code="E102",
            )
        renderer = TurnRenderer(conversations, self._encoder, TurnRules.of(self.plan.spec))
        text, ids = renderer.render(question, chat_options)
        return ServingPrompt(MESSAGES, text, ids, self.stop_ids)

    def _check_shots(self, shots: int | None) -> None:
        if shots is not None and not 0 <= shots <= MAX_SHOTS:
            raise SpecError(f"shots is {shots}; it must be from 0 to {MAX_SHOTS}.", code="E102")
        if shots and self.plan.pool is None:
            raise SpecError(
                "There are no solved examples to draw shots from: they are kept where a dataset is "
                "built with shots.",
                "Leave the shots out, or build with --shots.",
                code="E102",
            )

    def _choose_template(self, row: Mapping[str, Any], wanted: str | None) -> Template:
        templates = self.plan.templates
        if not templates:
            raise SpecError(
                "The dataset holds conversations, which have no template to render a row with.",
                "Give the turns: --messages, or render_prompt(dataset, messages=[…]).",
                code="E102",
            )
        if wanted is None:
            hashes = hash_texts([str(row.get(_ID, "")).encode()])
            return templates[int(self.maker.choose_template(hashes)[0])]
        for template in templates:
            if wanted in (template.label, template.id):
                return template
        known = [template.label for template in templates]
        raise SpecError(
            f"The dataset was not built with the template '{wanted}'.",
            did_you_mean(wanted, known),
            code="E102",
        )

    def _to_rows(self, row: Mapping[str, Any], template: Template) -> tuple[Rows, bool]:
        """The row as a batch, and whether it has all target fields."""
        rules = row_reader(self.plan.spec, self.plan.sources).fields
        names = sorted(rules.keys() | template.fields)
        needed = set().union(*(b.fields for n, b in template.blocks.items() if n != "target"))
        values = {}
        for name in names:
            value = row.get(name)
            rule = rules.get(name)
            if value is None and rule is not None and (rule.value is not None or rule.optional):
                value = rule.value or ""
            if value is None and name in needed:
                raise GoldenSetError(
                    f"Template '{template.label}' needs the field '{name}'; the row has: "
                    f"{', '.join(sorted(row)) or 'none'}.",
                    f'Add it to the row, for example: --row \'{{"{name}": "…"}}\'',
                    code="E303",
                )
            values[name] = None if value is None else _to_text(name, value, template.types)
        is_solved = all(values[name] is not None for name in template.target_fields)
        filled = {name: [_NO_ANSWER if v is None else v] for name, v in values.items()}
        columns = {"row_id": texts([str(row.get(_ID, ""))])}
        columns |= {name: texts(value) for name, value in filled.items()}
        batch = pa.RecordBatch.from_pydict(columns)
        groups = hash_texts([row[_GROUP].encode()]) if _GROUP in row else None
        return Rows.of(batch, groups), is_solved


def _to_text(name: str, value: Any, types: Mapping[str, FieldType]) -> str:
    """The canonical text of a value of a row."""
    text = value if isinstance(value, str) or name not in types else to_text(value)
    if not isinstance(text, str):
        raise GoldenSetError(f"The field '{name}' is not text: {value!r}.", code="E303")
    canonical = to_canonical(text, types.get(name, "text"))
    if canonical is None:
        raise GoldenSetError(
            f"The field '{name}' is {text!r}, not {TYPE_NAMES[types[name]]}.", code="E303"
        )
    return canonical
