"""Validation: values checked against a pydantic model, every fault told in a line of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from sftdata.errors import SpecError, did_you_mean

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Model = TypeVar("Model", bound=BaseModel)


def validate(model: type[Model], values: Mapping[str, Any], fault: str) -> Model:
    """The values as a `model`.

    Raises `SpecError`: `fault`, and below it each value that cannot be used and why.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        lines = [f"  {_told(detail, model)}" for detail in error.errors()]
        raise SpecError("\n".join((f"{fault}:", *lines))) from error


def _told(detail: ErrorDetails, model: type[BaseModel]) -> str:
    place = ".".join(map(str, detail["loc"])) or "spec"
    if detail["type"] == "missing":
        return f"{place}: is missing"
    if detail["type"] == "extra_forbidden":
        name = str(detail["loc"][-1])
        known = f" {did_you_mean(name, model.model_fields)}" if len(detail["loc"]) == 1 else ""
        return f"{place}: there is no such key.{known}"
    if detail["type"] == "value_error":  # raised by a validator of ours: the message says it all
        return f"{place}: {' '.join(str(detail['ctx']['error']).splitlines())}"
    given = "" if isinstance(detail["input"], dict) else f" (is {detail['input']!r})"
    return f"{place}: {detail['msg']}{given}"
