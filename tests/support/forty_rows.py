"""Forty rows for the byte tokenizer, built with small chunks: the usual dataset of unit tests."""

from __future__ import annotations

import json
from pathlib import Path

from sftdata.building.build import Outcome
from sftdata.spec.load import load_spec
from sftdata.spec.model import Spec
from support.sized import build_with

SPEC = """
task = "made"
data = ["rows.jsonl"]
template = "summarize/article"
tokenizer = "{tokenizer}"
max_dropped = 100
[fields]
id = "id"
article = "article"
summary = "summary"
"""
build = build_with(read_bytes=2_000, chunk_bytes=300, batch_rows=8)


def rows(count: int = 40) -> list[dict[str, str]]:
    """r0, r1, …: an article and a summary, each unlike the others."""
    return [
        {"id": f"r{i}", "article": f"Article {i} says {i * i}.", "summary": f"It says {i * i}."}
        for i in range(count)
    ]


def write_rows(golden: list[dict[str, str]]) -> None:
    """Writes `rows.jsonl` into the working directory."""
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in golden))


def write_spec(tokenizer: Path, more: str = "") -> Spec:
    """Writes `spec.toml` into the working directory; the spec in it. `more`: other keys."""
    Path("spec.toml").write_text(more + SPEC.format(tokenizer=tokenizer))
    spec = load_spec(file=Path("spec.toml"))
    assert isinstance(spec, Spec)
    return spec


def build_rows(golden: list[dict[str, str]], out: str = "out") -> Outcome:
    """Builds the rows by the `spec.toml` in the working directory."""
    write_rows(golden)
    return build(spec="spec.toml", out=out)
