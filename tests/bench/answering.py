"""Answers in batches against one by one: seconds, and how many greedy answers are the same.

    python tests/bench/answering.py DATASET --model MODEL [--rows 32] [--batch-size 16]

The answers of a batch are those of one row alone, but for rounding: where two tokens are almost
equally likely, another width of the matrices may turn their order around.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path


def main() -> None:
    """Time both ways on the first rows of the test split."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--max-new-tokens", type=int, default=32)
    args = parser.parse_args()

    from sftdata.loading.dataset import load
    from sftdata_train.evaluating.prompts import prompt_ids
    from sftdata_train.generating.generation import generate
    from sftdata_train.models.device import choose_device, choose_dtype
    from sftdata_train.models.model_loading import load_model
    from sftdata_train.passport import list_stop_ids

    data = load(args.dataset)
    prompts = [prompt_ids(example) for example in data["test"][: args.rows]]
    model = load_model(args.model, dtype=choose_dtype()).to(choose_device())
    answers, seconds = [], []
    for size in (1, args.batch_size):
        generate(model, prompts[:1], list_stop_ids(data.manifest), max_new_tokens=2)  # warm up
        started = time.perf_counter()
        found = generate(
            model, prompts, list_stop_ids(data.manifest), max_new_tokens=args.max_new_tokens,
            batch_size=size,
        )  # fmt: skip
        seconds.append(time.perf_counter() - started)
        answers.append(found)
        print(f"batches of {size:2}: {seconds[-1]:.1f} s, {sum(map(len, found)):,} tokens")
    same = sum(a == b for a, b in zip(*answers, strict=True))
    print(
        f"{seconds[0] / seconds[1]:.1f} times faster; {same} of {len(prompts)} answers are the same"
    )


if __name__ == "__main__":
    main()
