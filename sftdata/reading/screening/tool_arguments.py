"""Compare the arguments of a tool call with the tool's JSON schema.

Of JSON Schema it knows what tools use: types, required and unknown properties, enum, const, items,
anyOf, oneOf, allOf and references inside the schema. Other keywords are not checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sftdata.reading.kinds import kind_of

_DEEPEST = 32  # levels of a schema; a reference may lead back to itself

_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "integer": lambda value: (
        (isinstance(value, int) and not isinstance(value, bool))
        or (isinstance(value, float) and value.is_integer())
    ),
}  # fmt: skip


def find_argument_fault(arguments: Any, parameters: Any) -> str | None:
    """How `arguments` do not fit the `parameters` of a tool; None if they fit.

    Some datasets list the parameters alone, without the schema around them: `{"city": {"type":
    "string"}}`. An argument that a tool does not list is a fault unless the schema allows it.
    """
    if not isinstance(arguments, dict):
        return f"are {kind_of(arguments)}, not an object: {arguments!r}"
    if not isinstance(parameters, dict) or not parameters:
        return None
    if all(isinstance(item, dict) for item in parameters.values()) and not _is_schema(parameters):
        parameters = {"properties": parameters}
    return next(_Checker(parameters).find_faults(arguments, parameters, "", _DEEPEST), None)


def _is_schema(parameters: dict[str, Any]) -> bool:
    return bool(parameters.keys() & {"type", "properties", "$ref", "anyOf", "oneOf", "allOf"})


@dataclass(frozen=True, slots=True)
class _Checker:
    root: dict[str, Any]  # where references start

    def find_faults(self, value: Any, schema: Any, place: str, levels: int) -> Iterator[str]:
        """The faults of a value; `place` is its path, "" for all arguments."""
        if not isinstance(schema, dict) or not levels:
            return
        if isinstance(schema.get("$ref"), str):
            yield from self.find_faults(value, self._resolve(schema["$ref"]), place, levels - 1)
        yield from _find_own_faults(value, schema, place)
        for other in _list_of(schema, "allOf"):
            yield from self.find_faults(value, other, place, levels - 1)
        for name in ("anyOf", "oneOf"):
            others = _list_of(schema, name)
            if others and all(
                any(True for _ in self.find_faults(value, other, place, levels - 1))
                for other in others
            ):
                yield f"'{place}' fits none of {name}" if place else f"fit none of {name}"
        if isinstance(value, dict):
            yield from self._find_in_object(value, schema, place, levels)
        if isinstance(value, list):
            for number, item in enumerate(value):
                own = f"{place}[{number}]"
                yield from self.find_faults(item, schema.get("items"), own, levels - 1)

    def _find_in_object(
        self, value: dict[str, Any], schema: dict[str, Any], place: str, levels: int
    ) -> Iterator[str]:
        listed = schema.get("properties")
        properties = listed if isinstance(listed, dict) else {}
        others = schema.get("additionalProperties", None if place else False)
        is_open = "patternProperties" in schema or (not place and not self._lists_all(schema))
        for name in _list_of(schema, "required"):
            if name not in value:
                yield f"lack '{_join(place, name)}'"
        for name, item in value.items():
            if name in properties:
                own = _join(place, name)
                yield from self.find_faults(item, properties[name], own, levels - 1)
            elif others is False and not is_open:
                yield f"have '{_join(place, name)}', which the tool does not"
            elif isinstance(others, dict):
                yield from self.find_faults(item, others, _join(place, name), levels - 1)

    def _lists_all(self, schema: dict[str, Any]) -> bool:
        """Whether the schema itself lists its properties, and not one that it refers to."""
        elsewhere = schema.keys() & {"$ref", "anyOf", "oneOf", "allOf"}
        return isinstance(schema.get("properties"), dict) and not elsewhere

    def _resolve(self, reference: str) -> Any:
        found: Any = self.root
        if not reference.startswith("#"):
            return None
        for step in filter(None, reference[1:].split("/")):
            step = step.replace("~1", "/").replace("~0", "~")
            found = found.get(step) if isinstance(found, dict) else None
        return found


def _find_own_faults(value: Any, schema: dict[str, Any], place: str) -> Iterator[str]:
    """The faults of a value itself, not of the values inside it."""
    types = schema.get("type")
    names = types if isinstance(types, list) else [types]
    known = [name for name in names if isinstance(name, str) and name in _TYPES]
    is_null = value is None and schema.get("nullable") is True
    is_known = bool(known) and len(known) == len(names)
    if is_known and not is_null and not any(_TYPES[name](value) for name in known):
        yield f"have {kind_of(value)} for '{place}', not {' or '.join(known)}"
        return
    allowed = schema.get("enum")
    if isinstance(allowed, list) and not any(_is_same(value, one) for one in allowed):
        yield f"have {value!r} for '{place}', which is not one of {allowed!r}"
    if "const" in schema and not _is_same(value, schema["const"]):
        yield f"have {value!r} for '{place}', not {schema['const']!r}"


def _is_same(value: Any, other: Any) -> bool:
    """Equality as JSON has it: true is not 1."""
    return bool(value == other) and isinstance(value, bool) == isinstance(other, bool)


def _list_of(schema: dict[str, Any], name: str) -> list[Any]:
    found = schema.get(name)
    return found if isinstance(found, list) else []


def _join(place: str, name: str) -> str:
    return f"{place}.{name}" if place else str(name)
