"""Validation: values that people write, checked against a dataclass, every fault told in a line.

What a dataclass allows stands in its annotations, and in its `__post_init__` what takes more than
one field to know. pydantic does the checking. It takes as long to import as Arrow does, and is not
needed for what was found right before (see `spec`).
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, cast

from sftdata.errors import SpecError, did_you_mean

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, TypeAdapter
    from pydantic_core import CoreSchema, ErrorDetails

_T = TypeVar("_T", bound="Written")


class Written:
    """The base of dataclasses that hold what people write: there is no key but their fields."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    @staticmethod
    def spelled_out(value: Any) -> Any:
        """What was written in a shorter way in full; anything else as it is."""
        return value

    def to_json(self) -> Any:
        """The value with everything it leaves out, as JSON has it."""
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        return {field.name: _to_json(getattr(self, field.name)) for field in fields}

    @classmethod
    def of(cls, value: Any) -> Self:
        """The value that `to_json` gave this for. Nothing is checked but by `__post_init__`."""
        return cls(**{name: _frozen(item) for name, item in cls.spelled_out(value).items()})

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, of: GetCoreSchemaHandler) -> CoreSchema:
        return Before(cls.spelled_out).__get_pydantic_core_schema__(source, of)


def _to_json(value: Any) -> Any:
    if isinstance(value, Written):
        return value.to_json()
    if isinstance(value, Mapping):
        return {key: _to_json(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_to_json(item) for item in value]
    if isinstance(value, (datetime.date, datetime.time)):  # TOML has them
        return value.isoformat()
    return value


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


# What an annotation can say beside the type. Each tells pydantic how by itself.


class Within:
    """Bounds of a number (`ge`, `gt`, `le`, `lt`), or of how many items there are."""

    def __init__(self, **bounds: float) -> None:
        self._bounds = bounds

    def __get_pydantic_core_schema__(self, source: Any, of: GetCoreSchemaHandler) -> CoreSchema:
        return cast("CoreSchema", {**of(source), **self._bounds})


@dataclass(frozen=True)
class Before:
    """A function from other ways of writing the value to the one that is checked."""

    spell_out: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, source: Any, of: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.no_info_before_validator_function(self.spell_out, of(source))


@dataclass(frozen=True)
class After:
    """A function that raises `ValueError` for a value of the right type that cannot be used."""

    check: Callable[[Any], None]

    def __get_pydantic_core_schema__(self, source: Any, of: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        def checked(value: Any) -> Any:
            self.check(value)
            return value

        return core_schema.no_info_after_validator_function(checked, of(source))


def validate(model: type[_T], values: Any, fault: str) -> _T:
    """The values as a `model`.

    Raises `SpecError`: `fault`, and below it each value that cannot be used and why.
    """
    from pydantic import ValidationError

    try:
        checked: _T = _checker(model).validate_python(values)  # type: ignore[arg-type]
        return checked
    except ValidationError as error:
        lines = [f"  {_told(detail, model)}" for detail in error.errors()]
        raise SpecError("\n".join((f"{fault}:", *lines))) from error


@cache
def _checker(model: type[Written]) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(model)


def _told(detail: ErrorDetails, model: type[Written]) -> str:
    place = ".".join(map(str, detail["loc"])) or "spec"
    if detail["type"] == "missing":
        return f"{place}: is missing"
    if detail["type"] == "unexpected_keyword_argument":
        names = [field.name for field in dataclasses.fields(model)]  # type: ignore[arg-type]
        known = f" {did_you_mean(place, names)}" if len(detail["loc"]) == 1 else ""
        return f"{place}: there is no such key.{known}"
    if detail["type"] == "value_error":  # raised by a check of ours: the message says it all
        return f"{place}: {' '.join(str(detail['ctx']['error']).splitlines())}"
    given = "" if isinstance(detail["input"], dict) else f" (is {detail['input']!r})"
    return f"{place}: {detail['msg']}{given}"
