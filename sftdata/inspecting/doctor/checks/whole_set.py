"""Checks on what only the whole set tells: what was not read or dropped, answers and splits."""

from __future__ import annotations

import numpy as np

from sftdata.inspecting.doctor.check import DatasetCheck, Hits
from sftdata.inspecting.doctor.dataset import CheckedDataset

_FEWEST_ROWS = 20  # of a set, to say that most of it is the same
_MOST_DROPPED = 0.5  # share of the rows
_SAME = 0.8  # share of the rows; the answers of a classifier may well be two to one
_MEANT = frozenset({"system", "tools", "history", "messages", "conversations", "documents"})
_NONE = np.empty(0, np.int64)


def _unread_columns(dataset: CheckedDataset) -> Hits | None:
    unread = dataset.data.manifest.content.get("unread", {})
    meant = sorted({name for names in unread.values() for name in names if name in _MEANT})
    if not meant:
        return None
    return Hits(_NONE, "columns that no template reads: " + ", ".join(meant), count=len(meant))


def _most_dropped(dataset: CheckedDataset) -> Hits | None:
    manifest = dataset.data.manifest
    dropped = sum(manifest["dropped"].values())
    if dropped <= _MOST_DROPPED * manifest["rows_in"]:
        return None
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in manifest["dropped"].items())
    return Hits(_NONE, f"of {manifest['rows_in']:,} rows: {reasons}", count=dropped)


def _same_target(dataset: CheckedDataset) -> Hits | None:
    hashes = dataset.rows.target_hash
    if len(hashes) < _FEWEST_ROWS:
        return None
    # What more than half of the rows have is also in the middle of them in order.
    middle = len(hashes) // 2
    places = np.flatnonzero(hashes == np.partition(hashes, middle)[middle])
    if len(places) <= _SAME * len(hashes):
        return None
    return Hits(places, f"{len(places) / len(hashes):.0%} of the rows")


def _split_leak(dataset: CheckedDataset) -> Hits | None:
    if dataset.context.is_chat or "train" not in dataset.data:
        return None  # the first turn of many conversations is the same greeting
    in_train = np.concatenate(
        [np.full(len(split), name == "train") for name, split in dataset.data.items()]
    )
    held, prompts = np.flatnonzero(~in_train), dataset.rows.prompt_hash
    trained = prompts[in_train]
    if not len(trained):
        return None
    trained.sort()  # `np.isin` takes several times the memory
    at = np.minimum(np.searchsorted(trained, prompts[held]), len(trained) - 1)
    leaked = held[trained[at] == prompts[held]]
    return Hits(leaked) if len(leaked) else None


CHECKS = (
    DatasetCheck(
        "unread-column",
        "warning",
        "columns that usually reach the model were not read",
        "Map them to fields of a template or conversation, or take them out of the source.",
        _unread_columns,
    ),
    DatasetCheck(
        "most-rows-dropped",
        "warning",
        "more than half of the source rows are not in the dataset",
        "Look at the reasons: sftdata ledger DIR.",
        _most_dropped,
    ),
    DatasetCheck(
        "same-target",
        "warning",
        "more than 80 % of the rows have the same target",
        "Check the target field and the conditions of the template; even out the answers.",
        _same_target,
    ),
    DatasetCheck(
        "split-leak",
        "warning",
        "prompts of another split that are also in the training split",
        "Keep rows that belong together in one split: group in the spec.",
        _split_leak,
    ),
)
