"""TRL's preparation of conversations with `assistant_only_loss`, before the first step.

    python trl_chat_prepare.py DATA.jsonl TOKENIZER_DIR OUT TEMPLATE.jinja

`SFTTrainer` is constructed on the conversations with `dataset_num_proc=2`, without truncation or
packing. Nothing is trained; the model is tiny and random. `preparation` is the time in seconds
after imports, model and tokenizer.
"""

from __future__ import annotations

import os

os.environ["TOKENIZERS_PARALLELISM"] = "false"  # two processes already use both cores

import json
import sys
import time
from pathlib import Path

import datasets
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel
from trl import SFTConfig, SFTTrainer


def main(data: str, tokenizer_dir: str, out: str, template: str) -> None:
    """Prepare, and print rows, tokens and seconds as JSON."""
    datasets.disable_progress_bars()
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_dir)
    tokenizer.chat_template = Path(template).read_text(encoding="utf-8")
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    model = GPT2LMHeadModel(
        GPT2Config(vocab_size=len(tokenizer), n_positions=8, n_embd=8, n_layer=1, n_head=1)
    )
    started = time.perf_counter()
    rows = datasets.load_dataset("json", data_files=data, split="train", cache_dir=f"{out}/cache")
    settings = SFTConfig(
        output_dir=f"{out}/trainer",
        max_length=None,
        assistant_only_loss=True,
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
