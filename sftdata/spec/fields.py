"""Field rules: how a golden field is read from a source row."""

from __future__ import annotations

from typing import Any, Self

from pydantic import SerializerFunctionWrapHandler, model_serializer, model_validator

from sftdata.base.typed_text import TYPE_NAMES, FieldType, to_value
from sftdata.spec.paths import check_paths
from sftdata.spec.validate import SpecModel

# The golden field of a conversation: a list of turns, which is read as canonical JSON.
MESSAGES = "messages"
ID = "id"  # names the row; no template reads it
# What may stand beside it in a source row, and becomes a part of it. A row has either messages
# or, as lists of turns, a prompt and a completion.
BESIDE_MESSAGES = ("prompt", "completion", "system", "tools", "documents")


class FieldRule(SpecModel):
    """How one golden field is read. A spec may write the path alone instead of a table."""

    path: str | None = None
    first: tuple[str, ...] = ()  # paths; the first with visible text counts
    value: str | None = None  # a constant
    optional: bool = False  # a row without the value has "" here
    strip_prefix: tuple[str, ...] = ()  # one of them is removed from the front, once
    type: FieldType | None = None  # of the value that a template sees; None: text

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"path": value}
        if isinstance(value, dict) and isinstance(value.get("strip_prefix"), str):
            return value | {"strip_prefix": (value["strip_prefix"],)}
        return value

    @model_validator(mode="after")
    def _check(self) -> Self:
        if sum((self.path is not None, bool(self.first), self.value is not None)) != 1:
            raise ValueError("give one of: path, first, value")
        if self.value is not None and (self.optional or self.strip_prefix):
            raise ValueError("a constant value takes neither optional nor strip_prefix")
        if self.type and self.value is not None and to_value(self.value, self.type) is None:
            raise ValueError(f"the value '{self.value}' is not {TYPE_NAMES[self.type]}")
        check_paths(self.paths)
        return self

    @model_serializer(mode="wrap")
    def _shorten(self, dump: SerializerFunctionWrapHandler) -> Any:
        used = {n: v for n, v in dump(self).items() if v not in (None, [], False)}
        return used["path"] if used.keys() == {"path"} else used

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path the rule reads, in order of preference."""
        return (self.path,) if self.path is not None else self.first
