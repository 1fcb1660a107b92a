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
    WRONG_TYPE = "wrong_type", "A field holds a value that is not text, or not of its type."
    LONE_SURROGATE = "lone_surrogate", "A field holds half a character, which no tokenizer encodes."
    BAD_MESSAGES = "bad_messages", "The turns of the conversation have no order or shape we know."
    UNKNOWN_TURN_KEY = "unknown_turn_key", "A turn has a key that nothing reads."
    UNKNOWN_ROLE = "unknown_role", "A turn has a role that we do not know."
    UNKNOWN_PART = "unknown_part", "A content has a part that is not text, such as an image."
    BAD_TOOL_CALL = "bad_tool_call", "A call of a tool has no name, or is not an object."
    BAD_TOOLS = "bad_tools", "The tools or documents beside the turns are not objects we know."
    BAD_REASONING = "bad_reasoning", "The reasoning of a turn does not end, or is there twice."
    BAD_WEIGHT = "bad_weight", "A turn has a weight other than 0 and 1, or is not the assistant's."
    TWO_SYSTEMS = "two_systems", "The row has a system text and a system turn that says another."
    NO_TURNS = "no_turns", "The conversation has no turns."
    ONLY_SYSTEM = "only_system", "The conversation has only system turns."
    EMPTY_TURN = "empty_turn", "A turn has no visible text and calls no tool."
    ASSISTANT_FIRST = "assistant_first", "The assistant speaks before any user."
    SAME_ROLE = "same_role", "The user or the assistant speaks twice in a row."
    NO_LAST_ANSWER = "no_last_answer", "The last turn is not the assistant's."
    TOOL_WITHOUT_CALL = "tool_without_call", "A tool's result answers no call."
    NOTHING_TAUGHT = "nothing_taught", "No turn of the conversation is to count in the loss."
    MISSING_FIELD = "missing_field", "A field that the template needs is missing or null."
    EMPTY_FIELD = "empty_field", "A field that the template needs has no visible text."
    NUL_CHARACTER = "nul_character", 'A field holds a NUL character; `nul = "keep"` keeps the row.'
    EMPTY_ID = "empty_id", "The id is empty or missing, so the row is named by its content."
    BLANK_ROW = "blank_row", "All cells of the row are empty, as at the end of many spreadsheets."
    UNKNOWN_SPLIT = "unknown_split", "The row's `split_column` names no split of the spec."
    # Repaired on request
    TRAILING_USER = "trailing_user", "Turns after the last answer were left out."
    LEADING_ASSISTANT = "leading_assistant", "Answers before the first user were left out."
    MERGED_TURNS = "merged_turns", "Turns of the same speaker were joined."
    READ_AS_TEXT = "read_as_text", "A field holds a number or another value, read as its text."
    # Left out on request
    FILTERED = "filtered", "The row has none of the values that `where` asks for."
    CONTAMINATED = "contaminated", "Too much of the text is in an evaluation file (`against`)."
    DUPLICATE = "duplicate", "The row says the same as another one, which is kept."
    NEAR_DUPLICATE = "near_duplicate", "The row says nearly the same as another one, which is kept."
    REPEATED_ID = "repeated_id", "An earlier row has the same id and says something else."
    OVER_CAP = "over_cap", "The source of a mixture has more rows than its `cap`."
    NOT_SAMPLED = "not_sampled", "The source of a mixture has more rows than its share."
    # Render, tokenize and fit
    NOT_ENCODABLE = "not_encodable", "The tokenizer cannot encode a character of the text."
    UNKNOWN_TOKEN = (
        "unknown_token",
        "The vocabulary lacks a character; its unknown token stands there.",
    )
    REFUSED = "refused", "The chat template refuses the conversation, for the reason it gives."
    NOT_SHOWN = "not_shown", "The chat template leaves out something that the conversation holds."
    NOT_TAUGHT = (
        "not_taught",
        "The template shows an answer differently from how the model writes it; "
        "`unroll` in the spec may teach it.",
    )
    THINKING = "thinking", "The prompt before an answer takes another `enable_thinking` than usual."
    EMPTY_TARGET = "empty_target", "The target has no text to learn."
    TOO_LONG = "too_long", "The example does not fit into `max_length`, however far it is cut."
    MAX_LENGTH = "max_length", "The `shorten` field was cut to fit into `max_length`."
    FEWER_TURNS = "fewer_turns", "Turns at the start were left out to fit into `max_length`."
    FEWER_SHOTS = "fewer_shots", "Some shots were removed to fit into `max_length`."
