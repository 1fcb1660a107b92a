"""The YAML at the head of a dataset card, which the Hub and `load_dataset` read.

`DatasetCardData` knows its keys. The class of the whole card, `DatasetCard`, takes 0.2 s to import,
a third of a small build, and would only put the head before the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

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
    from huggingface_hub.repocard_data import DatasetCardData  # only builds need it

    rows = sum(split["rows"] for split in manifest["stats"]["splits"].values())
    files = [
        {"split": name, "path": [shard["path"] for shard in split["shards"]]}
        for name, split in manifest["splits"].items()
        if split["shards"]
    ]
    head = DatasetCardData(
        license=spec.license.lower() if spec.license else None,
        language=list(spec.language) or None,
        task_categories=[_CATEGORIES.get(spec.task, "text-generation")],
        size_categories=[size_category(rows)],
        tags=list(_tags(spec, manifest)),
        configs=[{"config_name": "default", "data_files": files}],
    )
    # Not by its `to_yaml`, which writes control and bidi characters as they are.
    values = head.to_dict()  # type: ignore[no-untyped-call]
    return str(yaml.safe_dump(values, sort_keys=False, allow_unicode=False))


def size_category(rows: int) -> str:
    """The Hub's name for a number of rows."""
    return next((name for most, name in _SIZES.items() if rows < most), "n>1B")


def _tags(spec: Spec | Mixture, manifest: Mapping[str, Any]) -> tuple[str, ...]:
    chat = ("chat",) if manifest.get("chat") else ()
    return (*_TAGS, *chat, *(("mixture",) if isinstance(spec, Mixture) else ()))
