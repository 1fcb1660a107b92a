"""TRL's preparation of the same prompts and completions, before the first step of `SFTTrainer`.

    python trl_prepare.py DATA.jsonl TOKENIZER_DIR OUT

`datasets.map` makes prompts and completions in two processes, and the trainer is constructed on
them with `dataset_num_proc=2`, without truncation or packing. Nothing is trained; the model is tiny
and random. The tokenizer is that of `tokenizer.json`, with one thread per process. `preparation` is
the time in seconds after imports, model and tokenizer.
"""

from __future__ import annotations

import os

os.environ["TOKENIZERS_PARALLELISM"] = "false"  # two processes already use both cores

import json
import sys
import time
from pathlib import Path

import datasets
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
from trl import SFTConfig, SFTTrainer

SYSTEM = "You are a helpful assistant that summarizes articles.\n\n"


def _prompts(batch: dict[str, list[str]]) -> dict[str, list[str]]:
    prompts = [f"{SYSTEM}Article:\n{text}\n\nSummary:\n" for text in batch["article"]]
    return {"prompt": prompts, "completion": batch["summary"]}


def main(data: str, tokenizer_dir: str, out: str) -> None:
    """Prepare, and print rows, tokens and seconds as JSON."""
    datasets.disable_progress_bars()
    config = json.loads((Path(tokenizer_dir) / "tokenizer_config.json").read_bytes())
    eos = config["eos_token"]
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(Path(tokenizer_dir) / "tokenizer.json"),
        eos_token=eos["content"] if isinstance(eos, dict) else eos,
    )
    tokenizer.pad_token = tokenizer.eos_token
    model = GPT2LMHeadModel(
        GPT2Config(vocab_size=len(tokenizer), n_positions=8, n_embd=8, n_layer=1, n_head=1)
    )
    started = time.perf_counter()
    rows = datasets.load_dataset("json", data_files=data, split="train", cache_dir=f"{out}/cache")
    rows = rows.map(_prompts, batched=True, num_proc=2, remove_columns=rows.column_names)
    settings = SFTConfig(
        output_dir=f"{out}/trainer",
        max_length=None,
        dataset_num_proc=2,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to="none",
    )
    trainer = SFTTrainer(model, args=settings, train_dataset=rows, processing_class=tokenizer)
    preparation = time.perf_counter() - started
    prepared = trainer.train_dataset
    tokens = sum(len(chunk.values) for chunk in prepared.data.column("input_ids").chunks)
    print(json.dumps({"rows": len(prepared), "tokens": tokens, "preparation": preparation}))


if __name__ == "__main__":
    main(*sys.argv[1:])
