"""The YAML at the head of a dataset card, which the Hub and `load_dataset` read.

It is written by hand: importing the card classes of huggingface_hub takes longer than a small build
(0.25 s). A test checks that those classes read it unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sftdata.spec.model import Mixture, Spec

_TAGS = ("sftdata", "sft", "tokenized")
_CATEGORIES = {
    "summarize": "summarization",
    "translate": "translation",
    "qa": "question-answering",
}
_SIZES = {
    10**3: "n<1K",
    10**4: "1K<n<10K",
    10**5: "10K<n<100K",
    10**6: "100K<n<1M",
    10**7: "1M<n<10M",
    10**8: "10M<n<100M",
    10**9: "100M<n<1B",
}


def render_metadata(spec: Spec | Mixture, manifest: Mapping[str, Any]) -> str:
    """License and language as the spec has them, the kind of task, tags, and the shards."""
    rows = sum(split["rows"] for split in manifest["stats"]["splits"].values())
    # JSON strings are YAML strings, so nothing a spec says can break out of its place.
    lines = []
    if spec.license:
        lines.append(f"license: {json.dumps(spec.license.lower())}")
    if spec.language:
        lines.append("language:")
        lines += [f"- {json.dumps(code)}" for code in spec.language]
    lines += ["task_categories:", f"- {_CATEGORIES.get(spec.task, 'text-generation')}"]
    lines += ["size_categories:", f"- {size_category(rows)}"]
    lines += ["tags:", *(f"- {tag}" for tag in _tags(spec, manifest))]
    lines += ["configs:", "- config_name: default", "  data_files:"]
    for name, split in manifest["splits"].items():
        if split["shards"]:
            lines += [f"  - split: {json.dumps(name)}", "    path:"]
            lines += [f"    - {json.dumps(shard['path'])}" for shard in split["shards"]]
    return "\n".join(lines) + "\n"


def size_category(rows: int) -> str:
    """The Hub's name for a number of rows."""
    return next((name for most, name in _SIZES.items() if rows < most), "n>1B")


def _tags(spec: Spec | Mixture, manifest: Mapping[str, Any]) -> tuple[str, ...]:
    chat = ("chat",) if manifest.get("chat") else ()
    return (*_TAGS, *chat, *(("mixture",) if isinstance(spec, Mixture) else ()))
