"""Dropped rows: whether a build may drop so many, and the way out if not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np

from sftdata.base.escaping import escape
from sftdata.base.ledger_line import LedgerLine
from sftdata.base.reasons import Reason, Status
from sftdata.errors import GoldenSetError
from sftdata.writing.ledger import Ledger

# Drops that were asked for, or that lose nothing: they are reported and never an error.
_WANTED_DROPS = frozenset(
    {
        Reason.DUPLICATE,
        Reason.NEAR_DUPLICATE,
        Reason.FILTERED,
        Reason.CONTAMINATED,
        Reason.BLANK_ROW,
    }
)
_IN_SPEC = "in the spec, above its first [table]"
# What a spec can do about rows that have no fault of their own.
_WAYS_OUT = {
    Reason.TOO_LONG: "Let examples be longer: --max-length N",
    Reason.UNKNOWN_SPLIT: "Name every split of the rows in the spec's [split]; a share may be 0.",
    Reason.UNKNOWN_TURN_KEY: f'Name keys to ignore: ignore_turn_keys = ["KEY"] {_IN_SPEC}',
    Reason.ASSISTANT_FIRST: f"Leave such answers out: drop_leading_assistant = true {_IN_SPEC}",
    Reason.SAME_ROLE: f"Join such turns: merge_same_role = true {_IN_SPEC}",
    Reason.NO_LAST_ANSWER: f"Leave such turns out: drop_trailing_user = true {_IN_SPEC}",
    Reason.REFUSED: "Use a chat template that takes such rows: --chat-template FILE",
    Reason.NOT_SHOWN: "Use a chat template that shows such rows whole: --chat-template FILE",
    Reason.NUL_CHARACTER: f'Keep rows with NUL characters: nul = "keep" {_IN_SPEC}',
}


def check_drops(
    ledger: Ledger,
    rows: int,
    max_dropped: float,
    clashes: Sequence[tuple[str, str]] = (),
    id_prefix: str | None = None,
) -> None:
    """Raises `GoldenSetError` if more than `max_dropped` % of `rows` are unusable, or none is left.

    Rows that were dropped on request don't count as unusable. `clashes`: both places of each
    repeated id. `id_prefix`: that of the spec.
    """
    faults = _find_faults(ledger.lines)
    dropped = sum(ledger.dropped.values())
    filled = rows - ledger.dropped.get(Reason.BLANK_ROW, 0)
    share = 100 * len(faults) / max(filled, 1)
    if share <= max_dropped and dropped < rows:
        return
    if len(faults) < rows and share <= max_dropped:
        raise GoldenSetError(
            f"All {rows:,} rows are left out: "
            + ", ".join(f"{n:,} {reason}" for reason, n in ledger.dropped.items())
            + ". Nothing was committed.",
            "Look at the spec's where and against; a dataset cannot be empty.",
            code="E302",
        )
    by_reason: dict[str, list[LedgerLine]] = {}
    for line in faults:
        by_reason.setdefault(line.reason, []).append(line)
    counts = [
        f"{len(lines):,} {reason}, such as {_describe(lines[0])}"
        for reason, lines in sorted(by_reason.items(), key=lambda item: -len(item[1]))
    ]
    ways_out = [*_ways_out_of_clashes(clashes, id_prefix), *_ways_out_of_reasons(by_reason)]
    others = len(faults) - len(by_reason.get(Reason.REPEATED_ID, ()))
    if dropped == rows:
        ways_out = ways_out or ["Fix the rows; a dataset cannot be empty."]
    elif 100 * others / max(filled, 1) > max_dropped or not ways_out:
        needed = np.ceil(100 * (others or len(faults)) / max(filled, 1))
        ways_out.append(f"Fix the rows, or allow so many to be dropped: --max-dropped {needed:g}")
    allowed = f"at most {max_dropped:g} % may be dropped" if share > max_dropped else "none is left"
    raise GoldenSetError(
        f"{len(faults):,} of {filled:,} rows ({share:.3g} %) cannot be used; {allowed}. "
        "Nothing was committed.\n" + "\n".join(counts),
        "\n".join(ways_out),
        code="E301",
    )


def warn_of_faults(lines: Sequence[LedgerLine], rows: int, max_dropped: float) -> str | None:
    """A warning of a dry run: so many of its rows are unusable that a build of them would fail."""
    faults = len(_find_faults(lines))
    share = 100 * faults / max(rows, 1)
    if share <= max_dropped:
        return None
    return (
        f"Warning: {faults:,} of these {rows:,} rows ({share:.3g} %) cannot be used. If all rows "
        f"are like them, the build fails: at most {max_dropped:g} % may be dropped (--max-dropped)."
    )


def _find_faults(lines: Iterable[LedgerLine]) -> list[LedgerLine]:
    """The lines of rows that were dropped as unusable."""
    return [
        line for line in lines if line.status == Status.DROPPED and line.reason not in _WANTED_DROPS
    ]


def _describe(line: LedgerLine) -> str:
    """Place and detail; a row without an id, which is named by its place, is named once."""
    row = "" if line.row_id == line.source else f" (row '{escape(line.row_id)}')"
    return f"{line.source}: {line.detail}{row}"


def _ways_out_of_reasons(reasons: Collection[str]) -> Iterator[str]:
    """The ways out that a spec or an option has for rows dropped for these reasons."""
    found = [way for reason, way in _WAYS_OUT.items() if reason in reasons]
    yield from found
    if any(way.endswith(_IN_SPEC) for way in found):
        yield "Without a spec of your own: sftdata init DIR --data FILE writes one"


def _ways_out_of_clashes(
    clashes: Sequence[tuple[str, str]], id_prefix: str | None
) -> Iterator[str]:
    """The way out for rows with the same id, in one file or in several."""
    pairs = {(_file_of(first), _file_of(second)) for first, second in clashes}
    across = sorted({name for pair in pairs if pair[0] != pair[1] for name in pair})
    if across and id_prefix is None:
        yield (
            f"{_listed(across)} use the same ids for different rows. Put the name of its file "
            "before each id: --id-prefix file"
        )
    if (across and id_prefix is not None) or any(first == second for first, second in pairs):
        yield "Ids that repeat tell no rows apart. Name the rows by their content: --map id=none"


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _file_of(place: str) -> str:
    return place.rpartition(":")[0]


def warn_of_duplicates(ledger: Ledger, rows: int) -> str | None:
    """A warning when more than half of the rows are duplicates, which is rarely meant."""
    dropped = ledger.dropped.get(Reason.DUPLICATE, 0)
    if 2 * dropped <= rows:
        return None
    return (
        f"Warning: {dropped:,} of {rows:,} rows say the same as another row and are dropped. "
        "See sftdata ledger, or keep them: --duplicates keep"
    )
