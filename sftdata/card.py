"""The data set card: `README.md` in the Hub's format, so that `load_dataset(OUT)` works."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sftdata.spec import Mixture, Spec

FILE = "README.md"


def render_card(spec: Spec | Mixture, manifest: Mapping[str, Any]) -> str:
    """The card of a build: YAML for the Hub, then what it is and how to load it."""
    return f"---\n{_metadata(spec, manifest)}---\n\n{_text(spec, manifest)}"


def _metadata(spec: Spec | Mixture, manifest: Mapping[str, Any]) -> str:
    # JSON strings are YAML strings, so nothing a spec says can break out of its place.
    lines = []
    if spec.license:
        lines.append(f"license: {json.dumps(spec.license.lower())}")
    if spec.language:
        lines.append("language:")
        lines += [f"- {json.dumps(code)}" for code in spec.language]
    lines += ["configs:", "- config_name: default", "  data_files:"]
    for name, split in manifest["splits"].items():
        if split["shards"]:
            lines += [f"  - split: {json.dumps(name)}", "    path:"]
            lines += [f"    - {json.dumps(shard['path'])}" for shard in split["shards"]]
    return "\n".join(lines) + "\n"


def _text(spec: Spec | Mixture, manifest: Mapping[str, Any]) -> str:
    rows = "\n".join(
        f"| {name} | {sum(s['rows'] for s in split['shards']):,} "
        f"| {sum(s['tokens'] for s in split['shards']):,} "
        f"| {sum(s['target_tokens'] for s in split['shards']):,} |"
        for name, split in manifest["splits"].items()
    )
    templates = ", ".join(f"`{name}`" for name in manifest["template"])
    dropped = ", ".join(f"{n:,} {reason}" for reason, n in manifest["dropped"].items()) or "none"
    return f"""# {spec.task}

{spec.description}

Tokenized examples for supervised fine-tuning: `input_ids`, a `label_mask` that is true where a
token counts in the loss (the target and its EOS), and `target_start`, the index of the first such
token.

| split | rows | tokens | target tokens |
|---|---:|---:|---:|
{rows}

* Template: {templates}
* Tokenizer: `{manifest["tokenizer"]["name"]}` ({manifest["tokenizer"]["vocab_size"]:,} entries)
* Source rows: {manifest["rows_in"]:,}; dropped: {dropped}; cut: {manifest["cut"]:,}

```python
import sftdata

train = sftdata.load("DIRECTORY")["train"]
train[0].input_ids, train[0].labels
```

Built by sftdata; `manifest.json` has the digests of everything it was built from.
"""
