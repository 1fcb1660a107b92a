"""Describe a build in its manifest: inputs, options, shards, counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sftdata.base.version import __version__
from sftdata.building.plan import Plan
from sftdata.reading.sources.resolve import Source
from sftdata.spec.model import Spec
from sftdata.tokenizing.recorded import digest_chat_template
from sftdata.tokenizing.tokenizer import Tokenizer
from sftdata.writing.ledger import Ledger
from sftdata.writing.manifest import SCHEMA_VERSION
from sftdata.writing.shards import Shard
from sftdata.writing.size_counts import SizeCounts
from sftdata.writing.summary import describe_sizes, describe_splits


@dataclass(frozen=True)
class BuildTotals:
    """Counts and results of a build."""

    shards: Mapping[str, Sequence[Shard]]  # by split
    sizes: Mapping[str, SizeCounts]  # by split
    rows_in: Sequence[int]  # by source
    ledger: Ledger
    whole_text_differs: int
    unread: Mapping[str, Sequence[str]]  # by source, the columns that nothing reads
    example: Mapping[str, str] | None  # for the card


def describe_build(plan: Plan, totals: BuildTotals) -> dict[str, Any]:
    """The manifest of a build."""
    rows_out = sum(sizes.rows for sizes in totals.sizes.values())
    return {
        "version": SCHEMA_VERSION,
        "sftdata": __version__,
        "build": plan.build,
        "task": plan.spec.task,
        "draft": plan.is_draft,
        "template": {t.label: t.source_sha256 for t in plan.templates},
        "tokenizer": describe_tokenizer(plan.tokenizer),
        "chat": None
        if not plan.spec.chat
        else {
            "template_sha256": digest_chat_template(plan.tokenizer),
            "end_id": plan.end_id,
            "options": dict(plan.spec.chat_options),
            **({} if plan.spec.date is None else {"date": plan.spec.date.isoformat()}),
            **_stop_ids(plan),
        },
        "sources": [
            {
                "path": source.name,
                "rows": rows,
                "bytes": source.size,
                "sha256": source.sha256,
                **({} if source.version is None else {"version": source.version}),
                **_given_split(plan.spec, source),
            }
            for source, rows in zip(plan.sources, totals.rows_in, strict=True)
        ],
        "spec": plan.spec.to_json(),
        "options": plan.options,
        "shots": None
        if plan.pool is None
        else {"pool_rows": plan.pool.rows.num_rows, "pool_digest": plan.pool.digest},
        "splits": describe_splits(totals.shards, plan.build),
        "rows_in": sum(totals.rows_in),
        "rows_out": rows_out,
        "repeated": 0,
        "dropped": totals.ledger.dropped,
        "cut": totals.ledger.cut,
        "flagged": totals.ledger.flagged,
        "unread": totals.unread,
        "examples": {} if totals.example is None else {plan.spec.task: totals.example},
        "certificate": {
            "rows": rows_out,
            "prompt_equal": rows_out,
            "whole_text_equal": rows_out - totals.whole_text_differs,
        },
        "stats": describe_sizes(totals.sizes, {"by_template": ("template", plan.labels)}),
    }


def _given_split(spec: Spec, source: Source) -> dict[str, str]:
    """Where the rows of the source have their splits from; nothing if from the spec's shares."""
    if spec.split_column is not None:
        return {"split_column": spec.split_column}
    return {} if source.split is None else {"split": source.split}


def _stop_ids(plan: Plan) -> dict[str, Any]:
    """The ids that may end a row of conversations; nothing where there is one such id."""
    return {} if plan.conversations is None else {"stop_ids": plan.conversations.stop_ids}


def describe_tokenizer(tokenizer: Tokenizer) -> dict[str, Any]:
    """The manifest's entry of a tokenizer."""
    return {
        "name": tokenizer.name,
        "sha256": tokenizer.sha256,
        "vocab_size": tokenizer.vocab_size,
        "eos_id": tokenizer.eos_id,
        "bos_id": tokenizer.bos_id,
        "pad_id": tokenizer.pad_id,
        **({"chat_template": tokenizer.chat_template} if tokenizer.has_given_template else {}),
        **({"text_tokens": list(tokenizer.text_tokens)} if tokenizer.text_tokens else {}),
    }
