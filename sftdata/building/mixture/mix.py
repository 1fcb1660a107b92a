"""Mixtures: several datasets in, one out, with the share of each that the spec asks for.

Every source is built as a dataset of its own in `parts/`, so what is unchanged in one is never
built again for another. Mixing copies rows; it renders and tokenizes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sftdata.base.files import sync
from sftdata.base.reasons import Reason
from sftdata.base.schema import RowSizes, measure_rows
from sftdata.base.sizes import Sizes
from sftdata.base.wording import count
from sftdata.building.mixture.manifest_content import describe_mixture, merge_ledgers
from sftdata.building.mixture.parts import (
    ExcludedRow,
    MixturePart,
    RowOrigins,
    describe_kept_rows,
    exclude,
    split_names,
)
from sftdata.building.mixture.sampling import Candidates, SourceSample, draw_samples, interleave
from sftdata.building.mixture.writing import MixtureWriter
from sftdata.errors import GoldenSetError, SftdataError
from sftdata.examples.blocks import CONTENT_HASH, ID_HASH
from sftdata.reading.screening.seen_ids import SeenIds
from sftdata.spec.model import Mixture
from sftdata.spec.split_names import training_split
from sftdata.writing.ledger import Ledger
from sftdata.writing.manifest import LEDGERS, SHARDS, Manifest, shards_path
from sftdata.writing.ownership import remove_shards
from sftdata.writing.shards import Shard

_NO_HASHES, _NO_ROWS = np.empty((0, 4), np.uint64), np.empty(0, np.int64)


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
    excluded: list[ExcludedRow] = []
    plans, planned = _plan(mixture, parts, excluded)
    if not sum(len(plan.row) for plan in plans.values()):
        raise SftdataError(
            "The mixture has no rows.", "Look at the caps and the sources' ledgers.", code="E302"
        )
    writer = MixtureWriter(parts, folder, sizes)
    shards: dict[str, list[Shard]] = {}
    row_sizes: dict[str, RowSizes] = {}
    for name, plan in plans.items():
        shards[name], row_sizes[name] = writer.write(name, plan)
    sync(folder)
    ledger, gone = merge_ledgers(parts, excluded)
    content = describe_mixture(
        mixture, parts, build, plans, shards, row_sizes, ledger, gone, excluded, planned
    )
    return Manifest(directory, content), ledger


def _plan(
    mixture: Mixture, parts: Sequence[MixturePart], excluded: list[ExcludedRow]
) -> tuple[dict[str, RowOrigins], list[float]]:
    """The rows of the mixture in order, by split; and the share of each part in training."""
    fresh = _without_repeats(parts, excluded)
    plans: dict[str, RowOrigins] = {}
    planned: list[float] = []
    splits = split_names(parts)
    train = training_split(splits)
    if train is None and any(part.source.weight or part.source.cap for part in parts):
        raise SftdataError(
            "Weights and caps apply to the training rows of a mixture; it has no split 'train', "
            f"only {', '.join(splits)}.",
            "Name the split of the training rows train, in [split].",
            code="E401",
        )
    for split in splits:
        ids = [part.hashes.get(split, _NO_HASHES)[:, 0] for part in parts]
        used = [rows.get(split, _NO_ROWS) for rows in fresh]
        if split == train:
            samples = _sample(mixture, parts, split, ids, used)
            planned = [sample.planned for sample in samples]
            for at, sample in enumerate(samples):
                over_cap, not_sampled = used[at][sample.over_cap], used[at][sample.not_sampled]
                detail = _cap_detail(parts[at])
                excluded += exclude(at, split, over_cap, Reason.OVER_CAP, detail)
                detail = "its source has more than its share of the mixture"
                excluded += exclude(at, split, not_sampled, Reason.NOT_SAMPLED, detail)
            used = [rows[sample.used] for rows, sample in zip(used, samples, strict=True)]
        plans[split] = RowOrigins(*interleave(ids, used, mixture.seed))
    return plans, planned


def _cap_detail(part: MixturePart) -> str:
    return f"'{part.source.name}' may give {part.source.cap:,} rows" if part.source.cap else ""


def _sample(
    mixture: Mixture,
    parts: Sequence[MixturePart],
    split: str,
    ids: Sequence[npt.NDArray[np.uint64]],
    used: Sequence[npt.NDArray[np.int64]],
) -> list[SourceSample]:
    candidates = []
    for part, own, rows in zip(parts, ids, used, strict=True):
        sizes = RowSizes.concatenate([measure_rows(batch) for batch in part.batches(split)])
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
    parts: Sequence[MixturePart], excluded: list[ExcludedRow]
) -> list[dict[str, npt.NDArray[np.int64]]]:
    """For each part and split the rows that no earlier part has, by id or by content.

    Raises `GoldenSetError` if more rows of a part than its spec allows have ids of other rows.
    """
    ids, contents = SeenIds(), SeenIds()
    fresh: list[dict[str, npt.NDArray[np.int64]]] = []
    for at, part in enumerate(parts):
        keep = {}
        clashes = rows = 0
        for split, hashes in part.hashes.items():
            same_id = ids.add(hashes[:, ID_HASH])
            # A row that goes for its id is not the first with its content.
            same_content = contents.add(hashes[:, CONTENT_HASH], ~same_id)
            if part.source.spec.duplicates == "keep":
                same_content &= same_id
            keep[split] = np.flatnonzero(~(same_id | same_content))
            duplicates = np.flatnonzero(same_content)
            details = describe_kept_rows(parts[:at], fresh, hashes[duplicates, CONTENT_HASH])
            excluded += [
                ExcludedRow(at, split, row, Reason.DUPLICATE, detail)
                for row, detail in zip(duplicates.tolist(), details, strict=True)
            ]
            repeated_ids = np.flatnonzero(same_id & ~same_content)
            detail = "has the id of a row of an earlier source, which says something else"
            excluded += exclude(at, split, repeated_ids, Reason.REPEATED_ID, detail)
            clashes, rows = clashes + len(repeated_ids), rows + len(hashes)
        if 100 * clashes > part.source.spec.max_dropped * rows:
            name = part.source.name
            raise GoldenSetError(
                f"{clashes:,} of {count(rows, 'row')} of the source '{name}' have ids of other "
                "rows in earlier sources of the mixture, so they would be dropped. Nothing was "
                "committed.",
                f'Put a text before the ids of the source, in its table: id_prefix = "{name}"',
                code="E301",
            )
        fresh.append(keep)
    return fresh
