"""An adapter written by hand: weights that nobody loads, and a passport that fits them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from sftdata.base.files import sha256_of
from sftdata.base.sealed_json import seal, to_json
from sftdata.tokenizing.load import load_tokenizer

SOURCE = (
    "{% block prompt %}\nSay:\n{{ article }}\n{% endblock %}\n"
    "{% block target %}\n{{ summary }}\n{%- endblock %}\n"
)
LABEL = "made/say@1.0.0"
# As `eval --json` prints it, but for the keys that no card shows.
EVALUATION = {
    "split": "test",
    "build": "b1",
    "results": [
        {
            "system": system,
            "shots": 0,
            "task_rows": {"made": 9},
            "task_loss": {"made": loss},
            "scores": {"made": [{"name": "chrF", "value": value, "low": 1.0, "high": 99.0}]},
        }
        for system, loss, value in (("base", 3.5, 20.0), ("tuned", 1.25, 61.5))
    ],
}


def write_adapter(folder: Path, tokenizer: Path, **changes: Any) -> Path:
    """Writes the folder; `changes` replace keys of the passport, None takes one out."""
    folder.mkdir()
    for path in tokenizer.iterdir():
        shutil.copy(path, folder)
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    loaded = load_tokenizer(str(tokenizer))
    digests = {path.name: sha256_of(path) for path in sorted(folder.iterdir())}
    weights = {name: digests.pop(name) for name in ("adapter_model.safetensors",)}
    content = {
        "version": 1,
        "sftdata": "0.1.0",
        "data": {
            "build": "b1", "task": "made", "draft": False, "shots": [0], "split": "train",
            "manifest_sha256": "1" * 64, "rows": 40, "target_tokens": 1234, "shards": [],
        },
        "templates": {LABEL: {"sha256": "2" * 64, "source": SOURCE}},
        "tokenizer": {
            "name": str(tokenizer), "sha256": loaded.sha256, "vocab_size": loaded.vocab_size,
        },
        "chat": None,
        "conversations": {},
        "stop_ids": [loaded.eos_id],
        "base_model": {"name": "someone/base", "files": {}},
        "recipe": {"method": "lora", "rank": 8, "packed": None},
        "libraries": {"torch": "2.9"},
        "outcome": {
            "steps": 3, "loss": 1.5, "held_out_loss_before": 2.0, "held_out_loss": 1.25,
        },
        "weights": weights,
        "files": digests,
    }  # fmt: skip
    content = {key: value for key, value in (content | changes).items() if value is not None}
    (folder / "sftdata.json").write_bytes(to_json(seal(content | {"chat": content.get("chat")})))
    return folder
