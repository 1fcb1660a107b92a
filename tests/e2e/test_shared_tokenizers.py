"""The parts of a mixture share their tokenizers' engines, and nothing else of each other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.places import BUNDLED_TOKENIZER

from sftdata import build
from sftdata.tokenizing import exactness
from sftdata.tokenizing.engines import GigatokenEngine
from sftdata.tokenizing.load import load_tokenizer

MIXTURE = """
task = "both"
[[sources]]
name = "one"
spec = "one.toml"
[[sources]]
name = "two"
spec = "two.toml"
"""
SPEC = """
task = "summarize"
data = ["{name}.jsonl"]
template = "summarize/article"
tokenizer = "tokenizers/small"
shots = 2
[fields]
article = "article"
summary = "summary"
"""


@pytest.fixture(autouse=True)
def _specs() -> None:
    """Two sources with one template, whose shots are their own rows."""
    Path("mixture.toml").write_text(MIXTURE)
    for name in ("one", "two"):
        Path(f"{name}.toml").write_text(SPEC.format(name=name))
        rows = [
            {"article": f"Article {name} {i} is about {i * i}.", "summary": f"{name} {i}"}
            for i in range(60)
        ]
        Path(f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_each_part_is_as_if_it_was_built_alone() -> None:
    build(spec="mixture.toml", out="mixture")
    for name in ("one", "two"):
        alone = build(spec=f"{name}.toml", out=name).manifest
        part = json.loads(Path(f"mixture/parts/{name}/manifest.json").read_bytes())
        assert part == alone.content


def test_an_engine_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []

    class Counted(GigatokenEngine):
        def __init__(self, spec: Mapping[str, Any]) -> None:
            super().__init__(spec)
            loaded.append(self)

    monkeypatch.setattr(exactness, "GigatokenEngine", Counted)
    build(spec="mixture.toml", out="mixture")
    assert len(loaded) == 1


def test_a_note_about_the_tokenizer_is_said_once(tmp_path: Path) -> None:
    folder = tmp_path / "t"
    shutil.copytree(BUNDLED_TOKENIZER, folder)
    added = {"<loc>": load_tokenizer(str(folder)).vocab_size}
    (folder / "added_tokens.json").write_text(json.dumps(added))
    lines: list[str] = []
    build(spec="mixture.toml", out="mixture", tokenizer=folder, report=lines.append)
    assert len([line for line in lines if "'<loc>'" in line]) == 1
