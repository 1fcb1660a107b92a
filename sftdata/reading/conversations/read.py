"""Read conversations: the values of a source row in, the texts of golden rows out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sftdata.base.conversation import (
    ASSISTANT,
    DEVELOPER,
    SYSTEM,
    USER,
    Conversation,
    Turn,
    dump_json,
    wanted_turns,
)
from sftdata.base.reasons import Reason
from sftdata.reading.conversations.beside import read_documents, read_tools
from sftdata.reading.conversations.faults import ConversationFault
from sftdata.reading.conversations.forms import to_items
from sftdata.reading.conversations.order import check_order
from sftdata.reading.conversations.repairs import Repair, Repairs, join_turns
from sftdata.reading.conversations.turns import is_call, read_turn
from sftdata.reading.kinds import kind_of
from sftdata.spec.fields import MESSAGES
from sftdata.spec.paths import MISSING

_PLAIN_ROLES = {
    "system": SYSTEM,
    "user": USER,
    "human": USER,
    "assistant": ASSISTANT,
    "gpt": ASSISTANT,
}


@dataclass(frozen=True, slots=True)
class ReadConversation:
    """A golden row. With a fault there is no text; without both the row has no conversation."""

    text: str | None = None  # see `Conversation.to_json`
    fault: tuple[str, str] | None = None  # reason, detail
    repairs: tuple[Repair, ...] = ()
    turn: int | None = None  # the taught turn, from 1, of a conversation that was unrolled


@dataclass(frozen=True, slots=True)
class ConversationReader:
    """Reads conversations in any of the field's forms."""

    repairs: Repairs = field(default_factory=Repairs)
    unroll: bool = False  # whether each taught turn becomes a golden row
    all_turns: bool = True  # whether every assistant turn is taught, or the last alone
    ignored: frozenset[str] = frozenset()  # keys of turns
    any_order: bool = False  # whether turns that cannot be learned from are read, too

    def read(
        self, values: Mapping[str, Sequence[Any]], *, null_filled: bool
    ) -> Sequence[ReadConversation]:
        """The golden rows of a source row; several only where conversations are unrolled.

        `values`: for each field the values at its paths; the first that is there counts.
        With `null_filled` a key whose value is null was put there by the table.
        """
        given = {
            name: value
            for name, found in values.items()
            if (value := next((one for one in found if not _is_nothing(one)), None)) is not None
        }
        if not self.unroll and given.keys() - {"prompt"} == {MESSAGES}:
            text = _read_plain(given[MESSAGES])
            if text is not None:
                return (ReadConversation(text),)
        if not given.keys() & {MESSAGES, "completion"}:
            if any(isinstance(one, list) for one in values.get(MESSAGES, ())):
                return (ReadConversation("", (Reason.NO_TURNS, "'messages' has no turns")),)
            return (ReadConversation(),)
        try:
            return tuple(self._read(given, null_filled))
        except ConversationFault as fault:
            return (ReadConversation("", (fault.reason, fault.detail)),)
        except RecursionError:
            detail = "a turn is nested too deeply"
            return (ReadConversation("", (Reason.BAD_MESSAGES, detail)),)

    def read_question(self, given: Mapping[str, Any]) -> Conversation:
        """The turns that the model is to answer, read as a build reads those before an answer.

        `given` are the values by field. Raises `ConversationFault` for turns after which no
        answer stands in a golden row.
        """
        if MESSAGES not in given:
            given = {**given, "completion": []}
        turns = _with_system(self._read_turns(given, null_filled=False), given.get("system"))
        turns, _ = replace(self.repairs, drop_trailing_user=False).apply(turns)
        if turns and turns[-1].role == ASSISTANT:
            detail = "leave the last turn out: it is the assistant's, so there's nothing to answer"
            raise ConversationFault(Reason.SAME_ROLE, detail)
        if turns and all(turn.role in (SYSTEM, DEVELOPER) for turn in turns):
            raise ConversationFault(Reason.ONLY_SYSTEM, "only the system speaks")
        check_order([*turns, Turn(ASSISTANT, "…")] if turns else [])
        return Conversation(
            tuple(turns),
            read_tools(given.get("tools"), null_filled=False),
            read_documents(given.get("documents"), null_filled=False),
        )

    def _read(self, given: Mapping[str, Any], null_filled: bool) -> Iterator[ReadConversation]:
        turns = self._read_turns(given, null_filled)
        turns = _with_system(turns, given.get("system"))
        turns, repairs = self.repairs.apply(turns)
        if not self.any_order:
            check_order(turns)
        conversation = Conversation(
            tuple(turns),
            read_tools(given.get("tools"), null_filled=null_filled),
            read_documents(given.get("documents"), null_filled=null_filled),
        )
        wanted = wanted_turns(turns, self.all_turns)
        if not wanted and not self.any_order:
            raise ConversationFault(Reason.NOTHING_TAUGHT, "no turn of the assistant is to count")
        if not self.unroll:
            yield ReadConversation(_to_text(conversation), repairs=tuple(repairs))
            return
        for number in (at + 1 for at in wanted):
            part = replace(conversation, turns=_up_to(turns, number))
            yield ReadConversation(_to_text(part), repairs=tuple(repairs), turn=number)

    def _read_turns(self, given: Mapping[str, Any], null_filled: bool) -> list[Turn]:
        if MESSAGES in given and "completion" in given:
            detail = "the row has messages and a completion; which one is meant cannot be known"
            raise ConversationFault(Reason.BAD_MESSAGES, detail)
        if MESSAGES in given:
            return self._read_list(given[MESSAGES], MESSAGES, null_filled)
        # TRL's form: what stands in the prompt is never taught.
        prompt = [
            replace(turn, in_loss=False) if turn.role == ASSISTANT else turn
            for turn in self._read_list(given.get("prompt", []), "prompt", null_filled)
        ]
        return prompt + self._read_list(
            given["completion"], "completion", null_filled, after=len(prompt)
        )

    def _read_list(self, value: Any, name: str, null_filled: bool, after: int = 0) -> list[Turn]:
        turns: list[Turn] = []
        for number, item in enumerate(to_items(value, name), 1 + after):
            turn = read_turn(item, number, null_filled=null_filled, ignored=self.ignored)
            # Where a call is a turn of its own, it belongs to the assistant's text before it.
            joined = join_turns(turns[-1], turn, "") if turns and is_call(item) else None
            if joined is None:
                turns.append(turn)
            else:
                turns[-1] = joined
        return turns


def _up_to(turns: Sequence[Turn], number: int) -> tuple[Turn, ...]:
    """The first turns; only the last of them counts in the loss."""
    before = (
        replace(turn, in_loss=False) if turn.role == ASSISTANT else turn
        for turn in turns[: number - 1]
    )
    return (*before, replace(turns[number - 1], in_loss=None))


def _with_system(turns: list[Turn], system: Any) -> list[Turn]:
    """The turns after a system turn of the column `system`, where the row has one."""
    if system is None:
        return turns
    if not isinstance(system, str):
        raise ConversationFault(Reason.WRONG_TYPE, f"'system' is {kind_of(system)}, not text")
    if turns and turns[0].role in (SYSTEM, DEVELOPER):
        if turns[0].text == system:
            return turns
        detail = "the row has a system text beside the turns and another one as its first turn"
        raise ConversationFault(Reason.TWO_SYSTEMS, detail)
    return [Turn(SYSTEM, system), *turns]


def _is_nothing(value: Any) -> bool:
    """Whether a value stands for none: null, no text, an empty list."""
    if isinstance(value, str):
        return not value or value.isspace()
    return value is None or value is MISSING or value == []


def _to_text(conversation: Conversation) -> str:
    try:
        return conversation.to_json()
    except UnicodeEncodeError as error:
        detail = "a turn holds a lone surrogate, which no tokenizer can encode"
        raise ConversationFault(Reason.LONE_SURROGATE, detail) from error


def _read_plain(value: Any) -> str | None:
    """The text of a conversation of plain turns in order; None for any other. This is fast."""
    if type(value) is not list:
        return None
    pairs: list[tuple[str, str]] = []
    expected = USER
    try:
        for item in value:
            if getattr(item, "repeated", None):
                return None
            if len(item) != 2:
                item = {key: one for key, one in item.items() if one is not None}
                if len(item) != 2:
                    return None
            name, content = item.get("role"), item.get("content")
            if name is None:
                name, content = item.get("from"), item.get("value")
            role = _PLAIN_ROLES.get(name)
            if role != expected:
                if pairs or role != SYSTEM:
                    return None
            else:
                expected = ASSISTANT if role is USER else USER
            if type(content) is not str or not content or content.isspace():
                return None
            if role is ASSISTANT and "think>" in content:
                return None
            pairs.append((role, content))
    except (AttributeError, TypeError):
        return None
    if expected is ASSISTANT or not pairs or pairs[-1][0] == SYSTEM:
        return None
    try:
        return dump_json(pairs)
    except UnicodeEncodeError:
        return None
