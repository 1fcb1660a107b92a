"""Parsers of specs, mixtures, presets and recipes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sftdata.spec.load import load_spec, spec_from_json
from sftdata.spec.presets import load_presets
from sftdata.tokenizing.files import (
    parse_json,
)
from sftdata_train.training.recipe import load_recipe
from support.parsers.parser import Parser, encode_toml

SPEC: dict[str, Any] = {
    "task": "made", "data": ["rows.jsonl"], "template": "summarize/article", "tokenizer": "small",
    "max_length": 900, "max_dropped": 5, "seed": 3, "shots": [0, 2], "keep": "start",
    "description": "Made.", "license": "MIT", "language": ["en"], "where": {"lang": ["en", "de"]},
    "split": {"train": 0.9, "test": 0.1},
    "fields": {"id": "id", "article": "b.c[0]", "summary": {"path": "s", "optional": True}},
    "source_field": "article", "target_field": "summary", "duplicates": "drop",
    "checks": {"length_ratio": {"action": "drop", "high": 2.5}}, "against": ["other.jsonl"],
}  # fmt: skip
MIXTURE: dict[str, Any] = {
    "seed": 1,
    "mixture": {"task": "mixed", "by": "tokens", "temperature": 2},
    "sources": [
        {"name": "one", "spec": "summarize", "weight": 2, "data": ["a.jsonl"]},
        {"name": "two", "spec": "qa", "weight": 1, "cap": 9},
    ],
}
PRESET = {
    "made": {
        "hub": "a/b", "task": "summarize", "license": "MIT", "columns": ["x"], "rows": {"train": 3},
        "fields": {"article": "x", "summary": {"value": "y"}}, "where": {"lang": "en"},
    }
}  # fmt: skip
RECIPE = {
    "method": "lora", "rank": 4, "alpha": 8, "dropout": 0.1, "targets": "q_proj,v_proj",
    "max_steps": 3, "packed": 900, "schedule": "linear", "report_to": ["wandb"],
}  # fmt: skip


def _spec() -> Parser:
    def read(data: bytes) -> None:
        Path("spec.toml").write_bytes(data)
        spec = load_spec(file=Path("spec.toml"))
        assert spec_from_json(spec.to_json()) == spec

    return Parser(read, [SPEC, MIXTURE], encode_toml)


def _recorded_spec() -> Parser:
    def read(data: bytes) -> None:
        value = parse_json(Path("recorded"), data)
        spec = spec_from_json(value)
        assert spec_from_json(spec.to_json()) == spec

    Path("made.toml").write_bytes(encode_toml(SPEC))
    Path("mixed.toml").write_bytes(encode_toml(MIXTURE))
    loaded = [load_spec(file=Path(name)) for name in ("made.toml", "mixed.toml")]
    return Parser(read, [spec.to_json() for spec in loaded])


def _presets() -> Parser:
    def read(data: bytes) -> None:
        Path("pipelines/presets.toml").write_bytes(data)
        load_presets()

    Path("pipelines").mkdir(exist_ok=True)
    return Parser(read, [PRESET], encode_toml)


def _recipe() -> Parser:
    def read(data: bytes) -> None:
        Path("recipe.toml").write_bytes(data)
        load_recipe(Path("recipe.toml"))

    return Parser(read, [RECIPE], encode_toml)


PARSERS: dict[str, Callable[[], Parser]] = {
    "spec": _spec,
    "recorded-spec": _recorded_spec,
    "presets": _presets,
    "recipe": _recipe,
}
