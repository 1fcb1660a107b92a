"""A build with `datasets.map(batched=True, num_proc=2)` and `tokenizers`.

    python datasets_build.py DATA.jsonl TOKENIZER_DIR OUT [TEMPLATE.jinja]

Written as an experienced user would: two processes with one tokenizer thread each, prompts and
targets encoded apart in batches, with mask and target start, saved to disk. A template's blocks are
rendered by jinja2, compiled once per process.
"""

from __future__ import annotations

import os

os.environ["TOKENIZERS_PARALLELISM"] = "false"  # two processes already use both cores

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import datasets
import tokenizers

SYSTEM = "You are a helpful assistant that summarizes articles.\n\n"

Texts = tuple[list[str], list[str]]


def _plain(batch: dict[str, list[str]]) -> Texts:
    prompts = [f"{SYSTEM}Article:\n{text}\n\nSummary:\n" for text in batch["article"]]
    return prompts, batch["summary"]


@cache
def _blocks(path: str) -> Any:
    import jinja2

    environment = jinja2.Environment(
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    return environment.from_string(Path(path).read_text(encoding="utf-8"))


def _rendered(batch: dict[str, list[str]], path: str) -> Texts:
    template = _blocks(path)
    columns: dict[str, list[str]] = {"system": [], "prompt": [], "target": []}
    for article, summary in zip(batch["article"], batch["summary"], strict=True):
        context = template.new_context({"article": article, "summary": summary})
        for name, texts in columns.items():
            block = template.blocks.get(name)
            texts.append("".join(block(context)) if block else "")
    prompts = [a + b for a, b in zip(columns["system"], columns["prompt"], strict=True)]
    return prompts, columns["target"]


def main(data: str, tokenizer_dir: str, out: str, template: str = "") -> None:
    """Build, save, and print rows and tokens as JSON."""
    datasets.disable_progress_bars()
    tokenizer = tokenizers.Tokenizer.from_file(str(Path(tokenizer_dir) / "tokenizer.json"))
    tokenizer.encode_special_tokens = True  # text that looks like a control token is text
    eos = tokenizer.get_vocab_size() - 1

    def encode(batch: dict[str, list[str]]) -> dict[str, list[Any]]:
        prompts, targets = _rendered(batch, template) if template else _plain(batch)
        ids, masks, starts = [], [], []
        for prompt, target in zip(
            tokenizer.encode_batch(prompts, add_special_tokens=False),
            tokenizer.encode_batch(targets, add_special_tokens=False),
            strict=True,
        ):
            start, length = len(prompt.ids), len(target.ids) + 1
            ids.append(prompt.ids + target.ids + [eos])
            masks.append([False] * start + [True] * length)
            starts.append(start)
        return {"input_ids": ids, "label_mask": masks, "target_start": starts}

    rows = datasets.load_dataset("json", data_files=data, split="train", cache_dir=f"{out}/cache")
    mapped = rows.map(encode, batched=True, num_proc=2, remove_columns=rows.column_names)
    mapped.save_to_disk(f"{out}/saved")
    tokens = sum(len(chunk.values) for chunk in mapped.data.column("input_ids").chunks)
    print(json.dumps({"rows": len(mapped), "tokens": tokens}))


if __name__ == "__main__":
    main(*sys.argv[1:])
