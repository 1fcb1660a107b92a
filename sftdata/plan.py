"""The plan of a build: everything it is made from, loaded, checked and given a name."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from sftdata.chat import ASSISTANT, SYSTEM, USER, ChatFormat
from sftdata.contamination import EvaluationTexts, index_texts
from sftdata.drafts import DraftMaker
from sftdata.errors import GoldenSetError, TemplateError
from sftdata.examples import ExampleMaker, Screen
from sftdata.fates import Fates
from sftdata.golden.chunks import Chunk, read_chunks
from sftdata.golden.messages import MESSAGES
from sftdata.golden.rows import RowReader
from sftdata.golden.sources import Source, resolve_sources
from sftdata.layout import ChatComposer, Composer, PlainComposer
from sftdata.manifest import SCHEMA_VERSION
from sftdata.shots import PoolBuilder, ShotPool
from sftdata.spec import Spec
from sftdata.split import assign_splits
from sftdata.templating.template import Template, load_template
from sftdata.tokenization import Encoder, load_encoder
from sftdata.tokenizer import Tokenizer, load_tokenizer

# What a block depends on beside everything a plan names: how this code makes it and notes it.
_BLOCK_VERSION = 4
# In the spec, but in a place of its own in the manifest or without a part in what rows become.
_NO_OPTION = {
    "task", "description", "license", "language", "data", "templates", "tokenizer", "preset",
}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """Everything a build is made from. `pool` and `evaluation` are None where nothing asks."""

    spec: Spec
    sources: tuple[Source, ...]
    templates: tuple[Template, ...]
    tokenizer: Tokenizer
    evaluation_sources: tuple[Source, ...] = ()
    pool: ShotPool | None = None
    evaluation: EvaluationTexts | None = None

    def __getstate__(self) -> dict[str, Any]:
        # Not what was computed of it: a compiled chat template cannot be sent to a worker.
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def labels(self) -> list[str]:
        """What the `template` column of the shards can say, in the order of the spec."""
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
        return ChatFormat(self.tokenizer, self.spec.chat_options)

    @property
    def options(self) -> dict[str, Any]:
        """The spec without what has a place of its own in the manifest."""
        return self.spec.model_dump(mode="json", exclude=_NO_OPTION)

    @cached_property
    def block_keys(self) -> list[bytes]:
        """For each template the digest of all that decides what a row becomes, but the row."""
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
            "split": list(self.spec.split.items()),  # their order decides, too
            "options": options,
            "choice": [[t.id, w] for t, w in zip(self.templates, self.weights, strict=False)],
            "pool": self.pool.digest if self.pool is not None else None,
            "against": [source.sha256 for source in self.evaluation_sources],
        }
        own = [[t.id, t.semantics_sha256] for t in self.templates] or [[MESSAGES]]
        return [_digest([common, key]).encode() for key in own]

    @cached_property
    def build(self) -> str:
        """The build's name: a digest of all its inputs, so equal inputs have equal names."""
        return _digest(
            [
                [key.decode() for key in self.block_keys],
                [[t.label, t.source_sha256] for t in self.templates],
                self.spec.max_dropped,
                [source.sha256 for source in self.sources],
            ]
        )[:16]

    @cached_property
    def reader(self) -> RowReader:
        """How rows of the sources become golden fields."""
        fields = dict(sorted(self.spec.fields.items()))
        for first, second in self.spec.swap:
            fields[first], fields[second] = fields[second], fields[first]
        id_rule = fields.pop("id", None)
        return RowReader(
            sources=self.sources,
            fields=fields,
            id_path=id_rule.path if id_rule is not None else None,
            group_path=self.spec.group,
            keep_nul=self.spec.nul == "keep",
            where=self.spec.where,
        )

    @property
    def screen(self) -> Screen:
        """What rows are suspected of."""
        spec = self.spec
        return Screen(spec.checks, spec.source_field, spec.target_field, self.evaluation)

    def composer(self) -> Composer:
        """Lays out examples."""
        if self.spec.chat:
            return ChatComposer(ChatFormat(self.tokenizer, self.spec.chat_options))
        return PlainComposer(self.tokenizer.bos_id, self.tokenizer.eos_id)

    def drafts(self, encoder: Encoder) -> DraftMaker:
        """Renders, lays out, encodes and fits rows."""
        return DraftMaker(
            encoder=encoder,
            composer=self.composer(),
            max_length=self.spec.max_length,
            keep=self.spec.keep,
            shots=self.spec.shots,
            pool=self.pool,
            seed=self.spec.seed,
            all_turns=self.spec.loss == "all",
        )

    def maker(self, encoder: Callable[[], Encoder]) -> ExampleMaker:
        """Makes examples of chunks. `encoder` is called when there is a text to encode."""
        return ExampleMaker(
            reader=self.reader,
            templates=self.templates,
            weights=self.weights,
            screen=self.screen,
            drafts=cache(lambda: self.drafts(encoder())),
            split=self.spec.split,
            seed=self.spec.seed,
        )

    def sample(self, chunks: Sequence[Chunk]) -> pa.LargeStringArray:
        """Texts of some rows, to check an engine on."""
        rows = self.reader.parse(chunks[:4])
        return pa.concat_arrays([rows.batch.column(name) for name in self.reader.fields])


def maker_in_worker(pickled: bytes, engine: str) -> ExampleMaker:
    """The maker of a worker process: of a plan, with the engine that was chosen in its parent."""
    plan: Plan = pickle.loads(pickled)
    return plan.maker(lambda: load_encoder(plan.tokenizer, engine))


def make_plan(
    spec: Spec, *, frozen: bool = False, load_tokenizer: Callable[[str], Tokenizer] = load_tokenizer
) -> Plan:
    """The plan of a spec. Reads every source once where shots or evaluation files ask for it.

    Raises `SftdataError` for anything that can be known to be wrong before the first row.
    """
    templates = tuple(load_template(choice.id) for choice in spec.templates)
    for template in templates:
        _check_template(template, spec, frozen)
    plan = Plan(
        spec=spec,
        sources=tuple(resolve_sources(spec.data)),
        templates=templates,
        tokenizer=load_tokenizer(spec.tokenizer),
        evaluation_sources=tuple(resolve_sources(spec.against)),
    )
    if plan.chat is not None:
        has_system = any("system" in template.blocks for template in templates)
        plan.chat.layout(((SYSTEM,) if has_system else ()) + (USER, ASSISTANT))
    if spec.against:
        plan = replace(plan, evaluation=_index_evaluation(plan))
    return replace(plan, pool=draw_pool(plan)) if max(spec.shots) else plan


def _check_template(template: Template, spec: Spec, frozen: bool) -> None:
    if template.is_draft and frozen:
        raise TemplateError(
            f"Template '{template.id}' is a draft, and --frozen builds released versions only.",
            f"Release it: sftdata template release {template.id}",
        )
    missing = template.fields - spec.fields.keys()
    if missing:
        raise TemplateError(
            f"Template '{template.label}' needs the field '{min(missing)}', which the spec does "
            f"not map; it maps: {', '.join(sorted(spec.fields))}.",
            f"Map it, for example: --map {min(missing)}=COLUMN",
        )


def draw_pool(plan: Plan) -> ShotPool:
    """The training rows that shots are drawn from; those the checks drop are not among them."""
    shares, seed = plan.spec.split, plan.spec.seed
    train = list(shares).index("train") if "train" in shares else 0
    pool = PoolBuilder(seed)
    for index, source in enumerate(plan.sources):
        for number, chunks in enumerate(read_chunks(source, index)):
            if number == 0:
                plan.reader.check_columns(chunks)
            rows = plan.reader.parse(chunks)
            fates = Fates(rows.batch.num_rows)
            plan.screen.inspect(rows, source.name, fates)
            splits = assign_splits(rows.group_hashes, shares, seed)
            taken = rows.take(np.flatnonzero((splits == train) & ~fates.dropped))
            pool.add(taken.batch, taken.group_hashes)
    drawn = pool.finish()
    if drawn is None:
        raise GoldenSetError(
            "There is no training row to take shots from.", "Build without --shots."
        )
    return drawn


def _index_evaluation(plan: Plan) -> EvaluationTexts:
    """The source field of every row of the evaluation files."""
    field = str(plan.spec.source_field)
    sources = plan.evaluation_sources
    reader = replace(
        plan.reader, sources=sources, fields={field: plan.reader.fields[field]}, where={}
    )

    def texts(index: int, source: Source) -> Iterator[str]:
        for number, chunks in enumerate(read_chunks(source, index)):
            if number == 0:
                reader.check_columns(chunks)
            yield from reader.parse(chunks).batch.column(field).to_pylist()

    every = chain.from_iterable(texts(i, s) for i, s in enumerate(sources))
    return index_texts(every, plan.spec.against_overlap)


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
