"""The head of a card, read by the classes of the Hub."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import DatasetCard

from sftdata.building.build import build
from sftdata.spec.load import load_spec
from sftdata.writing.card import render_card
from sftdata.writing.card_metadata import size_category


@pytest.mark.parametrize(
    ("rows", "name"),
    [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (10**6, "1M<n<10M"), (10**10, "n>1B")],
)
def test_sizes_have_the_names_of_the_hub(rows: int, name: str) -> None:
    assert size_category(rows) == name


def test_the_card_class_of_the_hub_reads_every_key(tmp_path: Path) -> None:
    manifest = build("summarize", template="summarize/article", out=tmp_path / "out").manifest
    hostile = {"license": 'mit"\nx: y', "language": ("en", "no"), "description": "---\n# x"}
    spec = load_spec(task="summarize").model_copy(update=hostile)
    text = render_card(spec, manifest.content)
    card = DatasetCard(text)
    assert card.data.to_dict() == {
        "license": 'mit"\nx: y',
        "language": ["en", "no"],
        "task_categories": ["summarization"],
        "size_categories": ["n<1K"],
        "tags": ["sftdata", "sft", "tokenized"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": name, "path": [shard["path"] for shard in split["shards"]]}
                    for name, split in manifest["splits"].items()
                ],
            }
        ],
    }
    assert card.text.strip().startswith("# summarize")
    assert card.text.strip() == text.partition("\n---\n")[2].strip()
