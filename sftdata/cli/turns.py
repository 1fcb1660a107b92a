"""Read `--messages`, `--tools` and `--row`: the turns that a model is to answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from sftdata.cli.output import print_note

if TYPE_CHECKING:
    from sftdata.serving.conversation import Question


def check_turns_options(row: object | None, messages: str | None, tools: str | None) -> None:
    """Raises `UsageError` for options that contradict each other."""
    if row is not None and messages is not None:
        raise click.UsageError("Give either --row or --messages.")
    if tools is not None and messages is None:
        raise click.UsageError("--tools go with --messages.")


def require_row_or_turns(row: object | None, messages: str | None, tools: str | None) -> None:
    """`check_turns_options`, where one of --row and --messages must be given."""
    if row is None and messages is None:
        raise click.UsageError("Give either --row or --messages.")
    check_turns_options(row, messages, tools)


def read_turns(messages: str, tools: str | None) -> Question:
    """The question that the two options give. Prints a note about keys that nothing reads."""
    from sftdata.serving.questions import read_json, read_question

    where = "--messages" if messages.lstrip()[:1] in ("[", "{") else messages
    found = read_question(read_json(messages, "--messages"), where)
    for note in found.notes:
        print_note(note)
    if tools is None:
        return found.question
    if found.question.tools is not None:
        raise click.UsageError("--messages has tools beside its turns; leave --tools out.")
    given = read_json(tools, "--tools")
    return replace(found.question, tools=given if isinstance(given, list) else [given])


def has_turns(row: dict[str, Any]) -> bool:
    """Whether a row is a conversation. A row of fields has no list of turns."""
    from sftdata.serving.questions import TURN_COLUMNS

    return any(isinstance(row.get(name), list) for name in TURN_COLUMNS)


def read_row_of_turns(row: dict[str, Any]) -> Question:
    """The question of a golden row of turns, without its last answer, which a note names."""
    from sftdata.serving.questions import leave_out_answer, read_question

    found = read_question(row, "--row")
    question, left = leave_out_answer(found.question)
    for note in found.notes:
        print_note(note)
    if left:
        print_note("--row: its last answer is left out; the model writes it.")
    return question
