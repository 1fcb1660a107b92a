"""The names of splits as people spell them: val, valid and dev all mean validation."""

from __future__ import annotations

from collections.abc import Iterable

# The usual spellings, by the name that a spec uses unless its `[split]` has one of them.
SPELLINGS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "development"),
    "test": ("test", "testing", "eval"),
}


def training_split(splits: Iterable[str]) -> str | None:
    """The split to train on: train by any spelling, or the only one; else None."""
    known = list(splits)
    split = find_split("train", known)
    return split if split in known else known[0] if len(known) == 1 else None


def find_split(name: str, splits: Iterable[str]) -> str | None:
    """The split that `name` means: one of `splits`, or a usual spelling; else None.

    A spelling means the split that has its name, then one of `splits` with the same meaning.
    """
    known = list(splits)
    if name in known:
        return name
    word = name.strip().lower()
    if word in known:
        return word
    for usual, spellings in SPELLINGS.items():
        if word in spellings:
            return next((split for split in known if split in spellings), usual)
    return None
