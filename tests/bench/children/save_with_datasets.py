"""Save a dataset as `datasets.map` saves it: input_ids and labels, from Python lists.

    python save_with_datasets.py DATASET OUT

Prints the bytes of the Arrow files and their tokens as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import datasets

import sftdata


def _as_map_writes(batch: dict[str, Any]) -> dict[str, Any]:
    # New names make `datasets` choose the types, as it does for the output of a tokenizer.
    return {"input_ids": batch["ids"], "labels": batch["targets"]}


def main(directory: str, out: str) -> None:
    """Save and count."""
    datasets.disable_progress_bars()
    size = tokens = 0
    for name, split in sftdata.load(directory).items():
        rows = split.to_hf().select_columns(["input_ids", "labels"])
        rows = rows.rename_columns({"input_ids": "ids", "labels": "targets"})
        saved = rows.map(_as_map_writes, batched=True, remove_columns=rows.column_names)
        saved.save_to_disk(f"{out}/{name}")
        size += sum(path.stat().st_size for path in Path(out, name).glob("*.arrow"))
        tokens += int(split.lengths.sum())
    print(json.dumps({"bytes": size, "tokens": tokens}))


if __name__ == "__main__":
    main(*sys.argv[1:])
