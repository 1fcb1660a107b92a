"""The plan of a build: its inputs, loaded and checked, and the name that follows from them.

The name tells whether a dataset is up to date, so making a plan imports nothing that loads slowly.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sftdata.base.content import SMALL_TOKENIZER
from sftdata.base.conversation import ASSISTANT, SYSTEM, USER
from sftdata.base.pickling import PicklesFieldsOnly
from sftdata.base.sizes import DEFAULT_SIZES, Sizes
from sftdata.base.wording import list_names
from sftdata.building.field_use import check_field_types, check_field_use
from sftdata.errors import TemplateError
from sftdata.reading.sources.given_splits import all_splits, decide_splits
from sftdata.reading.sources.resolve import Source, resolve_sources
from sftdata.rendering.template import Template
from sftdata.spec.fields import MESSAGES
from sftdata.spec.model import Spec
from sftdata.tokenizing.chat.layout import ConversationFormat
from sftdata.tokenizing.chat.skeleton import ChatFormat
from sftdata.tokenizing.chat.template import (
    ChatTemplate,
    load_chat_template,
    read_template_file,
)
from sftdata.tokenizing.load import load_tokenizer
from sftdata.tokenizing.tokenizer import Tokenizer
from sftdata.versioning.releases import load_template
from sftdata.writing.manifest import SCHEMA_VERSION

if TYPE_CHECKING:
    from sftdata.examples.shots import ShotPool
    from sftdata.reading.screening.contamination import EvaluationTexts

# Raise it when the code makes other blocks, or records them in another way.
_BLOCK_VERSION = 6
# In the spec, but in a place of its own in the manifest or without a part in what rows become.
_NO_OPTION = {
    "task", "description", "license", "language", "data", "templates", "tokenizer", "preset",
}  # fmt: skip


@dataclass(frozen=True)
class Plan(PicklesFieldsOnly):
    """Everything a build is made from. `pool` and `evaluation` are None where nothing asks."""

    spec: Spec
    sources: tuple[Source, ...]
    templates: tuple[Template, ...]
    tokenizer: Tokenizer
    evaluation_sources: tuple[Source, ...] = ()
    pool: ShotPool | None = None
    evaluation: EvaluationTexts | None = None
    sizes: Sizes = DEFAULT_SIZES
    split_note: str | None = None  # says which given splits are kept
    unmet: tuple[str, ...] = ()  # name values, prefixes and columns of the spec that no row has
    evaluation_notes: tuple[str, ...] = ()  # name rows of evaluation files that cannot be read
    chat_notes: tuple[str, ...] = ()  # name chat options that the chat template does not read

    @cached_property
    def splits(self) -> dict[str, float]:
        """The shares of the spec's splits, and share 0 for others that sources give."""
        return all_splits(self.spec.split, self.sources)

    @property
    def notes(self) -> list[str]:
        """Lines for a person to read before the first row."""
        notes = [template.note for template in self.templates]
        notes += [self.split_note, *self.chat_notes]
        notes += [source.note for source in (*self.sources, *self.evaluation_sources)]
        notes += [*self.unmet, *self.evaluation_notes]
        if self.spec.quoting and not any(s.format in ("csv", "tsv") for s in self.sources):
            notes.append("quoting in the spec has no effect: no source is CSV or TSV.")
        notes += self.tokenizer.notes
        if self.spec.chat:
            notes += self.tokenizer.chat_notes
        elif self.is_chat_template_unused:
            notes.append(
                "Prompts are plain text: the tokenizer's chat template is not used. `chat = true` "
                "in the spec, or build --chat, writes turns with it; `chat = false` says that "
                "plain text is meant."
            )
        return [note for note in notes if note is not None]

    @property
    def is_chat_template_unused(self) -> bool:
        """Whether the user's tokenizer has a chat template, and nobody said to do without it."""
        has_one = self.tokenizer.chat_template is not None
        is_said = "chat" in self.spec.model_fields_set
        return has_one and not is_said and self.tokenizer.name != SMALL_TOKENIZER

    @property
    def is_fetched(self) -> bool:
        """Whether the files of all sources are on this machine."""
        return all(source.unfetched is None for source in self.sources)

    @property
    def labels(self) -> list[str]:
        """Labels of the `template` column of the shards, in the order of the spec."""
        return [template.label for template in self.templates] or [MESSAGES]

    @property
    def weights(self) -> list[float]:
        """How often each template is chosen beside the others."""
        return [choice.weight for choice in self.spec.templates] or [1.0]

    @property
    def is_draft(self) -> bool:
        """Whether any template was never released."""
        return any(template.is_draft for template in self.templates)

    @cached_property
    def chat(self) -> ChatFormat | None:
        """The tokenizer's chat template; None for plain examples."""
        if not self.spec.chat:
            return None
        return ChatFormat(self.tokenizer, self.spec.chat_options, self.chat_date)

    @cached_property
    def conversations(self) -> ConversationFormat | None:
        """Lays conversations out; None where the rows are none."""
        if not self.spec.is_messages:
            return None
        return ConversationFormat(self.tokenizer, self.chat_template, self.spec.teach_reasoning)

    @property
    def chat_template(self) -> ChatTemplate:
        """The chat template with its options. Raises `TemplateError` where there is none."""
        return load_chat_template(self.tokenizer, self.spec.chat_options, self.chat_date)

    @property
    def chat_date(self) -> datetime.date:
        """The date that a chat template is told."""
        return datetime.date.today() if self.spec.date is None else self.spec.date

    @cached_property
    def end_id(self) -> int | None:
        """The end-of-turn token of a chat; None for plain examples."""
        if self.conversations is not None:
            return self.conversations.stop_ids[0]
        return None if self.chat is None else self.chat.end_id()

    @property
    def options(self) -> dict[str, Any]:
        """The spec without what has a place of its own in the manifest."""
        return {k: v for k, v in self.spec.to_json().items() if k not in _NO_OPTION}

    @cached_property
    def block_keys(self) -> list[bytes]:
        """For each template the digest of everything that decides an example, except the row."""
        options = self.options
        for name in ("max_dropped", "against"):
            options.pop(name)
        common = {
            "version": [SCHEMA_VERSION, _BLOCK_VERSION],
            "tokenizer": [self.tokenizer.sha256, self.tokenizer.eos_id, self.tokenizer.bos_id],
            "control": sorted(self.tokenizer.control_tokens.items()),
            "chat": [self.tokenizer.chat_template, dict(self.tokenizer.special_texts)]
            if self.spec.chat
            else None,
            "split": list(self.splits.items()),  # their order decides, too
            "options": options,
            "choice": [[t.id, w] for t, w in zip(self.templates, self.weights, strict=False)],
            "pool": self.pool.digest if self.pool is not None else None,
            "against": [source.sha256 for source in self.evaluation_sources],
            # Earlier blocks of such tokenizers may have a prefix inside of a turn.
            **({"prefix": "first"} if self.tokenizer.prefixes_first_only else {}),
        }
        own = [[t.id, t.semantics_sha256] for t in self.templates] or [[MESSAGES]]
        return [_digest([common, key]).encode() for key in own]

    @cached_property
    def build(self) -> str:
        """The build's name: a digest of all its inputs, so equal inputs have equal names."""
        given = [source.split for source in self.sources]
        prefixes = [source.id_prefix(self.spec.id_prefix) for source in self.sources]
        return _digest(
            [
                [key.decode() for key in self.block_keys],
                [[t.label, t.source_sha256] for t in self.templates],
                self.spec.max_dropped,
                [source.sha256 for source in self.sources],
                *([given] if any(given) else ()),
                *([prefixes] if any(prefixes) else ()),
            ]
        )[:16]


def make_plan(
    spec: Spec,
    *,
    frozen: bool = False,
    load_tokenizer: Callable[[str], Tokenizer] = load_tokenizer,
    sizes: Sizes = DEFAULT_SIZES,
    recorded: Sequence[Mapping[str, Any]] = (),
) -> Plan:
    """The plan of a spec. Reads every source once where shots or evaluation files ask for it.

    Reads their first rows for values that the spec asks for, and all rows for one that none has.
    `recorded`: the sources in the manifest of an earlier build. If nothing is read here, those at
    addresses that have not changed are not fetched, see `Plan.is_fetched`.

    Raises `SftdataError` for anything that can be known to be wrong before the first row.
    """
    templates = tuple(load_template(choice.id) for choice in spec.templates)
    for template in templates:
        _check_template(template, spec, frozen)
    check_field_use(spec, templates)
    check_field_types(spec, templates)
    templates = tuple(template.with_types(spec.types) for template in templates)
    recorded = () if _reads_rows(spec) else recorded
    sources, split_note = decide_splits(resolve_sources(spec.data, recorded), spec)
    tokenizer = load_tokenizer(spec.tokenizer)
    if spec.chat_template is not None:
        tokenizer = tokenizer.with_chat_template(read_template_file(spec.chat_template))
    tokenizer = tokenizer.with_text_tokens(spec.text_tokens)
    spec, chat_notes = _settle_chat(spec, tokenizer)
    plan = Plan(
        spec=spec,
        sources=sources,
        templates=templates,
        tokenizer=tokenizer,
        evaluation_sources=tuple(resolve_sources(spec.against)),
        sizes=sizes,
        split_note=split_note,
        unmet=_find_unmet(spec, sources),
        chat_notes=chat_notes,
    )
    if (note := _check_layout(plan)) is not None:
        plan = replace(plan, chat_notes=(*chat_notes, note))
    if not spec.against and not max(spec.shots):
        return plan
    from sftdata.building.evaluation_texts import index_evaluation
    from sftdata.building.inputs import draw_pool

    evaluation, unread = None, list[str]()
    if spec.against:
        evaluation, unread = index_evaluation(spec, plan.evaluation_sources)
    pool = draw_pool(spec, plan.sources, evaluation) if max(spec.shots) else None
    return replace(plan, evaluation=evaluation, pool=pool, evaluation_notes=tuple(unread))


def _reads_rows(spec: Spec) -> bool:
    """Whether a plan needs rows, or says something of how they are stored."""
    return bool(_asks_for_values(spec) or spec.against or max(spec.shots) or spec.quoting)


def _asks_for_values(spec: Spec) -> bool:
    return bool(spec.where or spec.renamed or any(r.strip_prefix for r in spec.rules.values()))


def _find_unmet(spec: Spec, sources: tuple[Source, ...]) -> tuple[str, ...]:
    if not _asks_for_values(spec):
        return ()
    from sftdata.reading.unmet import find_unmet  # imports Arrow

    return tuple(find_unmet(spec, sources))


def _settle_chat(spec: Spec, tokenizer: Tokenizer) -> tuple[Spec, tuple[str, ...]]:
    """The spec with the date that its chat template writes, and notes about its chat options."""
    if not spec.chat or tokenizer.chat_template is None:
        return spec, ()
    date = spec.date or datetime.date.today()
    template = load_chat_template(tokenizer, spec.chat_options, date)
    notes = []
    if spec.date is not None and not template.uses_date:
        notes.append("The chat template writes no date; 'date' changes nothing.")
    elif spec.date is None and template.uses_date:
        notes.append(
            f"The chat template writes the date of the day: {date}. Another day gives other "
            f'tokens; fix it: date = "{date}"'
        )
        spec = spec.model_copy(update={"date": date})
    if (note := template.check_options()) is not None:
        notes.append(note)
    return spec, tuple(notes)


def _check_layout(plan: Plan) -> str | None:
    """Raises for a chat template that cannot lay out the rows; a note about how to serve it."""
    if plan.conversations is not None:
        _ = plan.conversations.stop_ids  # raises for a template that does not parse
    elif plan.chat is not None:
        # Where rows bring the system text, a row that has none needs no such turn.
        has_system = any("system" in t.blocks and not t.system_fields for t in plan.templates)
        roles = ((SYSTEM,) if has_system else ()) + (USER, ASSISTANT)
        plan.chat.layout(roles)
        if (thinking := plan.chat.thinking(roles)) is not None:
            value = str(thinking).lower()
            return f"The chat template shows such answers with enable_thinking = {value}: serve so."
    return None


def _check_template(template: Template, spec: Spec, frozen: bool) -> None:
    if template.is_draft and frozen:
        raise TemplateError(
            f"Template '{template.id}' is a draft, and --frozen builds released versions only.",
            f"Release it: sftdata template release {template.id}",
        )
    missing = sorted(template.fields - spec.fields.keys())
    if missing:
        noun = "field" if len(missing) == 1 else "fields"
        named = list_names(missing, 5, quote="'")
        raise TemplateError(
            f"Template '{template.label}' needs the {noun} {named}, which the spec does "
            f"not map; it maps: {', '.join(sorted(spec.fields))}.",
            "Map it in [fields], or read the column of that name: "
            f"{' '.join(f'--map {field}' for field in missing)}; "
            f"of another name: --map {missing[0]}=COLUMN",
        )


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
