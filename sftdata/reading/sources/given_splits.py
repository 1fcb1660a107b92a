"""Given splits: the splits that sources have of themselves, which a build keeps.

A source has one if the user wrote it (`train=a.jsonl`), if it is one of several splits of a
dataset, or if its name tells it from others: train.jsonl beside test.jsonl, or a_train.jsonl beside
a_test.jsonl.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath

from sftdata.base.escaping import escape
from sftdata.base.wording import list_names
from sftdata.errors import GoldenSetError
from sftdata.reading.sources.resolve import Source
from sftdata.spec.model import Spec
from sftdata.spec.presets import is_hub_item, parse_hub_item
from sftdata.spec.split_names import find_split

_PART = re.compile(r"-\d+-of-\d+$")  # train-00000-of-00002.parquet
_WORD = re.compile(r"[^\W\d_]+")
_ENDING = re.compile(r"(?<=.)(set|data|split)$", re.IGNORECASE)  # trainset, testdata
_SPLIT_NAME = re.compile(r"\w+")
_SHOWN = 3  # names of a split in the note


def decide_splits(sources: Sequence[Source], spec: Spec) -> tuple[tuple[Source, ...], str | None]:
    """The sources with the splits that a spec lets their rows keep, and a note about them."""
    if spec.given_splits == "join":
        sources = [replace(source, member=None) for source in sources]
    kept, note = keep_given_splits(sources, spec.split, by_name=spec.given_splits == "keep")
    if spec.split_column is None:
        return kept, note
    given = [f"{source.name}: {source.split}" for source in kept if source.split is not None]
    theirs = f" that of its source ({list_names(given, _SHOWN)}), or else" if given else ""
    return kept, (
        f"Each row keeps the split that '{escape(spec.split_column)}' names (val, valid and dev "
        f"mean validation); a row without one gets{theirs} a split by the shares of [split]."
    )


def keep_given_splits(
    sources: Sequence[Source], splits: Collection[str], *, by_name: bool = True
) -> tuple[tuple[Source, ...], str | None]:
    """The sources with the splits that their rows keep, and a note that says so, if any has one.

    `splits`: those of the spec, whose spelling is used. `by_name`: whether names give splits, too.
    Raises `GoldenSetError` for a split whose name cannot name a file.
    """
    given = [s.split and (find_split(s.split, splits) or s.split) for s in sources]
    for members in _sets(sources):
        names = [str(sources[at].member) for at in members]
        if any(_speaks_of_split(name, splits) for name in names):
            for at, name in zip(members, names, strict=True):
                given[at] = find_split(name, splits) or name
    if by_name:
        given = _add_named(sources, given, splits)
    for source, split in zip(sources, given, strict=True):
        if split is not None and not _SPLIT_NAME.fullmatch(split):
            raise GoldenSetError(
                f"{source.name}: the split '{escape(split)}' cannot name a file.",
                f"Give it a name of letters, digits and _, such as: "
                f"--data {re.sub(r'[^a-zA-Z0-9_]', '_', split)}={source.name}",
                code="E203",
            )
    kept = tuple(replace(s, split=split) for s, split in zip(sources, given, strict=True))
    return kept, _note(kept, splits, by_name)


def _sets(sources: Sequence[Source]) -> list[list[int]]:
    """The places of the sources that are splits of one dataset, for each such dataset."""
    sets: dict[str, list[int]] = defaultdict(list)
    for at, source in enumerate(sources):
        if source.member is not None:
            sets[source.name.removesuffix(escape(source.member))].append(at)
    return list(sets.values())


def _speaks_of_split(name: str, splits: Collection[str]) -> bool:
    """Whether a name is that of a split, or has its word, as train_sft has; en and de have none."""
    return any(_split_of_word(word, splits) for word in (name, *_WORD.findall(name)))


def _split_of_word(word: str, splits: Collection[str]) -> str | None:
    return find_split(word, splits) or find_split(_ENDING.sub("", word), splits)


def _add_named(
    sources: Sequence[Source], given: Sequence[str | None], splits: Collection[str]
) -> list[str | None]:
    """The given splits, and those in the names of sources, if the names differ in their splits."""
    in_series = _splits_in_series(sources, given, splits)
    found = [
        split or _split_in_name(source, splits) or in_series.get(at)
        for at, (source, split) in enumerate(zip(sources, given, strict=True))
    ]
    # One split alone divides nothing: its rows are divided by the shares.
    return found if len(set(found)) > 1 else list(given)


def _split_in_name(source: Source, splits: Collection[str]) -> str | None:
    """The split that is the whole name of a file or folder, or that a Hub item names."""
    if is_hub_item(source.name):
        split = parse_hub_item(source.name)[2].partition("[")[0]
        # Splits that one item joins have been joined by the user.
        is_split = "+" not in source.name and _speaks_of_split(split, splits)
        return find_split(split, splits) or split if is_split else None
    word = _PART.sub("", PurePath(source.name).name.partition(".")[0])
    return _split_of_word(word, splits)


def _splits_in_series(
    sources: Sequence[Source], given: Sequence[str | None], splits: Collection[str]
) -> dict[int, str]:
    """The splits of sources whose paths differ in nothing but that: a_train.jsonl, a_test.jsonl."""
    series: dict[str, dict[int, str]] = defaultdict(dict)
    for at, source in enumerate(sources):
        if given[at] is None and not is_hub_item(source.name):
            for rest, split in _without_split(PurePath(source.name), splits):
                series[rest][at] = split
    kept = [members for members in series.values() if len(set(members.values())) > 1]
    return {at: split for members in reversed(kept) for at, split in members.items()}


def _without_split(path: PurePath, splits: Collection[str]) -> Iterator[tuple[str, str]]:
    """The path with a gap for each split that its file name or its folder names, and the split."""
    for word in _WORD.finditer(path.name):
        if split := _split_of_word(word[0], splits):
            rest = f"{path.name[: word.start()]}*{path.name[word.end() :]}"
            yield f"{path.parent}/{re.sub(r'[0-9]+', '#', rest)}", split
    if split := _split_of_word(path.parent.name, splits):
        yield f"{path.parent.parent}/*/", split


def _note(sources: Sequence[Source], splits: Collection[str], by_name: bool) -> str | None:
    by_split: dict[str | None, list[str]] = defaultdict(list)
    for source in sources:
        if source.name not in by_split[source.split]:
            by_split[source.split].append(source.name)
    others = by_split.pop(None, [])
    parts = []
    if by_split:
        kept = "; ".join(
            f"{split} from {list_names(names, _SHOWN)}" for split, names in by_split.items()
        )
        parts.append(f"Splits are kept as given: {kept}.")
        if added := [str(split) for split in by_split if split not in splits]:
            parts.append(f"Not in the spec's [split], so added: {', '.join(added)}.")
        if others:
            parts.append(f"The shares of [split] apply to {list_names(others, _SHOWN)}.")
    if others and any(source.member and source.split is None for source in sources):
        members = [str(s.member) for s in sources if s.member and s.split is None]
        parts.append(
            f"{list_names(members, _SHOWN)} are no splits to train on or to hold out: their rows "
            "are divided by the shares of [split]. To keep one write, for example: "
            f"{members[0]}={others[0]}"
        )
    if by_name and len(sources) > 1 and (doubtful := _held_out_in_name(others, splits)):
        name, split = doubtful
        parts.append(f"{name} is divided by shares; to keep it whole: --data {split}={name}")
    return " ".join(parts) or None


def _held_out_in_name(names: Sequence[str], splits: Collection[str]) -> tuple[str, str] | None:
    """The first of these names that speaks of a split to hold out, and the split."""
    for name in names:
        found = {split for _, split in _without_split(PurePath(name), splits)}
        if len(found) == 1 and not is_hub_item(name) and "train" not in found:
            return name, found.pop()
    return None


def all_splits(shares: Mapping[str, float], sources: Iterable[Source]) -> dict[str, float]:
    """The shares of a spec, and share 0 for each other split that a source gives to its rows."""
    given = dict.fromkeys((source.split for source in sources if source.split is not None), 0.0)
    return dict(shares) | {name: share for name, share in given.items() if name not in shares}
