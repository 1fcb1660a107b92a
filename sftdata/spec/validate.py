"""The base of everything that people write (specs, mixtures, presets), and its check.

A model says in its fields and validators which values it allows. `validate` checks values against
a model and lists the faults in one error, a line for each of the first 100.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from sftdata.errors import SpecError, did_you_mean

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


_SHOWN_FAULTS = 100
_SHOWN_CHARS = 200  # of a value


class SpecModel(BaseModel):
    """A frozen record without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="constants")

    @model_validator(mode="before")
    @classmethod
    def _spell_booleans(cls, values: Any) -> Any:
        # Python counts true as 1; as a text it is refused like any other.
        if not isinstance(values, dict):
            return values
        return {
            key: str(value).lower() if isinstance(value, bool) and _is_number(cls, key) else value
            for key, value in values.items()
        }

    def to_json(self) -> Any:
        """The whole record with its defaults, as the manifest holds it."""
        return self.model_dump(mode="json")


def _is_number(model: type[SpecModel], key: str) -> bool:
    """Whether the key holds a number or a list of numbers."""
    field = model.model_fields.get(key)
    types = {field.annotation, *get_args(field.annotation)} if field is not None else set()
    return not types.isdisjoint((int, float)) and types.isdisjoint((bool, str))


# The line of a file where a key stands, by its path; None if it does not stand there.
Locate = Callable[[Sequence[str | int]], int | None]
_Model = TypeVar("_Model", bound=SpecModel)


def validate(
    model: type[_Model], values: Any, source: str, locate: Locate = lambda keys: None
) -> _Model:
    """The values as a `model`.

    Raises `SpecError` that lists the faults of the values, which came from `source`; `locate`
    gives the line of its file where a key stands.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = _find_faults(error)
        shown = faults[:_SHOWN_FAULTS]
        lines = [f"  {line}" for fault in shown for line in _explain(fault, model, locate)]
        if len(faults) > len(shown):
            lines.append(f"  and {len(faults) - len(shown):,} more faults")
        raise SpecError("\n".join((f"Faults in {source}:", *lines))) from error


def _find_faults(error: ValidationError) -> list[ErrorDetails]:
    # A list whose items have faults also counts as too short; that fault says nothing new.
    return [d for d in error.errors() if d["type"] != "too_short" or not d["input"]]


def name_place(keys: Sequence[str | int], locate: Locate) -> str:
    """A key as messages name it, with its line where that is known."""
    line = locate(keys)
    return ".".join(map(str, keys)) + (f" (line {line})" if line else "")


def _explain(detail: ErrorDetails, model: type[SpecModel], locate: Locate) -> list[str]:
    place = name_place(detail["loc"], locate)
    if detail["type"] == "missing":
        return [f"{place}: is missing"]
    if detail["type"] == "extra_forbidden":
        *table, key = detail["loc"]
        return [f"{place}: unknown key. {_suggest_key(str(key), _keys_at(model, table))}"]
    if detail["type"] == "value_error":  # raised by a validator of ours, with one or more faults
        # A fault of the whole names its keys itself.
        before = f"{place}: " if place else ""
        return [f"{before}{' '.join(str(fault).split())}" for fault in detail["ctx"]["error"].args]
    given = "" if isinstance(detail["input"], dict) else f" (is {_show(detail['input'])})"
    return [f"{place or 'spec'}: {_message(detail)}{given}"]


def _suggest_key(key: str, known: Sequence[str]) -> str:
    """A sentence with the key that may be meant, or with the table where this one belongs."""
    near = did_you_mean(key, known)
    if "fields" in known and key in ("id", "messages"):
        return "It is a field: write it below [fields]."
    if "fields" in known and not near.startswith("Did you mean"):
        return f"A field stands below [fields]. {near}"
    return near


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"


def _keys_at(model: type[SpecModel], table: Sequence[int | str]) -> list[str]:
    """The keys that a table inside the values of `model` may have."""
    type_: Any = model
    for step in table:
        if isinstance(type_, type) and issubclass(type_, SpecModel):
            type_ = type_.model_fields[str(step)].annotation
        else:  # an item of a list or a table of tables
            type_ = next(t for t in reversed(get_args(type_)) if t is not Ellipsis)
    return list(type_.model_fields)


# Messages in the words of TOML, by pydantic's type of the error.
_MESSAGES = {
    "string_type": "must be text in quotes",
    "string_too_short": "must not be empty",
    "date_type": "must be a date such as 2026-01-31",
    "date_parsing": "must be a date such as 2026-01-31",
    "date_from_datetime_parsing": "must be a date such as 2026-01-31",
    "date_from_datetime_inexact": "must be a date such as 2026-01-31",
    "finite_number": "must be a number",
    "int_parsing_size": "must be a smaller whole number",
    "list_type": "must be a list",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "too_short": "must not be empty",
    "too_long": "must have {max_length} items",
    "greater_than": "must be greater than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "must be {expected}",
}


def _message(detail: ErrorDetails) -> str:
    if detail["type"] not in _MESSAGES:
        return "has a value that cannot be used"
    return _MESSAGES[detail["type"]].format(**detail.get("ctx", {}))
