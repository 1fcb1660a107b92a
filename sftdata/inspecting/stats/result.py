"""The statistics of a dataset as types, so that type checkers know their keys."""

from __future__ import annotations

from typing import Any, TypedDict


class Quantiles(TypedDict):
    """Percentiles of a length, in tokens."""

    p50: int
    p90: int
    p95: int
    p99: int
    max: int


class Bar(TypedDict("_Bar", {"from": int})):
    """A bar of a histogram: rows with `from` to `to` tokens."""

    to: int
    rows: int


class Histograms(TypedDict):
    """Bars of equal width; the last one holds the long tail."""

    prompt_length: list[Bar]
    target_length: list[Bar]
    length: list[Bar]


class TextUse(TypedDict):
    """The use of the vocabulary."""

    vocabulary_used: int
    vocabulary_coverage: float
    chars_per_token: float
    unknown_share: float
    byte_fallback_share: float


class Languages(TypedDict):
    """The languages of the targets of a sample; short texts count as "unknown"."""

    sampled_rows: int
    rows: dict[str, int]


class Fit(TypedDict):
    """Padding, packs and steps at a length, by split."""

    max_length: int
    batch_size: int | None
    splits: dict[str, dict[str, int | float]]


class Stats(TypedDict):
    """The object that `sftdata stats --json` prints. Lengths and totals are in tokens."""

    rows: int
    tokens: int
    target_tokens: int
    target_share: float
    prompt_length: Quantiles
    target_length: Quantiles
    length: Quantiles
    histograms: Histograms
    fit: Fit
    duplicates: int
    text: TextUse | None  # None where the tokenizer of the build is gone
    languages: Languages | None
    rows_in: int  # source rows
    rows_out: int
    repeated: int  # rows that a mixture wrote once more, for its shares
    dropped: dict[str, int]  # source rows by reason
    flagged: dict[str, int]
    cut: int
    certificate: dict[str, int]
    stats: dict[str, Any]  # as the manifest has them
    by: str | None
    groups: dict[str, dict[str, Any]]  # of `by`
