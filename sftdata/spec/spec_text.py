"""The text of a new spec file: each key with a comment that says what it is for."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from sftdata.spec.descriptions import SPEC_KEYS
from sftdata.spec.model import Spec

SCHEMA_FILE = "spec.schema.json"  # beside the spec

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ALWAYS = ("max_dropped", "seed", "split")  # written also where they have their defaults
# Written as comments where they have their defaults.
_OFFERED = {"max_length": "2048", "description": '"…"', "license": '"…"', "language": '["en"]'}
_OFFERED_FOR_ROWS = {"chat": "true"}
_OFFERED_FOR_CONVERSATIONS = {"loss": '"last"', "unroll": "true"}
_WIDTH = 98


def spec_text(spec: Spec, notes: Mapping[str, str] | None = None) -> str:
    """The TOML of a spec, without keys that have their defaults. `notes`: more to say of a key."""
    values = _differing(spec)
    tables = {key: values.pop(key) for key in [*values] if isinstance(values[key], dict)}
    is_messages = "messages" in spec.fields
    offered = _OFFERED | (_OFFERED_FOR_CONVERSATIONS if is_messages else _OFFERED_FOR_ROWS)
    parts = [
        f"#:schema {SCHEMA_FILE}\n# What `sftdata build --task {spec.task}` builds.",
        *(_entry(key, values[key], notes) for key in values),
        *(
            f"{_comment(key, notes)}\n# {key} = {example}"
            for key, example in offered.items()
            if key not in values
        ),
        *(_table(key, tables[key], notes) for key in tables),
    ]
    return "\n\n".join(parts) + "\n"


def _differing(spec: Spec) -> dict[str, Any]:
    """The keys to write: alone first, tables last."""
    found = {}
    for key, field in Spec.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if field.is_required() or key in _ALWAYS or getattr(spec, key) != default:
            found[key] = spec.to_json()[key]
    return found


def _entry(key: str, value: Any, notes: Mapping[str, str] | None) -> str:
    return f"{_comment(key, notes)}\n{_key(key)} = {_value(value)}"


def _table(key: str, table: Mapping[str, Any], notes: Mapping[str, str] | None) -> str:
    lines = [f"{_key(name)} = {_value(value)}" for name, value in table.items()]
    return "\n".join([_comment(key, notes), f"[{_key(key)}]", *lines])


def _comment(key: str, notes: Mapping[str, str] | None) -> str:
    return "\n".join(_wrap(f"{SPEC_KEYS[key]} {(notes or {}).get(key, '')}".strip()))


def _wrap(text: str) -> Iterator[str]:
    for line in textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False):
        yield f"# {line}"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _value(value: Any) -> str:
    """A value of JSON, but null, as TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
