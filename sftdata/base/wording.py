"""Numbers with their nouns, as messages write them."""

from __future__ import annotations


def count(number: int, noun: str) -> str:
    """`1 row`, `2 rows`, `1,200 rows`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def reason_of(error: Exception) -> str:
    """What went wrong, in words: Arrow puts the number of the system's error before them."""
    if isinstance(error, FileNotFoundError):
        return "the file is gone"
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
