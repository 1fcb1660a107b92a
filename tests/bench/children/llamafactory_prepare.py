"""LLaMA-Factory's preparation of the same prompts and answers, before its SFT stage trains.

    python llamafactory_prepare.py DATA.jsonl TOKENIZER_DIR OUT

A registered template renders the prompts. Two processes, loss on answers only, no packing, no
truncation. `preparation` is the time in seconds after imports and arguments.
"""

from __future__ import annotations

import os

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}  # keep it off the network

import json
import sys
import time
from pathlib import Path

os.environ["HF_DATASETS_CACHE"] = str(Path(sys.argv[3]).resolve() / "cache")

import pyarrow.compute as pc
from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
from llamafactory.data.formatter import StringFormatter
from llamafactory.data.template import register_template
from llamafactory.hparams import get_train_args
from llamafactory.model import load_tokenizer

PROMPT = (
    "You are a helpful assistant that summarizes articles.\n\nArticle:\n{{content}}\n\nSummary:\n"
)


def main(data: str, tokenizer_dir: str, out: str) -> None:
    """Prepare, and print rows, tokens and seconds as JSON."""
    folder = Path(out).resolve()
    columns = {"prompt": "article", "response": "summary"}
    known = {"articles": {"file_name": data, "columns": columns}}
    (folder / "dataset_info.json").write_text(json.dumps(known))
    register_template("summaries", format_user=StringFormatter(slots=[PROMPT]))
    model, rows, training, _, _ = get_train_args(
        {
            "model_name_or_path": tokenizer_dir,
            "stage": "sft",
            "do_train": True,
            "dataset": "articles",
            "dataset_dir": str(folder),
            "template": "summaries",
            "cutoff_len": 1_000_000,
            "packing": False,
            "preprocessing_num_workers": 2,
            "tokenized_path": str(folder / "saved"),
            "output_dir": str(folder / "run"),
            "report_to": "none",
            "use_cpu": True,
        }
    )
    started = time.perf_counter()
    loaded = load_tokenizer(model)
    template = get_template_and_fix_tokenizer(loaded["tokenizer"], rows)
    prepared = get_dataset(template, model, rows, training, stage="sft", **loaded)
    preparation = time.perf_counter() - started
    table = prepared["train_dataset"].data
    tokens = pc.sum(pc.list_value_length(table.column("input_ids"))).as_py()
    print(json.dumps({"rows": table.num_rows, "tokens": tokens, "preparation": preparation}))


if __name__ == "__main__":
    main(*sys.argv[1:])
