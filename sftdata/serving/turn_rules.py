"""Turn rules: the keys of a spec that decide how the turns before an answer are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from sftdata.reading.conversations.read import ConversationReader
from sftdata.reading.conversations.repairs import Repairs
from sftdata.spec.model import Spec


@dataclass(frozen=True, slots=True)
class TurnRules:
    """The keys of a spec, by their names, that the prompt of a conversation depends on."""

    loss: str = "all"
    unroll: bool = False
    teach_reasoning: bool = True
    ignore_turn_keys: tuple[str, ...] = ()
    drop_leading_assistant: bool = False
    merge_same_role: bool = False

    @classmethod
    def of(cls, spec: Spec) -> Self:
        """The rules of a spec."""
        return cls.from_json({key.name: getattr(spec, key.name) for key in fields(cls)})

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The rules in the object that `to_json` made."""
        return cls(**{**value, "ignore_turn_keys": tuple(value["ignore_turn_keys"])})

    def to_json(self) -> dict[str, Any]:
        """An object for a passport."""
        return {**asdict(self), "ignore_turn_keys": list(self.ignore_turn_keys)}

    @property
    def teaches_earlier_turns(self) -> bool:
        """Whether the answers before the last one are in the loss, too."""
        return self.loss == "all" and not self.unroll

    @property
    def reader(self) -> ConversationReader:
        """Reads the turns as the build does."""
        return ConversationReader(
            Repairs(False, self.drop_leading_assistant, self.merge_same_role),
            ignored=frozenset(self.ignore_turn_keys),
        )
