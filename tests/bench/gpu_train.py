"""Tokens a second and peak memory of `sftdata train` against TRL's SFTTrainer, on one device.

    python tests/bench/gpu_train.py [--steps 20] [--repeat 3] [--attention flash_attention_2]

All train the same LoRA weights of the same random-weight model on the same examples, packed to the
same length, in the same precision and with the same attention:

* sftdata: the pack plan, and logits of target positions only
* full:    the same with the logits of all positions, to show what the selection saves
* trl:     SFTTrainer with packing, on the output of `sftdata export --to trl`

On a GPU the model has the shape of a 1B Llama. Without one the script runs a small model, whose
figures say nothing about GPUs. Without TRL its row is missing. Each contender runs in a process of
its own. Timed are its steps alone, after the first ones: from the end of one step to the end of the
last, without loading, evaluation, and the checkpoint that follows the last step. A contender that
fails leaves the rows of the others.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
WARM_UP = 2
# hidden, inner, layers, heads, key-value heads, vocabulary, pack length, rows, micro-batch
LARGE = (2048, 8192, 16, 32, 8, 128_256, 4096, 4000, 2)
SMALL = (256, 512, 4, 4, 2, 32_000, 512, 400, 2)


def prepare(folder: Path, sizes: tuple[int, ...]) -> None:
    """Make a model, a dataset with a pack plan, and its TRL export in `folder`."""
    from transformers import LlamaConfig, LlamaForCausalLM

    from sftdata.building.build import build
    from sftdata.exporting.export import export
    from sftdata.loading.dataset import load
    from sftdata.loading.packing import plan_packs, write_plan

    hidden, inner, layers, heads, kv_heads, vocabulary, length, rows, _ = sizes
    draw = random.Random(0)
    words = ["".join(draw.choices("abcdefghijklmnop", k=draw.randint(2, 9))) for _ in range(5000)]
    source = folder / "rows.jsonl"
    with source.open("w") as file:
        for i in range(rows):
            article = draw.choices(words, k=int(min(draw.lognormvariate(4.6, 0.8), length / 12)))
            row = {"id": str(i), "article": " ".join(article), "summary": " ".join(article[:12])}
            file.write(json.dumps(row) + "\n")
    build("summarize", data=source, out=folder / "data", max_length=length)
    data = load(folder / "data")
    plan = plan_packs(data["train"].lengths, length)
    write_plan(data.manifest, "train", plan)
    export(folder / "data", "trl", folder / "trl")
    share = data["train"].target_counts.sum() / data["train"].lengths.sum()
    print(f"{len(plan):,} packs of {length:,}, {plan.fill:.1%} full; {share:.1%} targets")
    config = LlamaConfig(
        vocab_size=vocabulary, hidden_size=hidden, intermediate_size=inner,
        num_hidden_layers=layers, num_attention_heads=heads, num_key_value_heads=kv_heads,
        max_position_embeddings=length, tie_word_embeddings=True,
    )  # fmt: skip
    import torch

    torch.manual_seed(0)
    LlamaForCausalLM(config).to(_dtype()).save_pretrained(folder / "model")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        path = ROOT / "pipelines" / "tokenizers" / "small" / name
        (folder / "model" / name).write_bytes(path.read_bytes())


def _dtype() -> Any:
    import torch

    return torch.bfloat16 if torch.cuda.is_available() else torch.float32


def _clock(trainer: Any) -> dict[str, Any]:
    """Train, and measure tokens per second, losses and peak memory of the steps after the warm-up.

    Tokens are counted where a step computes them, because the loaders of the two trainers do not
    read ahead equally far.
    """
    import torch
    from transformers import TrainerCallback

    from sftdata_train.training.progress import measure_peak_memory

    seen: dict[str, Any] = {"losses": [], "tokens": 0}
    step = trainer.training_step

    def counting(model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        seen["tokens"] += count_tokens(inputs)
        return step(model, inputs, *args, **kwargs)

    trainer.training_step = counting

    class Clock(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.global_step not in (WARM_UP, args.max_steps):
                return
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            name = "started" if state.global_step == WARM_UP else "ended"
            seen[name] = (time.perf_counter(), seen["tokens"])
            seen["memory"] = measure_peak_memory()  # before anything is evaluated or saved

        def on_log(self, args: Any, state: Any, control: Any, logs: Any, **kwargs: Any) -> None:
            if "loss" in logs:
                seen["losses"].append(logs["loss"])

    trainer.add_callback(Clock())
    trainer.train()
    (started, before), (ended, after) = seen["started"], seen["ended"]
    return {
        "tokens_per_s": (after - before) / (ended - started),
        "memory": seen["memory"],
        "losses": seen["losses"],
    }


def count_tokens(inputs: Any) -> int:
    """The tokens of a batch without its padding."""
    if "step_tokens" in inputs:  # ours; a step is one micro-batch here
        return int(inputs["step_tokens"])
    if "attention_mask" in inputs:
        return int(inputs["attention_mask"].sum())
    return int(inputs["input_ids"].numel())


def run_sftdata(folder: Path, args: argparse.Namespace, *, full_logits: bool) -> dict[str, Any]:
    """sftdata's trainer, with the logits of targets only or of all positions."""
    import torch.nn.functional as functional

    from sftdata.loading.dataset import IGNORED
    from sftdata_train.training.loss import make_model_inputs
    from sftdata_train.training.packing_check import check_boundaries
    from sftdata_train.training.recipe import load_recipe
    from sftdata_train.training.train import make_trainer
    from sftdata_train.training.training_run import prepare

    recipe = load_recipe(
        None, packed=args.length, micro_batch=args.micro_batch, accumulate=1, log_every=1,
        max_steps=args.steps, attention=args.attention, evaluate_every=10**9,
        save_every=10**9,
    )  # fmt: skip
    run = prepare(folder / "data", str(folder / "model"), recipe, allow_draft=True)
    trainer = make_trainer(run, folder / "out")
    check_boundaries(trainer.model, [run.data["train"][i] for i in range(2)], run.pad_id)
    trainer.args.eval_on_start = False
    if full_logits:

        def compute_loss(model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            logits = model(**make_model_inputs(model, inputs)).logits[:, :-1].float()
            labels = inputs["labels"][:, 1:]
            return functional.cross_entropy(
                logits.reshape(-1, logits.shape[-1]), labels.reshape(-1), reduction="sum",
                ignore_index=IGNORED,
            ) / inputs["step_targets"]  # fmt: skip

        trainer.compute_loss = compute_loss  # type: ignore[method-assign]
    return _clock(trainer)


def run_trl(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """TRL's trainer with packing as in its documentation."""
    import datasets
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast
    from trl import SFTConfig, SFTTrainer

    rows = datasets.Dataset.from_parquet(str(folder / "trl" / "train.parquet"))
    attention = {} if args.attention == "auto" else {"attn_implementation": args.attention}
    trainer = SFTTrainer(
        AutoModelForCausalLM.from_pretrained(folder / "model", dtype=_dtype(), **attention),
        args=SFTConfig(
            output_dir=str(folder / "trl-out"), packing=True, max_length=args.length,
            per_device_train_batch_size=args.micro_batch, gradient_accumulation_steps=1,
            max_steps=args.steps, learning_rate=2e-4, lr_scheduler_type="cosine",
            warmup_steps=0.03, logging_steps=1, save_strategy="no", report_to="none",
            bf16=torch.cuda.is_available(), use_cpu=not torch.cuda.is_available(),
            gradient_checkpointing=False, disable_tqdm=True, max_grad_norm=1.0,
        ),
        train_dataset=rows,
        processing_class=PreTrainedTokenizerFast.from_pretrained(folder / "model"),
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear"),
    )  # fmt: skip
    return _clock(trainer)


def main() -> None:
    """Prepare, run all contenders, and print the table."""
    import torch

    small = not torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=8 if small else 20)
    parser.add_argument("--attention", default="auto")
    parser.add_argument("--repeat", type=int, default=3, help="Runs of each; the median is shown.")
    parser.add_argument("--run", choices=["sftdata", "full", "trl"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.steps <= WARM_UP:
        parser.error(f"--steps must be more than the {WARM_UP} steps of the warm-up.")
    sizes = SMALL if small else LARGE
    args.length, args.micro_batch = sizes[6], sizes[8]
    if args.run is not None:
        runs = {
            "sftdata": lambda: run_sftdata(args.folder, args, full_logits=False),
            "full": lambda: run_sftdata(args.folder, args, full_logits=True),
            "trl": lambda: run_trl(args.folder, args),
        }
        print(json.dumps(runs[args.run]()))
        return
    device = "CPU, small mode" if small else torch.cuda.get_device_name()
    print(f"{device}; attention {args.attention}; {args.steps} steps of {args.micro_batch} packs")
    contenders = ["sftdata", "full", *(["trl"] if find_spec("trl") else [])]
    with tempfile.TemporaryDirectory() as scratch:
        prepare(Path(scratch), sizes)
        runs_of: dict[str, list[dict[str, Any]]] = {name: [] for name in contenders}
        for _ in range(args.repeat):  # in turns, because other work on the machine comes and goes
            for name in contenders:
                command = [sys.executable, __file__, "--run", name, "--folder", scratch]
                command += ["--steps", str(args.steps), "--attention", args.attention]
                runs_of[name].append(run_contender(command))
    print_table({name: choose_median(results) for name, results in runs_of.items()})
    if "trl" not in contenders:
        print("TRL is not installed and was not measured: pip install trl")


def run_contender(command: list[str]) -> dict[str, Any]:
    """What a contender measured; if it failed, `failed` with the last line of its messages."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode == 0:
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found
    sys.stderr.write(done.stderr)
    return {"failed": (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]}


def choose_median(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The run of median speed, with the speeds of all; a failed run if one failed."""
    for result in results:
        if "failed" in result:
            return result
    ordered = sorted(results, key=lambda result: float(result["tokens_per_s"]))
    speeds = [result["tokens_per_s"] for result in results]
    return ordered[len(ordered) // 2] | {"speeds": speeds}


def print_table(found: dict[str, dict[str, Any]]) -> None:
    """Print a row for each contender, how sftdata compares, and the loss curves."""
    print(f"{'':10} {'tokens/s':>10} {'peak GB':>9} {'first loss':>11} {'last loss':>10}")
    measured = {name: result for name, result in found.items() if "failed" not in result}
    for name, result in found.items():
        if name not in measured:
            print(f"{name:10} failed: {result['failed']}")
            continue
        print(
            f"{name:10} {result['tokens_per_s']:>10,.0f} {result['memory'] / 1e9:>9.2f} "
            f"{result['losses'][0]:>11.4f} {result['losses'][-1]:>10.4f}"
        )
    ours = measured.get("sftdata")
    for name, result in measured.items():
        if ours is None or name == "sftdata":
            continue
        speed = ours["tokens_per_s"] / result["tokens_per_s"]
        memory = ours["memory"] / result["memory"]
        print(f"sftdata against {name}: {speed:.2f}x the tokens/s, {memory:.2f} of the peak memory")
    for name, result in measured.items():
        speeds = ", ".join(f"{speed:,.0f}" for speed in result["speeds"])
        print(f"tokens/s of {name} in each run: {speeds}")
    for name, result in measured.items():
        print(f"losses of {name}: " + " ".join(f"{loss:.4f}" for loss in result["losses"]))


if __name__ == "__main__":
    main()
