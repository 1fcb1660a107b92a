"""Jobs for workers: how their rows are sent, how long they may take, how they fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sftdata.base.out_of_memory import is_out_of_memory
from sftdata.errors import SftdataError
from sftdata.examples.maker import BlockRequest, ExampleMaker

TRIES = 3  # of a job whose worker dies or hangs
# A worker that takes longer than this for a job hangs. The slowest chat templates and tokenizers
# make about a hundred kilobytes in a second, on a machine that has nothing else to do.
_SECONDS_TO_START = 120.0
_BYTES_IN_A_SECOND = 16 * 1024

MakeMaker = Callable[[], ExampleMaker]


def allowed_seconds(size: int) -> float:
    """The time limit of a job with so many bytes of source."""
    return _SECONDS_TO_START + size / _BYTES_IN_A_SECOND


def explain(error: Exception, rows: str) -> Exception:
    """The error of a job for its user: a lack of memory names the rows.

    `rows`: from `describe_rows`.
    """
    if isinstance(error, SftdataError) or not is_out_of_memory(error):
        return error
    return _failed(
        f"The memory does not suffice for {rows}.",
        "Use fewer workers, or look for a row of extreme size there.",
    )


def not_finished(rows: str, seconds: float, tries: int) -> SftdataError:
    """The error of a job whose workers hung."""
    return _failed(
        f"A worker did not finish {rows} within {seconds:,.0f} seconds, in {tries} tries.",
        "Look for a row of extreme size there, or a tokenizer or template that takes very long for "
        "it.",
    )


def died(rows: str, tries: int, how: str) -> SftdataError:
    """The error of a job whose workers died."""
    return _failed(
        f"A worker died {tries} times ({how}) on {rows}.",
        "Look for a row of extreme size there, or use fewer workers if memory ran out.",
    )


def _failed(message: str, hint: str) -> SftdataError:
    kept = "Finished rows are kept; the same command goes on from them."
    return SftdataError(message, f"{hint} {kept}", code="E804")


def describe_rows(work: Sequence[BlockRequest]) -> str:
    """The rows of a job, for messages."""
    first, last = work[0].chunk, work[-1].chunk
    end = last.first_row + last.rows - 1
    return f"rows {first.first_row} to {end} of source {first.source + 1}"
