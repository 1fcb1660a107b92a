"""Datasets of one template and no checks, so that a test's rows come through as they are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sftdata.building.build import build
from sftdata.loading.dataset import Dataset, load

SPEC = """
task = "summarize"
license = "Apache-2.0"
language = ["en"]
data = ["unset"]
template = "summarize/article"
tokenizer = "tokenizers/small"
duplicates = "keep"
[fields]
id = { path = "id", optional = true }
article = "article"
summary = "summary"
"""


def build_plain(
    folder: Path, rows: Sequence[Mapping[str, str]], name: str = "out", **options: Any
) -> Dataset:
    """The dataset `folder / name` of these rows, whose file and spec lie beside it."""
    spec, data = folder / f"{name}.toml", folder / f"{name}.jsonl"
    spec.write_text(SPEC)
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    build(spec=spec, data=data, out=folder / name, **options)
    return load(folder / name)
