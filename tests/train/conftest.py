"""A dataset of short rows, and a model directory that fits its tokenizer."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest
import torch
from support.tiny_models import llama

from sftdata.building.build import build
from sftdata.loading.dataset import Dataset, load

WORDS = ["red", "green", "blue", "one", "two", "three", "cat", "dog", "bird", "sun"]


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory, byte_tokenizer: Path) -> Path:
    """Rows of up to 200 tokens; of the byte tokenizer, whose ids are bytes."""
    folder = tmp_path_factory.mktemp("train-data")
    draw = random.Random(0)
    rows = [
        {
            "id": f"r{i}",
            "article": " ".join(draw.choices(WORDS, k=draw.randint(1, 12))),
            "summary": " ".join(draw.choices(WORDS, k=draw.randint(1, 5))),
        }
        for i in range(60)
    ]
    source = folder / "rows.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    build(
        "summarize",
        template="summarize/article",
        checks={},
        data=source,
        tokenizer=byte_tokenizer,
        out=folder / "out",
    )
    return folder / "out"


@pytest.fixture
def data(dataset: Path) -> Dataset:
    return load(dataset)


@pytest.fixture(scope="session")
def model_directory(tmp_path_factory: pytest.TempPathFactory, byte_tokenizer: Path) -> Path:
    """A model directory as `save_pretrained` leaves it, with the dataset's tokenizer."""
    folder = tmp_path_factory.mktemp("model")
    llama().to(torch.float32).save_pretrained(folder)
    for path in byte_tokenizer.iterdir():
        shutil.copy(path, folder)
    return folder


@pytest.fixture
def copied_model(model_directory: Path, tmp_path: Path) -> Path:
    """A copy of the model directory, to be damaged."""
    return Path(shutil.copytree(model_directory, tmp_path / "model"))
