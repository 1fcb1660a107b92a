"""Questions: read the turns to answer from a file, or from JSON on the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sftdata.base.conversation import ASSISTANT
from sftdata.base.files import is_of_machine
from sftdata.base.wording import reason_of
from sftdata.errors import GoldenSetError
from sftdata.reading.conversations.faults import ConversationFault
from sftdata.reading.conversations.roles import CALL, read_role
from sftdata.reading.kinds import kind_of
from sftdata.serving.conversation import Question

# The columns of a conversation, by the names that the task `chat` reads.
TURN_COLUMNS = ("messages", "conversations", "conversation", "prompt")
_TOOLS, _SYSTEM = ("tools", "functions"), ("system", "system_prompt")
_READ = {*TURN_COLUMNS, *_TOOLS, *_SYSTEM, "documents", "id"}


@dataclass(frozen=True, slots=True)
class ReadQuestion:
    """A question, and notes about keys of its row that nothing reads."""

    question: Question
    notes: tuple[str, ...] = ()


def read_json(given: str, what: str) -> Any:
    """The value of JSON text or of a JSON file; of JSON Lines, the list of their values.

    Raises `GoldenSetError`; `what` is the name of the option.
    """
    if given.lstrip()[:1] in ("[", "{"):
        return _parse(given, what)
    path = Path(given)
    if not path.is_file():
        raise GoldenSetError(f"{what}: '{given}' is neither a file nor JSON.", code="E303")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        if is_of_machine(error):
            raise
        raise GoldenSetError(f"{given}: cannot be read: {reason_of(error)}", code="E303") from error
    try:
        return json.loads(text)
    except RecursionError:
        return _parse(text, given)  # raises
    except ValueError:
        lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
        if len(lines) < 2:
            return _parse(text, given)
        return [_parse(line, f"{given}:{number}") for number, line in lines]


def read_question(value: Any, where: str) -> ReadQuestion:
    """The question in a JSON value: a list of turns, or a conversation with what stands beside it.

    Raises `GoldenSetError` for anything else, and for several conversations.
    """
    items = value if isinstance(value, list) else [value]
    wrong = [item for item in items if not isinstance(item, dict)]
    if wrong:
        raise GoldenSetError(
            f"{where}: {kind_of(wrong[0])} stands where a turn is expected.", _FORMS, code="E303"
        )
    if not items or all("role" in item or "from" in item for item in items):
        return ReadQuestion(Question(items))
    if len(items) > 1:
        raise GoldenSetError(
            f"{where}: {len(items)} conversations; one is answered at a time.", _FORMS, code="E303"
        )
    return _read_row(items[0], where)


def leave_out_answer(question: Question) -> tuple[Question, int]:
    """The question of a row that has its answer, too, and the number of turns left out."""
    turns = list(question.messages)
    while turns and _is_assistant(turns[-1]):
        turns.pop()
    left = len(question.messages) - len(turns)
    return Question(turns, question.tools, question.documents, question.system), left


_FORMS = 'Give [{"role": "user", "content": "…"}], or {"messages": […], "tools": […]}.'


def _read_row(row: Mapping[str, Any], where: str) -> ReadQuestion:
    values = {name: value for name, value in row.items() if value not in (None, "", [], {})}
    turns = next((values[name] for name in TURN_COLUMNS if name in values), None)
    if isinstance(turns, str):
        turns = _parse(turns, f"{where}: the turns")
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        found = ", ".join(sorted(row)) or "none"
        raise GoldenSetError(
            f"{where}: the row has no list of turns; its keys: {found}.", _FORMS, code="E303"
        )
    is_prompt = not any(name in values for name in TURN_COLUMNS if name != "prompt")
    if is_prompt:  # its answers aren't taught
        turns = [{**turn, "weight": 0} if _is_assistant(turn) else turn for turn in turns]
    unread = sorted(values.keys() - _READ)
    notes = (f"{where}: not read: {', '.join(unread)}.",) if unread else ()
    question = Question(
        turns,
        _read_list(values, _TOOLS, where),
        _read_list(values, ("documents",), where),
        next((values[name] for name in _SYSTEM if name in values), None),
    )
    return ReadQuestion(question, notes)


def _read_list(values: Mapping[str, Any], names: tuple[str, ...], where: str) -> list[Any] | None:
    value = next((values[name] for name in names if name in values), None)
    if isinstance(value, str):
        value = _parse(value, f"{where}: {names[0]}")
    return [value] if isinstance(value, dict) else value


def _is_assistant(turn: Mapping[str, Any]) -> bool:
    try:
        return read_role(turn.get("role") or turn.get("from"), 0) in (ASSISTANT, CALL)
    except ConversationFault:
        return False


def _parse(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise GoldenSetError(f"{where}: not JSON: {error}", code="E303") from error
