"""Inputs of a build that differ between two datasets, read from their manifests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class InputChange:
    """An input that differs; None on the side that does not have it."""

    kind: str  # "rows", "template", "tokenizer" or "options"
    name: str
    a: Any
    b: Any


def compare_inputs(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[InputChange]:
    """Sources, templates, tokenizer and options that differ between two manifests."""
    sources = [
        {s["path"]: {"rows": s["rows"], "sha256": s["sha256"]} for s in m["sources"]}
        for m in (a, b)
    ]
    contents = [Counter(source["sha256"] for source in s.values()) for s in sources]
    if contents[0] != contents[1]:  # the same bytes under another path are no difference
        yield from _differences("rows", *sources)
    yield from _differences("template", a["template"], b["template"])
    tokenizers = [{k: v for k, v in m["tokenizer"].items() if k != "name"} for m in (a, b)]
    if tokenizers[0] != tokenizers[1]:
        yield from _differences("tokenizer", a["tokenizer"], b["tokenizer"])
    yield from _differences("options", _flatten(a["options"]), _flatten(b["options"]))
    yield from _differences("options", *(_flatten({"chat": m.get("chat")}) for m in (a, b)))


def _differences(kind: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[InputChange]:
    for name in dict.fromkeys((*a, *b)):
        if a.get(name) != b.get(name):
            yield InputChange(kind, name, a.get(name), b.get(name))


def _flatten(options: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested options under dotted names."""
    flat: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
