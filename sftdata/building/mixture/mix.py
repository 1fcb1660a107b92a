"""Mixtures: several datasets in, one out, with the share of each that the spec asks for.

Every source is built as a dataset of its own in `parts/`, so a change in one source builds no other
again. Mixing copies rows; it renders and tokenizes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path

import numpy as np

from sftdata.base.array_file import ArrayFile
from sftdata.base.files import sync
from sftdata.base.reasons import Reason
from sftdata.base.sizes import Sizes
from sftdata.building.mixture.candidates import FreshRows, find_fresh_rows
from sftdata.building.mixture.manifest_content import describe_mixture, merge_ledgers
from sftdata.building.mixture.order import Origins, interleave
from sftdata.building.mixture.parts import ExcludedRows, MixturePart, split_names
from sftdata.building.mixture.sampling import (
    COLUMNS,
    OVER_CAP,
    Candidates,
    SourceSample,
    draw_samples,
)
from sftdata.building.mixture.writing import MixtureWriter, WrittenSplit
from sftdata.errors import SftdataError
from sftdata.spec.model import Mixture
from sftdata.spec.split_names import training_split
from sftdata.writing.ledger import Ledger
from sftdata.writing.manifest import LEDGERS, SHARDS, Manifest, shards_path
from sftdata.writing.ownership import remove_shards

_NO_CANDIDATES = np.empty((0, COLUMNS), np.uint64)


def mix(
    mixture: Mixture, parts: Sequence[MixturePart], directory: Path, build: str, sizes: Sizes
) -> tuple[Manifest, Ledger]:
    """Writes the shards of the mixture of `parts`; returns its manifest and its ledger.

    Raises `SftdataError` when nothing is left to train on.
    """
    for kind in (SHARDS, LEDGERS):
        (directory / kind).mkdir(parents=True, exist_ok=True)
    folder = directory / shards_path(build)
    remove_shards(folder)  # of a killed build
    folder.mkdir(exist_ok=True)
    train = _find_training_split(parts)
    fresh, excluded = find_fresh_rows(parts, mixture.by, train, folder)
    plan = _plan(mixture, parts, fresh, train, folder)
    if not sum(plan.rows):
        raise SftdataError(
            "The mixture has no rows.", "Look at the caps and the sources' ledgers.", code="E302"
        )
    writer = MixtureWriter(parts, folder, sizes)
    written: dict[str, WrittenSplit] = {}
    for split in plan.samples:
        written[split] = writer.write(split, plan.iterate(split))
    sync(folder)
    excluded += plan.excluded
    ledger, gone = merge_ledgers(parts, excluded)
    content = describe_mixture(
        mixture, parts, build, written, plan.rows, ledger, gone, excluded, plan.planned
    )
    return Manifest(directory, content), ledger


@dataclass
class _Plan:
    """The rows of the mixture, how often each is used, and which are not."""

    seed: int
    folder: Path  # for files without a name
    fresh: FreshRows
    samples: dict[str, list[SourceSample]] = field(default_factory=dict)  # by split, of each part
    rows: list[int] = field(default_factory=list)  # of each part, without repeats
    excluded: list[ExcludedRows] = field(default_factory=list)
    planned: list[float] = field(default_factory=list)  # the share of each part in training

    def candidates(self, split: str) -> list[ArrayFile]:
        """The rows of each part that could be used."""
        return [
            own[split] if split in own else ArrayFile(self.folder, COLUMNS) for own in self.fresh
        ]

    def iterate(self, split: str) -> Iterator[Origins]:
        """Part and place of each row of a split, in order."""
        return interleave(self.candidates(split), self.samples[split], self.seed, self.folder)


def _plan(
    mixture: Mixture,
    parts: Sequence[MixturePart],
    fresh: FreshRows,
    train: str | None,
    folder: Path,
) -> _Plan:
    plan = _Plan(mixture.seed, folder, fresh, rows=[0] * len(parts))
    for split in split_names(parts):
        samples = [SourceSample()] * len(parts)
        if split == train:
            candidates = [
                Candidates(rows, part.source.weight, part.source.cap)
                for part, rows in zip(parts, plan.candidates(split), strict=True)
            ]
            samples = draw_samples(
                candidates,
                temperature=mixture.temperature,
                max_repeats=mixture.max_repeats,
                seed=mixture.seed,
            )
            plan.planned = [sample.planned for sample in samples]
        plan.samples[split] = samples
        for at, (rows, sample) in enumerate(zip(plan.candidates(split), samples, strict=True)):
            used, excluded = _apply(rows, sample, at, split, parts[at])
            plan.rows[at] += used
            plan.excluded += excluded
    return plan


def _find_training_split(parts: Sequence[MixturePart]) -> str | None:
    """Raises `SftdataError` when there is none and a source has a weight or a cap."""
    splits = split_names(parts)
    train = training_split(splits)
    if train is None and any(part.source.weight or part.source.cap for part in parts):
        raise SftdataError(
            "Weights and caps apply to the training rows of a mixture; it has no split 'train', "
            f"only {', '.join(splits)}.",
            "Name the split of the training rows train, in [split].",
            code="E401",
        )
    return train


def _apply(
    rows: ArrayFile, sample: SourceSample, at: int, split: str, part: MixturePart
) -> tuple[int, list[ExcludedRows]]:
    """How many rows of a part are used at least once, and the others, in the order of sampling."""
    used, left_out = 0, {OVER_CAP: [_NO_CANDIDATES], 0: [_NO_CANDIDATES]}
    for piece in rows.pieces():
        copies = sample.copies(piece)
        used += int(np.count_nonzero(copies > 0))
        for number, found in left_out.items():
            found.append(piece[copies == number])
    over_cap, not_sampled = (sample.order(np.concatenate(own)) for own in left_out.values())
    cap = f"'{part.source.name}' may give {part.source.cap:,} rows" if part.source.cap else ""
    more = "its source has more than its share of the mixture"
    return used, [
        ExcludedRows(at, split, over_cap, Reason.OVER_CAP, repeat(cap)),
        ExcludedRows(at, split, not_sampled, Reason.NOT_SAMPLED, repeat(more)),
    ]
