"""axolotl's preparation of the same prompts and answers, as `axolotl preprocess` does it.

    python axolotl_prepare.py DATA.jsonl TOKENIZER_DIR OUT

A user-defined prompt type renders the prompts. Two processes, loss on answers only, no packing, no
truncation, and no shuffling (the default), because the other libraries do not shuffle. The model is
a config without weights. `preparation` is the time in seconds after imports and configuration.
"""

from __future__ import annotations

import os

# The first as `axolotl preprocess` sets it; the others keep it off the network.
os.environ |= {
    "AXOLOTL_IS_PREPROCESS": "1",
    "AXOLOTL_DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
}

import json
import sys
import time
from pathlib import Path

os.environ["HF_DATASETS_CACHE"] = str(Path(sys.argv[3]).resolve() / "cache")

import datasets
import pyarrow.compute as pc
from axolotl.cli.args import PreprocessCliArgs
from axolotl.cli.config import load_cfg
from axolotl.cli.preprocess import do_preprocess

PROMPT = (
    "You are a helpful assistant that summarizes articles.\n\nArticle:\n{instruction}\n\nSummary:\n"
)


def main(data: str, tokenizer_dir: str, out: str) -> None:
    """Prepare, and print rows, tokens and seconds as JSON."""
    folder = Path(out).resolve()
    (folder / "model").mkdir()
    (folder / "model" / "config.json").write_text('{"model_type": "gpt2"}')
    fields = {"field_instruction": "article", "field_output": "summary"}
    prompts = fields | {"format": PROMPT, "no_input_format": PROMPT}
    settings = {
        "base_model": str(folder / "model"),
        "tokenizer_config": tokenizer_dir,
        "datasets": [{"path": data, "ds_type": "json", "type": prompts}],
        "dataset_prepared_path": str(folder / "prepared"),
        "dataset_num_proc": 2,
        "shuffle_merged_datasets": False,
        "train_on_inputs": False,
        "sequence_len": 1_000_000,
        "output_dir": str(folder / "run"),
        "micro_batch_size": 1,
        "learning_rate": 1e-4,
    }
    (folder / "settings.yml").write_text(json.dumps(settings))  # JSON is YAML
    configuration = load_cfg(str(folder / "settings.yml"), is_preprocess=True)
    started = time.perf_counter()
    do_preprocess(configuration, PreprocessCliArgs(download=False))
    preparation = time.perf_counter() - started
    (prepared,) = (path for path in (folder / "prepared").iterdir() if path.is_dir())
    rows = datasets.load_from_disk(str(prepared))
    tokens = pc.sum(pc.list_value_length(rows.data.column("input_ids"))).as_py()
    print(json.dumps({"rows": len(rows), "tokens": tokens, "preparation": preparation}))


if __name__ == "__main__":
    main(*sys.argv[1:])
