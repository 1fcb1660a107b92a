"""The keys of a spec as keyword options, so that editors and type checkers know them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict


class SpecOptions(TypedDict, total=False):
    """Keys of a spec that an option may override; None overrides nothing.

    `Spec` says what they mean. `build` has arguments of its own for the rest of its keys.
    """

    description: str | None
    license: str | None
    language: Sequence[str] | None
    preset: str | None
    where: Mapping[str, Any] | None
    swap: Sequence[tuple[str, str]] | None
    loss: Literal["all", "last"] | None
    unroll: bool | None
    ignore_turn_keys: Sequence[str] | None
    drop_trailing_user: bool | None
    drop_leading_assistant: bool | None
    merge_same_role: bool | None
    max_length: int | None
    keep: Literal["start", "end", "middle"] | None
    max_dropped: float | None
    nul: Literal["drop", "keep"] | None
    id_prefix: str | None
    quoting: Literal["csv", "none"] | None
    group: str | None
    seed: int | None
    split: Mapping[str, float] | None
    given_splits: Literal["keep", "join"] | None
    split_column: str | None
    chat: bool | None
    chat_options: Mapping[str, Any] | None
    chat_template: str | Path | None
    date: datetime.date | str | None
    teach_reasoning: bool | None
    long_conversations: Literal["drop_turns", "drop"] | None
    text_tokens: Sequence[str] | None
    shots: int | Sequence[int] | None
    source_field: str | None
    target_field: str | None
    checks: Mapping[str, Any] | None
    duplicates: Literal["drop", "keep", "loose"] | None
    near_duplicates: float | None
    against: str | Sequence[str] | None
    against_overlap: float | None
