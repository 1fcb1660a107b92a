"""Numbers with their nouns, and lists of names, as messages write them."""

from __future__ import annotations

from collections.abc import Sequence

from sftdata.base.escaping import escape


def count(number: int, noun: str) -> str:
    """`1 row`, `2 rows`, `1,200 rows`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def size(number: int) -> str:
    """`900 bytes`, `1.2 kB`, `3.4 GB`."""
    if number < 1000:
        return count(number, "byte")
    amount, units = number / 1000, ["kB", "MB", "GB"]
    while amount >= 1000 and len(units) > 1:
        amount, units = amount / 1000, units[1:]
    return f"{amount:,.1f} {units[0]}"


def list_names(names: Sequence[str], most: int, *, quote: str = "") -> str:
    """`a, b, c and 4 more`: the first `most` names, escaped, and how many are left."""
    if len(names) <= most + 1:  # "and 1 more" is as long as a name
        most = len(names)
    shown = ", ".join(f"{quote}{escape(name)}{quote}" for name in names[:most])
    return shown + (f" and {len(names) - most:,} more" if len(names) > most else "")


def reason_of(error: Exception) -> str:
    """The reason of an error, without the number that the system puts before it."""
    if isinstance(error, FileNotFoundError):
        return "the file is gone"
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
