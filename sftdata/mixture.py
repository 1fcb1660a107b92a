"""Mixtures: several data sets in, one out, with the share of each that the spec asks for.

Every source is built as a data set of its own in `parts/`, so what is unchanged in one is never
built again for another. Mixing copies rows; it renders and tokenizes nothing.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

import sftdata
from sftdata.columns import numbers, to_numbers
from sftdata.duplicates import SeenIds
from sftdata.errors import SftdataError
from sftdata.fates import DROPPED
from sftdata.journal import read_blocks
from sftdata.ledger import LEDGER_COLUMNS, Ledger, ledger_path, read_ledger
from sftdata.manifest import SCHEMA_VERSION, Manifest, commit, sync_folder
from sftdata.record import describe_sizes, describe_splits
from sftdata.repeats import DUPLICATE, REPEATED_ID
from sftdata.sampling_plan import Candidates, Sample, draw_samples, interleave
from sftdata.shards import RowSizes, Shard, ShardWriter, label_column, open_batches, row_sizes
from sftdata.spec import MixedSource, Mixture

PARTS = "parts"
OVER_CAP, NOT_SAMPLED = "over_cap", "not_sampled"
_TRAIN = "train"  # the split that weights are for; the others hold each row once
_ROWS_AT_A_TIME = 4096


@dataclass(frozen=True)
class Part:
    """A source of a mixture, and the data set that was built of it."""

    source: MixedSource
    manifest: Manifest

    @cached_property
    def hashes(self) -> dict[str, npt.NDArray[np.uint64]]:
        """By split [rows, 4]: digests of id and content, in the order of the shards."""
        found: dict[str, list[npt.NDArray[np.uint64]]] = {s: [] for s in self.manifest["splits"]}
        for block in read_blocks(self._folder):
            ends = np.cumsum(block.rows)[:-1]
            for name, rows in zip(found, np.split(block.hashes, ends), strict=True):
                found[name].append(rows)
        return {n: np.concatenate([np.empty((0, 4), np.uint64), *h]) for n, h in found.items()}

    @cached_property
    def whole_text_differs(self) -> frozenset[str]:
        """Ids of the rows whose text encoded at once gives other ids."""
        blocks = read_blocks(self._folder)
        return frozenset(row_id for block in blocks for row_id in block.whole_text_differs)

    @property
    def _folder(self) -> Path:
        return self.manifest.directory / "shards" / str(self.manifest["build"])

    def batches(self, split: str) -> list[pa.RecordBatch]:
        """The record batches of a split, mapped."""
        return [
            batch
            for shard in self.manifest["splits"][split]["shards"]
            for batch in open_batches(self.manifest.directory / shard["path"])
        ]


@dataclass
class _SplitMix:
    """One split of a mixture: where each of its rows comes from."""

    part: npt.NDArray[np.int32]
    row: npt.NDArray[np.int64]  # in the part's split


@dataclass
class _LeftOut:
    """Rows of the parts that are not in the mixture, with the reason."""

    rows: list[tuple[int, str, int, str, str]] = field(default_factory=list)

    def add(self, part: int, split: str, rows: npt.NDArray[np.int64], why: tuple[str, str]) -> None:
        self.rows += [(part, split, int(row), *why) for row in rows]


def mix(
    mixture: Mixture, parts: Sequence[Part], directory: Path, current: Manifest | None
) -> Manifest:
    """Commits the mixture of `parts` in `directory`; `current` where nothing has changed.

    Raises `SftdataError` when nothing is left to train on.
    """
    build = _build_name(mixture, parts)
    if current is not None and current["build"] == build:
        return current
    for kind in ("shards", "ledger"):
        (directory / kind).mkdir(parents=True, exist_ok=True)
    folder = f"shards/{build}"
    shutil.rmtree(directory / folder, ignore_errors=True)  # what a killed run left
    (directory / folder).mkdir()
    left_out = _LeftOut()
    plans = _plan(mixture, parts, left_out)
    if not sum(len(plan.row) for plan in plans.values()):
        raise SftdataError("The mixture has no rows.", "Look at the caps and the sources' ledgers.")
    writer = _Writer(mixture, parts, directory, folder)
    shards: dict[str, list[Shard]] = {}
    sizes: dict[str, RowSizes] = {}
    for name, plan in plans.items():
        shards[name], sizes[name] = writer.write(name, plan)
    ledger, gone = _merge_ledgers(parts, left_out)
    ledger.write(directory / ledger_path(build))
    for kind in ("shards", "ledger", folder):
        sync_folder(directory / kind)
    content = _describe(mixture, parts, build, plans, shards, sizes, ledger, gone)
    manifest = Manifest(directory, content)
    commit(manifest)
    return manifest


def _build_name(mixture: Mixture, parts: Sequence[Part]) -> str:
    """Digest of all that decides what is in the mixture."""
    key = [
        SCHEMA_VERSION,
        mixture.task,
        _options(mixture),
        [[p.source.name, p.source.weight, p.source.cap, p.manifest["build"]] for p in parts],
    ]
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]


def _options(mixture: Mixture) -> dict[str, Any]:
    return mixture.model_dump(mode="json", include={"by", "temperature", "max_repeats", "seed"})


def _plan(mixture: Mixture, parts: Sequence[Part], left_out: _LeftOut) -> dict[str, _SplitMix]:
    """For each split the rows of the mixture, in order."""
    fresh = _without_repeats(parts, left_out)
    plans = {}
    for split in parts[0].manifest["splits"]:
        ids = [part.hashes[split][:, 0] for part in parts]
        used = [fresh[at][split] for at in range(len(parts))]
        if split == _TRAIN or len(parts[0].manifest["splits"]) == 1:
            samples = _sample(mixture, parts, split, ids, used)
            for at, sample in enumerate(samples):
                left_out.add(
                    at, split, used[at][sample.over_cap], (OVER_CAP, _cap_detail(parts[at]))
                )
                detail = "its source has more than its share of the mixture"
                left_out.add(at, split, used[at][sample.not_sampled], (NOT_SAMPLED, detail))
            used = [rows[sample.used] for rows, sample in zip(used, samples, strict=True)]
        plans[split] = _SplitMix(*interleave(ids, used, mixture.seed))
    return plans


def _cap_detail(part: Part) -> str:
    return f"'{part.source.name}' may give {part.source.cap:,} rows" if part.source.cap else ""


def _sample(
    mixture: Mixture,
    parts: Sequence[Part],
    split: str,
    ids: Sequence[npt.NDArray[np.uint64]],
    used: Sequence[npt.NDArray[np.int64]],
) -> list[Sample]:
    candidates = []
    for part, own, rows in zip(parts, ids, used, strict=True):
        sizes = RowSizes.concatenate([row_sizes(batch) for batch in part.batches(split)])
        units = {
            "rows": np.ones(len(own), np.int64),
            "tokens": sizes.tokens.astype(np.int64),
            "target_tokens": sizes.target_tokens.astype(np.int64),
        }[mixture.by]
        source = part.source
        candidates.append(Candidates(own[rows], units[rows], source.weight, source.cap))
    return draw_samples(
        candidates,
        temperature=mixture.temperature,
        max_repeats=mixture.max_repeats,
        seed=mixture.seed,
    )


def _without_repeats(
    parts: Sequence[Part], left_out: _LeftOut
) -> list[dict[str, npt.NDArray[np.int64]]]:
    """For each part and split the rows that no earlier part has, by id or by content."""
    ids, contents = SeenIds(), SeenIds()
    fresh = []
    for at, part in enumerate(parts):
        keep = {}
        for split, hashes in part.hashes.items():
            same_id = ids.add(hashes[:, :2])
            same_content = contents.add(hashes[:, 2:])
            if part.source.spec.duplicates == "keep":
                same_content &= same_id
            keep[split] = np.flatnonzero(~(same_id | same_content))
            other = "a row of an earlier source"
            left_out.add(
                at, split, np.flatnonzero(same_content), (DUPLICATE, f"the same as {other}")
            )
            why = (REPEATED_ID, f"has the id of {other}, which says something else")
            left_out.add(at, split, np.flatnonzero(same_id & ~same_content), why)
        fresh.append(keep)
    return fresh


class _Writer:
    """Copies rows of the parts into the shards of the mixture."""

    def __init__(
        self, mixture: Mixture, parts: Sequence[Part], directory: Path, folder: str
    ) -> None:
        self._parts, self._directory, self._folder = parts, directory, folder
        self._labels = template_labels(parts)
        self._tasks = task_names(parts)

    def write(self, split: str, plan: _SplitMix) -> tuple[list[Shard], RowSizes]:
        """Writes one split; its shards, and the sizes of its rows in order."""
        writer = ShardWriter(self._directory, self._folder, split, mixed=True)
        batches: list[pa.RecordBatch] = []
        first_row: list[int] = []  # of each part, counted over all
        ends: list[int] = []
        for part in self._parts:
            own = [self._labelled(batch, part) for batch in part.batches(split)]
            first_row.append(ends[-1] if ends else 0)
            batches += own
            start = first_row[-1]
            ends += (np.cumsum([batch.num_rows for batch in own]) + start).tolist()
        place = np.array(first_row, np.int64)[plan.part] + plan.row
        for start in range(0, len(place), _ROWS_AT_A_TIME):
            batch = _gather(batches, np.array(ends), place[start : start + _ROWS_AT_A_TIME])
            writer.append(batch, 0, batch.num_rows)
        return writer.close(), writer.sizes

    def _labelled(self, batch: pa.RecordBatch, part: Part) -> pa.RecordBatch:
        """The batch with the labels of the whole mixture, and its task."""
        column = batch.column("template")
        new = [self._labels.index(label) for label in column.dictionary.to_pylist()]
        index = np.array(new, np.int8)[to_numbers(column.indices)]
        at = batch.schema.get_field_index("template")
        batch = batch.set_column(at, batch.schema.field(at), label_column(index, self._labels))
        task = np.full(batch.num_rows, self._tasks.index(part.source.spec.task), np.int8)
        return batch.append_column("task", label_column(task, self._tasks))


def _gather(
    batches: Sequence[pa.RecordBatch], ends: npt.NDArray[np.int64], place: npt.NDArray[np.int64]
) -> pa.RecordBatch:
    """The rows at these places of all batches laid end to end, in this order."""
    home = np.searchsorted(ends, place, side="right")
    order = np.argsort(home, kind="stable")
    pieces = []
    for rows in np.split(order, np.flatnonzero(np.diff(home[order])) + 1):
        batch = batches[home[rows[0]]]
        start = ends[home[rows[0]]] - batch.num_rows
        pieces.append(batch.take(numbers(place[rows] - start)))
    (gathered,) = pa.Table.from_batches(pieces).combine_chunks().to_batches()
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    return gathered.take(numbers(back))


def template_labels(parts: Sequence[Part]) -> list[str]:
    """What the `template` column of the mixture can say."""
    labels = [label for part in parts for label in part.manifest["stats"]["by_template"]]
    return list(dict.fromkeys(labels))


def task_names(parts: Sequence[Part]) -> list[str]:
    """What the `task` column of the mixture can say."""
    return list(dict.fromkeys(part.source.spec.task for part in parts))


def _row_ids(part: Part, split: str, rows: Sequence[int]) -> Iterator[str]:
    ids = pa.chunked_array([batch.column("row_id") for batch in part.batches(split)], pa.string())
    yield from ids.take(numbers(np.array(rows, np.int64))).to_pylist()


def _merge_ledgers(
    parts: Sequence[Part], left_out: _LeftOut
) -> tuple[Ledger, list[frozenset[str]]]:
    """The ledger of the mixture, and for each part the ids of its rows that are left out."""
    ledger = Ledger()
    gone = []
    for at, part in enumerate(parts):
        own = [entry for entry in left_out.rows if entry[0] == at]
        lines = []
        for split in part.hashes:
            here = [entry for entry in own if entry[1] == split]
            ids = _row_ids(part, split, [row for _, _, row, _, _ in here])
            lines += [
                (i, reason, detail) for i, (*_, reason, detail) in zip(ids, here, strict=True)
            ]
        gone.append(frozenset(row_id for row_id, _, _ in lines))
        for line in read_ledger(part.manifest).to_pylist():
            # A row that was cut or flagged and then left out has one line: why it is not here.
            if line["status"] == DROPPED or line["row_id"] not in gone[-1]:
                ledger.lines.append(tuple(line[name] for name in LEDGER_COLUMNS))
        for row_id, reason, detail in lines:
            place = f"{PARTS}/{part.source.name}"
            ledger.lines.append((row_id, place, DROPPED, reason, detail))
    return ledger, gone


def _describe(
    mixture: Mixture,
    parts: Sequence[Part],
    build: str,
    plans: Mapping[str, _SplitMix],
    shards: Mapping[str, Sequence[Shard]],
    sizes: Mapping[str, RowSizes],
    ledger: Ledger,
    gone: Sequence[frozenset[str]],
) -> dict[str, Any]:
    """The manifest of the mixture."""
    rows_in = sum(part.manifest["rows_in"] for part in parts)
    rows_out = rows_in - sum(ledger.dropped.values())
    copies = sum(len(plan.row) for plan in plans.values())
    differs = sum(
        len(part.whole_text_differs - left) for part, left in zip(parts, gone, strict=True)
    )
    first = parts[0].manifest
    templates = {k: v for part in parts for k, v in part.manifest["template"].items()}
    stats = describe_sizes(
        sizes,
        {
            "by_template": ("template", template_labels(parts)),
            "by_task": ("task", task_names(parts)),
        },
    )
    return {
        "version": SCHEMA_VERSION,
        "sftdata": sftdata.__version__,
        "build": build,
        "task": mixture.task,
        "draft": any(part.manifest["draft"] for part in parts),
        "template": templates,
        "tokenizer": first["tokenizer"],
        "chat": first["chat"],
        "sources": [
            {**source, "part": part.source.name}
            for part in parts
            for source in part.manifest["sources"]
        ],
        "spec": mixture.model_dump(mode="json"),
        "options": _options(mixture),
        "splits": describe_splits(shards),
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
        "stats": stats | {"by_source": _by_source(parts, plans, sizes)},
    }


def _by_source(
    parts: Sequence[Part], plans: Mapping[str, _SplitMix], sizes: Mapping[str, RowSizes]
) -> dict[str, dict[str, Any]]:
    """Rows, copies and tokens of each source, and its share of the training split."""
    counted = {}
    for at, part in enumerate(parts):
        used = {split: plan.part == at for split, plan in plans.items()}
        copies = sum(int(mask.sum()) for mask in used.values())
        rows = sum(len(np.unique(plan.row[used[split]])) for split, plan in plans.items())
        counted[part.source.name] = {
            "task": part.source.spec.task,
            "rows": rows,
            "repeated": copies - rows,
            "tokens": sum(int(s.tokens[used[split]].sum()) for split, s in sizes.items()),
            "target_tokens": sum(
                int(s.target_tokens[used[split]].sum()) for split, s in sizes.items()
            ),
        }
    return counted
