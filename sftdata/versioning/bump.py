"""Compute the version bump: the changes between two texts of a template, by rule and place.

MAJOR: the fields or the target changed. MINOR: the text that the model reads changed.
PATCH: no token changed.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from sftdata.rendering.template import BLOCK_NAMES, Template
from sftdata.versioning.probes import FAILS, Probe, constant_probes, fixed_probes, render_probe
from sftdata.versioning.versions import LEVELS, Level

_TEXT_RULES: dict[str, tuple[str, Level]] = {
    "system": ("SYSTEM_TEXT_CHANGED", "minor"),
    "prompt": ("PROMPT_TEXT_CHANGED", "minor"),
    "target": ("TARGET_CHANGED", "major"),
}
_QUOTED = 60  # characters


@dataclass(frozen=True, slots=True)
class Change:
    """A change: its rule, its place and a description."""

    rule: str
    level: Level
    where: str
    detail: str


def find_changes(old: Template, new: Template) -> list[Change]:
    """The changes from `old` to `new`, the largest bump first; empty if the sources are equal."""
    if old.source_sha256 == new.source_sha256:
        return []
    changes = [*_contract_changes(old, new), *_text_changes(old, new)]
    if not changes:
        changes = list(_silent_changes(old, new))
    return sorted(changes, key=lambda change: -LEVELS.index(change.level))


def level_of(changes: Iterable[Change]) -> Level:
    """The bump that the changes ask for."""
    return max((change.level for change in changes), key=LEVELS.index, default="patch")


def _contract_changes(old: Template, new: Template) -> Iterator[Change]:
    for field in sorted(new.fields - old.fields):
        yield Change("INPUT_ADDED", "major", _reading(new, field), f"reads the field '{field}'")
    for field in sorted(old.fields - new.fields):
        detail = f"no longer reads the field '{field}'"
        yield Change("INPUT_REMOVED", "major", _reading(old, field), detail)
    for field in sorted(old.target_fields ^ new.target_fields):
        verb = "reaches" if field in new.target_fields else "no longer reaches"
        yield Change("TARGET_CHANGED", "major", "target", f"the field '{field}' {verb} the target")
    if old.shorten != new.shorten:
        detail = (
            f"the field that may be cut was {old.shorten or 'none'}, is {new.shorten or 'none'}"
        )
        yield Change("SHORTEN_CHANGED", "minor", "metadata", detail)


def _reading(template: Template, field: str) -> str:
    return ", ".join(name for name, block in template.blocks.items() if field in block.fields)


def _text_changes(old: Template, new: Template) -> Iterator[Change]:
    waiting = list(BLOCK_NAMES)
    for probe in _probes(old, new):
        if not waiting:
            return
        before, after = render_probe(old, probe), render_probe(new, probe)
        for block in [name for name in waiting if before[name] != after[name]]:
            waiting.remove(block)
            rule, level = _TEXT_RULES[block]
            where = _place(old, new, block)
            yield Change(rule, level, where, _described(before[block], after[block], probe))


def _probes(old: Template, new: Template) -> Iterator[Probe]:
    fields = old.fields | new.fields
    return chain(fixed_probes(fields), constant_probes(fields, (old, new)))


def _described(before: str | None, after: str | None, probe: Probe) -> str:
    if before is FAILS or after is FAILS:
        verb = "fails" if after is FAILS else "no longer fails"
        return f"{verb} on {probe.name}"
    on = "" if probe.name == "plain text" else f" (on {probe.name})"
    was, now = _differing_lines(before, after)
    if was == now:
        return f"the white space around it changed{on}"
    if not was:
        return f"{_quoted(now, 0)} was added{on}"
    if not now:
        return f"{_quoted(was, 0)} was removed{on}"
    pairs = enumerate(zip(was, now, strict=False))
    same = next((at for at, (a, b) in pairs if a != b), min(len(was), len(now)))
    return f"{_quoted(was, same)} became {_quoted(now, same)}{on}"


def _differing_lines(before: str, after: str) -> tuple[str, str]:
    """The lines of each text that the other one lacks, joined."""
    old, new = before.split("\n"), after.split("\n")
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    codes = [code for code in matcher.get_opcodes() if code[0] != "equal"]
    removed = [line for _, start, end, _, _ in codes for line in old[start:end]]
    added = [line for _, _, _, start, end in codes for line in new[start:end]]
    return "\n".join(removed), "\n".join(added)


def _quoted(text: str, same: int) -> str:
    """The part of `text` around the first place where it differs from another, quoted."""
    start = max(0, same - _QUOTED // 2) if len(text) > _QUOTED else 0
    cut = text[start : start + _QUOTED]
    return repr(("…" if start else "") + cut + ("…" if start + len(cut) < len(text) else ""))


def _place(old: Template, new: Template, block: str) -> str:
    """Where a block's text changed: the first line that differs, or the file it includes."""
    for name in sorted(new.included.keys() | old.included.keys()):
        before, after = old.included.get(name), new.included.get(name)
        if before is not None and after is not None and before != after:
            return f"{block}, {name} line {_first_difference(before, after, 1, None)}"
    first, last = _lines(new, block)
    line = _first_difference(old.source, new.source, first, last)
    return f"{block}, line {line}" if line else block


def _first_difference(before: str, after: str, first: int, last: int | None) -> int | None:
    """The first changed line of `after` between `first` and `last`, counted from 1."""
    matcher = difflib.SequenceMatcher(None, before.splitlines(), after.splitlines(), autojunk=False)
    for tag, _, _, start, end in matcher.get_opcodes():
        if tag == "equal":
            continue
        if max(end, start + 1) >= first and (last is None or start + 1 <= last):
            return max(start + 1, first)
    return None


def _lines(template: Template, block: str) -> tuple[int, int | None]:
    """The first and last line of a block in the source; None for the end of the file."""
    starts = sorted((b.line, b.name) for b in template.blocks.values())
    for place, (line, name) in enumerate(starts):
        if name == block:
            following = starts[place + 1][0] - 1 if place + 1 < len(starts) else None
            return line, following
    return 1, None


def _silent_changes(old: Template, new: Template) -> Iterator[Change]:
    """Changes that no probe shows."""
    if old.semantics_sha256 != new.semantics_sha256:
        line = _first_difference(old.source, new.source, 1, None)
        where = f"line {line}" if line else "an included file"
        detail = "the logic is written in another way; every probe renders as before"
        yield Change("LOGIC_REWRITTEN", "patch", where, detail)
    keys = old.metadata.keys() | new.metadata.keys()
    for key in sorted(k for k in keys if old.metadata.get(k) != new.metadata.get(k)):
        was, now = old.metadata.get(key), new.metadata.get(key)
        yield Change("METADATA_CHANGED", "patch", "metadata", f"{key}: {was!r} became {now!r}")
    if old.semantics_sha256 == new.semantics_sha256 and old.metadata == new.metadata:
        line = _first_difference(old.source, new.source, 1, None)
        where = f"line {line}" if line else "an included file"
        detail = "comments or spelling changed; the syntax tree is the same"
        yield Change("COMMENT_CHANGED", "patch", where, detail)
