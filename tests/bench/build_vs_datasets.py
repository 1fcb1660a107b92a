"""Whole-process build time of `sftdata build` against `datasets.map` doing the same work.

    python tests/bench/build_vs_datasets.py DATA.jsonl TOKENIZER_DIR [--runs 5]

Both read the same JSONL file (fields article and summary), render the same text, encode prompt and
target apart with the same vocabulary, make the mask and write Arrow files; each run starts a new
process with empty output and cache folders. Runs are interleaved (A B A B …), and medians and the
ratio of each pair are printed, because machines are noisy.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SYSTEM = "You are a helpful assistant that summarizes articles.\n\n"


def build_with_sftdata(data: str, tokenizer: str, out: str) -> None:
    """What is measured: the command a user types."""
    command = [sys.executable, "-m", "sftdata", "build", "--task", "summarize", "--data", data]
    command += ["--tokenizer", tokenizer, "--out", out, "--max-length", "1000000"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def build_with_datasets(data: str, tokenizer: str, out: str) -> None:
    """The same with `datasets.map(batched=True, num_proc=2)` and `tokenizers`."""
    command = [sys.executable, __file__, "--datasets-child", data, tokenizer, out]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _datasets_child(data: str, tokenizer_dir: str, out: str) -> None:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # two processes already use both cores
    import datasets
    import tokenizers

    tokenizer = tokenizers.Tokenizer.from_file(str(Path(tokenizer_dir) / "tokenizer.json"))
    tokenizer.encode_special_tokens = True
    eos = tokenizer.get_vocab_size() - 1

    def encode(batch: dict[str, list[str]]) -> dict[str, list[list[int]]]:
        prompts = [f"{SYSTEM}Article:\n{text}\n\nSummary:\n" for text in batch["article"]]
        ids, masks, starts = [], [], []
        targets = tokenizer.encode_batch(batch["summary"], add_special_tokens=False)
        for prompt, target in zip(
            tokenizer.encode_batch(prompts, add_special_tokens=False), targets, strict=True
        ):
            start, length = len(prompt.ids), len(target.ids) + 1
            ids.append(prompt.ids + target.ids + [eos])
            masks.append([False] * start + [True] * length)
            starts.append(start)
        return {"input_ids": ids, "label_mask": masks, "target_start": starts}

    dataset = datasets.load_dataset(
        "json", data_files=data, split="train", cache_dir=f"{out}/cache"
    )
    mapped = dataset.map(encode, batched=True, num_proc=2, remove_columns=dataset.column_names)
    mapped.save_to_disk(f"{out}/saved")


def main() -> None:
    """Runs both and prints a table."""
    if sys.argv[1:2] == ["--datasets-child"]:
        _datasets_child(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("data", help="a JSONL file with the fields article and summary")
    parser.add_argument("tokenizer", help="a directory with tokenizer.json")
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    seconds: dict[str, list[float]] = {"sftdata": [], "datasets": []}
    peaks: dict[str, int] = {}
    for _ in range(args.runs):
        for name, build in (("sftdata", build_with_sftdata), ("datasets", build_with_datasets)):
            out = tempfile.mkdtemp(prefix="sftdata-bench-")
            before = time.perf_counter()
            build(args.data, args.tokenizer, out)
            seconds[name].append(time.perf_counter() - before)
            # The largest child so far; sftdata runs first, so its own figure is not hidden.
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
            peaks.setdefault(name, peak)
            shutil.rmtree(out)
    ratios = [b / a for a, b in zip(seconds["sftdata"], seconds["datasets"], strict=True)]
    size = Path(args.data).stat().st_size / 1e6
    for name, values in seconds.items():
        middle = statistics.median(values)
        spread = f"{min(values):.2f} to {max(values):.2f}"
        print(
            f"{name:9} {middle:7.2f} s median ({spread}), {size / middle:7.1f} MB/s, "
            f"peak of the largest process {peaks[name]:,} MB"
        )
    print(f"datasets / sftdata: {statistics.median(ratios):.1f} (median of {len(ratios)} pairs)")


if __name__ == "__main__":
    main()
