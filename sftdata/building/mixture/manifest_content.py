"""The ledger and the manifest of a mixture, made from those of its parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sftdata.base.ledger_line import LedgerLine
from sftdata.base.reasons import Status
from sftdata.base.version import __version__
from sftdata.building.mixture.identity import mixing_options
from sftdata.building.mixture.parts import (
    ExcludedRows,
    MixturePart,
    task_names,
    template_labels,
)
from sftdata.building.mixture.writing import WrittenSplit
from sftdata.reading.unread import merge_unread
from sftdata.spec.model import Mixture
from sftdata.spec.split_names import training_split
from sftdata.writing.ledger import Ledger
from sftdata.writing.manifest import PARTS, SCHEMA_VERSION, Manifest
from sftdata.writing.summary import describe_sizes, describe_splits


def merge_ledgers(
    parts: Sequence[MixturePart], excluded: Sequence[ExcludedRows]
) -> tuple[Ledger, list[frozenset[str]]]:
    """The ledger of the mixture, and for each part the ids of its excluded rows."""
    ledger = Ledger()
    gone = []
    for at, part in enumerate(parts):
        place, lines = f"{PARTS}/{part.source.name}", []
        for found in excluded:
            if found.part == at:
                ids = part.row_ids(found.split, found.rows)
                lines += [
                    LedgerLine(row_id, place, Status.DROPPED, found.reason, detail)
                    for row_id, detail in zip(ids, found.details, strict=False)
                ]
        gone.append(frozenset(line.row_id for line in lines))
        # A row that was cut or flagged and then excluded has one line: why it is not here.
        ledger.lines += [
            line
            for line in Ledger.read(part.manifest).lines
            if line.status == Status.DROPPED or line.row_id not in gone[-1]
        ]
        ledger.lines += lines
    return ledger, gone


def describe_mixture(
    mixture: Mixture,
    parts: Sequence[MixturePart],
    build: str,
    written: Mapping[str, WrittenSplit],
    used: Sequence[int],
    ledger: Ledger,
    gone: Sequence[frozenset[str]],
    excluded: Sequence[ExcludedRows],
    planned: Sequence[float],
) -> dict[str, Any]:
    """The manifest of the mixture.

    `used`: the rows of each part, without repeats. `planned`: the share of each part of the
    training split.
    """
    rows_in = sum(part.manifest["rows_in"] for part in parts)
    rows_out = rows_in - sum(ledger.dropped.values())
    copies = sum(int(split.rows.sum()) for split in written.values())
    differs = sum(part.count_differing(left) for part, left in zip(parts, gone, strict=True))
    stats = describe_sizes(
        {split: own.sizes for split, own in written.items()},
        {
            "by_template": ("template", template_labels(parts)),
            "by_task": ("task", task_names(parts)),
        },
    )
    by_source = _by_source(mixture, parts, written, used, excluded, planned)
    return {
        "version": SCHEMA_VERSION,
        "sftdata": __version__,
        "build": build,
        "task": mixture.task,
        **_merge_inputs([(part.source.name, part.manifest) for part in parts]),
        "spec": mixture.to_json(),
        "options": mixing_options(mixture),
        "splits": describe_splits({n: w.shards for n, w in written.items()}, build),
        "rows_in": rows_in,
        "rows_out": rows_out,
        "repeated": copies - rows_out,
        "dropped": ledger.dropped,
        "cut": ledger.cut,
        "flagged": ledger.flagged,
        "certificate": {
            "rows": rows_out,
            "prompt_equal": rows_out,
            "whole_text_equal": rows_out - differs,
        },
        "stats": stats | {"by_source": by_source},
    }


def _merge_inputs(parts: Sequence[tuple[str, Manifest]]) -> dict[str, Any]:
    """The inputs of all parts: templates, tokenizer, sources. `parts`: names and manifests."""
    return {
        "draft": any(part["draft"] for _, part in parts),
        "template": {
            label: digest for _, part in parts for label, digest in part["template"].items()
        },
        "tokenizer": parts[0][1]["tokenizer"],
        "chat": _merge_chats([part["chat"] for _, part in parts]),
        "sources": [{**source, "part": name} for name, part in parts for source in part["sources"]],
        "unread": merge_unread(
            ([source["path"] for source in part["sources"]], part["unread"]) for _, part in parts
        ),
        "examples": {
            name: example
            for name, part in parts
            for example in part.content.get("examples", {}).values()
        },
    }


def _merge_chats(chats: Sequence[Mapping[str, Any] | None]) -> dict[str, Any] | None:
    """The entry `chat` of the first part, with the ids that end a turn in any of the parts."""
    first = chats[0]
    ends = dict.fromkeys(end for chat in chats if chat for end in chat.get("stop_ids", ()))
    return None if first is None else {**first, **({"stop_ids": list(ends)} if ends else {})}


def _by_source(
    mixture: Mixture,
    parts: Sequence[MixturePart],
    written: Mapping[str, WrittenSplit],
    used: Sequence[int],
    excluded: Sequence[ExcludedRows],
    planned: Sequence[float],
) -> dict[str, dict[str, Any]]:
    """Rows, copies, tokens and left-out rows of each source, and its share in training."""
    counted = {}
    reached = _training_shares(mixture, len(parts), written)
    for at, part in enumerate(parts):
        left_out = Counter[str]()
        for found in excluded:
            if found.part == at and len(found.rows):
                left_out[found.reason.value] += len(found.rows)
        counted[part.source.name] = {
            "task": part.source.spec.task,
            "rows": used[at],
            "repeated": sum(int(own.rows[at]) for own in written.values()) - used[at],
            "tokens": sum(int(own.tokens[at]) for own in written.values()),
            "target_tokens": sum(int(own.target_tokens[at]) for own in written.values()),
            "left_out": dict(left_out),
            "planned_share": planned[at] if planned else None,
            "share": reached[at] if planned else None,
        }
    return counted


def _training_shares(
    mixture: Mixture, parts: int, written: Mapping[str, WrittenSplit]
) -> list[float]:
    """The share of each part of the training split, in the units of the mixture."""
    train = training_split(written)
    if train is None:
        return [0.0] * parts
    units = getattr(written[train], mixture.by).astype(float)
    shares: list[float] = (units / max(units.sum(), 1)).tolist()
    return shares
