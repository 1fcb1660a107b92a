"""The statuses and reasons of ledger lines: why rows are dropped, cut or flagged.

The names of the checks of golden rows are reasons, too; `spec.check_rules` explains them.
"""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """The outcome of a source row."""

    DROPPED = "dropped"  # it is not in the dataset
    CUT = "cut"  # it is, without a part of its text or its shots
    FLAGGED = "flagged"  # it is, unchanged, and a check suspects it


class Reason(StrEnum):
    """Why it happened. Ledgers and manifests hold the value, so it never changes."""

    explanation: str  # one sentence

    def __new__(cls, value: str, explanation: str) -> Reason:
        """A member with its explanation."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.explanation = explanation
        return member

    # Read
    WRONG_TYPE = "wrong_type", "A field holds something other than text."
    LONE_SURROGATE = "lone_surrogate", "A field holds half a character, which no tokenizer encodes."
    BAD_MESSAGES = "bad_messages", "The turns of the conversation have no order or shape we know."
    MISSING_FIELD = "missing_field", "A field that the template needs is missing or null."
    EMPTY_FIELD = "empty_field", "A field that the template needs has no visible text."
    NUL_CHARACTER = "nul_character", 'A field holds a NUL character; `nul = "keep"` keeps the row.'
    UNKNOWN_SPLIT = "unknown_split", "The row's `split_column` names no split of the spec."
    # Left out on request
    FILTERED = "filtered", "The row has none of the values that `where` asks for."
    CONTAMINATED = "contaminated", "Too much of the text is in an evaluation file (`against`)."
    DUPLICATE = "duplicate", "The row says the same as an earlier one."
    NEAR_DUPLICATE = "near_duplicate", "The row says nearly the same as an earlier one."
    REPEATED_ID = "repeated_id", "An earlier row has the same id and says something else."
    OVER_CAP = "over_cap", "The source of a mixture has more rows than its `cap`."
    NOT_SAMPLED = "not_sampled", "The source of a mixture has more rows than its share."
    # Render, tokenize and fit
    NOT_ENCODABLE = "not_encodable", "The tokenizer cannot encode a character of the text."
    UNKNOWN_TOKEN = (
        "unknown_token",
        "The vocabulary lacks a character; its unknown token stands there.",
    )
    EMPTY_TARGET = "empty_target", "The target has no text to learn."
    TOO_LONG = "too_long", "The example does not fit into `max_length`, however far it is cut."
    MAX_LENGTH = "max_length", "The `shorten` field was cut to fit into `max_length`."
    FEWER_SHOTS = "fewer_shots", "Some shots were removed to fit into `max_length`."
