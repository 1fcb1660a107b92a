"""Apply field rules: columns of a source in, golden fields out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import text, texts
from sftdata.base.escaping import escape
from sftdata.base.typed_text import TYPE_NAMES, FieldType, to_canonical
from sftdata.spec.fields import FieldRule

VISIBLE = r"[^\s\v\x{1c}-\x{1f}\x{85}\p{Z}]"  # a character that is no white space to Python
_SHOWN = 40  # characters of a value in a message


def column_of(name: str, alternative: int) -> str:
    """The column of a field's path; further ones are read for rules with several."""
    return name if alternative == 0 else f"{name}\0{alternative}"


def apply_rule(
    rule: FieldRule, read: Sequence[pa.LargeStringArray], rows: int
) -> pa.LargeStringArray:
    """The golden field that `rule` makes of the columns it reads."""
    if rule.value is not None:
        return texts([rule.value] * rows)
    column = read[0]
    if len(read) > 1:
        nothing = pa.nulls(rows, pa.large_string())
        column = pc.coalesce(
            *(pc.if_else(pc.match_substring_regex(c, VISIBLE), c, nothing) for c in read),
            read[-1],
        )
    if rule.strip_prefix:
        longest_first = sorted(rule.strip_prefix, key=len, reverse=True)
        prefixes = "|".join(map(re.escape, longest_first))
        column = pc.replace_substring_regex(column, f"^(?:{prefixes})", "", max_replacements=1)
    return pc.fill_null(column, text("")) if rule.optional else column


def to_type(
    column: pa.LargeStringArray, type_: FieldType
) -> tuple[pa.LargeStringArray, Iterator[tuple[int, str]]]:
    """The column in the canonical form of the type, and each row that is not of it with the reason.

    Blank texts become empty, and such a row keeps its text.
    """
    encoded = column.dictionary_encode()
    given: list[str] = encoded.dictionary.to_pylist()
    found = [to_canonical(value if value.strip() else "", type_) for value in given]
    faulty = {at for at, value in enumerate(found) if value is None}
    values = texts([g if f is None else f for g, f in zip(given, found, strict=True)])
    return values.take(encoded.indices), _find_faulty(encoded.indices, given, faulty, type_)


def _find_faulty(
    indices: pa.Array, given: Sequence[str], faulty: set[int], type_: FieldType
) -> Iterator[tuple[int, str]]:
    if not faulty:
        return
    for row, at in enumerate(indices.to_pylist()):
        if at in faulty:
            shown = given[at] if len(given[at]) <= _SHOWN else f"{given[at][:_SHOWN]}…"
            yield row, f"is '{escape(shown)}', not {TYPE_NAMES[type_]}"
