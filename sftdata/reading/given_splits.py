"""Given splits: the splits that sources have of themselves, which a build keeps.

A source has one if the user wrote it (`train=a.jsonl`), if it is one of several splits of a
dataset, or if its name tells it from others: train.jsonl beside test.jsonl.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import PurePath

from sftdata.base.escaping import escape
from sftdata.errors import GoldenSetError
from sftdata.reading.sources import Source
from sftdata.spec.presets import HUB, parse_hub_item
from sftdata.spec.split_names import SPELLINGS, find_split

_PART = re.compile(r"-\d+-of-\d+$")  # train-00000-of-00002.parquet
_SPLIT_NAME = re.compile(r"\w+")
_SHOWN = 3  # names of a split in the note


def keep_given_splits(
    sources: Sequence[Source], splits: Collection[str], column: str | None = None
) -> tuple[tuple[Source, ...], str | None]:
    """The sources with the splits that their rows keep, and a note that says so, if any has one.

    `splits`: those of the spec, whose spelling is used. `column`: names the split of a row, so
    names of sources don't.
    Raises `GoldenSetError` for a split whose name cannot name a file.
    """
    named = _named_splits(sources) if column is None else [None] * len(sources)
    kept = []
    for source, in_name in zip(sources, named, strict=True):
        given = source.split if source.split is not None else in_name
        split = None if given is None else find_split(given, splits) or given
        if split is not None and not _SPLIT_NAME.fullmatch(split):
            raise GoldenSetError(
                f"{source.name}: the split '{escape(split)}' cannot name a file.",
                f"Give it a name of letters, digits and _, such as: "
                f"--data {re.sub(r'[^a-zA-Z0-9_]', '_', split)}={source.name}",
            )
        kept.append(replace(source, split=split))
    if column is not None:
        return tuple(kept), (
            f"Each row keeps the split that '{escape(column)}' names (val, valid and dev mean "
            "validation); a row without one gets a split by the shares of [split]."
        )
    return tuple(kept), _note(kept, splits)


def _named_splits(sources: Sequence[Source]) -> list[str | None]:
    """For each source the split that its name says, where names tell splits apart."""
    found = [None if s.split is not None else _split_in_name(s) for s in sources]
    # One split alone divides nothing: its rows are those that the shares are for.
    given = [source.split or split for source, split in zip(sources, found, strict=True)]
    return found if len(set(given)) > 1 else [None] * len(sources)


def _split_in_name(source: Source) -> str | None:
    if source.name.startswith(HUB):
        split = parse_hub_item(source.name)[2]
        # Splits that one item joins have been joined by the user.
        return None if "+" in split else split.partition("[")[0] or None
    stem = PurePath(source.name).name.partition(".")[0]
    word = _PART.sub("", stem)
    return word if any(word.lower() in spellings for spellings in SPELLINGS.values()) else None


def _note(sources: Sequence[Source], splits: Collection[str]) -> str | None:
    by_split: dict[str | None, list[str]] = defaultdict(list)
    for source in sources:
        if source.name not in by_split[source.split]:
            by_split[source.split].append(source.name)
    others = by_split.pop(None, [])
    if not by_split:
        return None
    kept = "; ".join(f"{split} from {_list(names)}" for split, names in by_split.items())
    note = f"Splits are kept as given: {kept}."
    if added := [str(split) for split in by_split if split not in splits]:
        note += f" Not in the spec's [split], so added: {', '.join(added)}."
    if others:
        note += f" The shares of [split] apply to {_list(others)}."
    return note


def _list(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
