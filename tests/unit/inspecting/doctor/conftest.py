"""Writes a planted dataset to disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support import handmade
from support.planted import Planted

from sftdata.loading.dataset import Dataset, load


@pytest.fixture
def write(tmp_path: Path, byte_tokenizer: Path) -> Callable[..., Dataset]:
    def write_planted(planted: Planted, tokenizer: Path = byte_tokenizer) -> Dataset:
        manifest = dict(planted.manifest)
        more = manifest.pop("splits", {})
        data = handmade.write(tmp_path, tokenizer, planted.rows, **manifest)
        if more:
            content = {**data.manifest.content, "splits": {**data.manifest["splits"], **more}}
            (tmp_path / "manifest.json").write_text(json.dumps(content))
        return load(tmp_path)

    return write_planted
