"""What changes in the data do to a trained model: wording, packing, EOS and prompt in the loss.

    python tests/bench/data_study.py OUT --model SMOLLM2 --data grammar.jsonl [--seconds 540]
    python tests/bench/data_study.py OUT --table

Every arm trains the same LoRA from the same base model with the same seed on the same rows, and
answers the same test rows. `OUT/runs.jsonl` gets one line for each finished run. The same command
goes on after a kill, from the last checkpoint of the run that was cut; `--seconds` ends it between
two runs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

ARMS = ("standard", "bare", "without-eos", "prompt-too", "packed", "instruction")
BASES = ("base", "base-bare", "base-instruction")
TEMPLATES = {
    "standard": "grammar/question",
    "bare": "grammar/bare",
    "instruction": "grammar/plain",
}
PACK = 384  # tokens
LONGEST = 200  # characters of a line of the golden set
ROWS_A_STEP = 8
BARE = """\
{% block prompt %}
{{ text }}
{% endblock %}
{% block target %}
{{ corrected }}
{%- endblock %}
"""
RESAMPLES = 10_000


def build_datasets(out: Path, data: Path, model: str, train_rows: int, test_rows: int) -> None:
    """One dataset for each wording, of the same rows in the same splits."""
    from sftdata.building.build import build
    from sftdata.loading.dataset import load
    from sftdata.loading.packing import plan_packs, write_plan

    rows = [line for line in data.read_text("utf-8").splitlines() if len(line) < LONGEST]
    source = out / "rows.jsonl"
    source.write_text("\n".join(rows[: train_rows + test_rows]) + "\n", "utf-8")
    folder = out / "templates" / "grammar"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bare.jinja").write_text(BARE, "utf-8")
    for name, template in TEMPLATES.items():
        share = test_rows / (train_rows + test_rows)
        build(
            "grammar", data=source, template=template, tokenizer=model, out=out / "data" / name,
            checks={}, max_dropped=100, split={"train": 1 - share, "test": share},
        )  # fmt: skip
    standard = load(out / "data" / "standard")
    length = max(PACK, int(standard["train"].lengths.max()))
    plan = plan_packs(standard["train"].lengths, length)
    write_plan(standard.manifest, "train", plan)
    (out / "pack.json").write_text(json.dumps({"length": length, "packs": len(plan)}))


class _Remasked:
    """Rows whose label mask is changed."""

    def __init__(self, units: Any, change: Callable[[Any], Any]) -> None:
        self._units, self._change = units, change
        self.tokens = units.tokens
        self.targets = np.array([self[i][0].label_mask.sum() for i in range(len(units.tokens))])

    def __getitem__(self, unit: int) -> list[Any]:
        return [replace(e, label_mask=self._change(e.label_mask)) for e in self._units[unit]]


def _without_eos(mask: Any) -> Any:
    changed = mask.copy()
    changed[np.flatnonzero(mask)[-1]] = False
    return changed


def _prompt_too(mask: Any) -> Any:
    return np.ones_like(mask)


def run_arm(out: Path, arm: str, seed: int, model: str, answered: int) -> dict[str, Any]:
    """Train and measure one arm; the facts of its line in runs.jsonl."""
    import torch

    from sftdata.loading.dataset import load
    from sftdata.serving.passport import FILE as PASSPORT
    from sftdata_train.models.model_loading import load_model
    from sftdata_train.training.lora import load_adapter
    from sftdata_train.training.recipe import load_recipe
    from sftdata_train.training.train import train
    from sftdata_train.training.training_run import prepare

    wording = arm.removeprefix("base-") if arm in BASES else arm
    folder = out / "data" / (wording if wording in TEMPLATES else "standard")
    data = load(folder)
    found: dict[str, Any] = {"arm": arm, "seed": seed}
    tuned = load_model(model, dtype=torch.bfloat16)
    if arm not in BASES:
        packed = json.loads((out / "pack.json").read_text()) if arm == "packed" else None
        rows = len(data["train"])
        steps = -(-rows // ROWS_A_STEP)
        recipe = load_recipe(
            None, micro_batch=ROWS_A_STEP if packed is None else max(1, packed["packs"] // steps),
            accumulate=1, seed=seed, learning_rate=3e-4, rank=8, alpha=16.0, log_every=5,
            packed=packed and packed["length"], precision="bfloat16", save_every=2,
        )  # fmt: skip
        run = prepare(folder, model, recipe, allow_draft=True)
        change = {"without-eos": _without_eos, "prompt-too": _prompt_too}.get(arm)
        if change is not None:
            run = replace(run, units=_Remasked(run.units, change))
        adapter = out / "adapters" / f"{arm}-{seed}"
        if not (adapter / PASSPORT).exists():  # else a kill came while it was measured
            train(run, adapter, print)
        found |= {
            "train_rows": rows,
            "train_tokens": int(run.units.tokens.sum()),
            "train_targets": int(run.units.targets.sum()),
        }
        tuned = load_adapter(tuned, adapter)
    return found | _measure(tuned.eval(), data, answered)


def _measure(model: Any, data: Any, answered: int) -> dict[str, Any]:
    """Losses of all test rows by id, and the answers to the first few."""
    from sftdata.loading.text import TextReader
    from sftdata_train.evaluating.prompts import answer_ids, prompt_ids
    from sftdata_train.generating.generation import generate
    from sftdata_train.passport import list_stop_ids

    rows = sorted(data["test"], key=lambda example: example.row_id)
    chosen = rows[:answered]
    limit = max(len(answer_ids(example)) for example in chosen) + 8
    ids = generate(
        model,
        [prompt_ids(example) for example in chosen],
        list_stop_ids(data.manifest),
        max_new_tokens=limit,
    )
    texts = TextReader(data)
    return {
        "losses": {example.row_id: _losses(model, example) for example in rows},
        "answers": {
            example.row_id: {
                "answer": texts.decode(answer, show_control=False).strip(),
                "reference": texts.decode(answer_ids(example), show_control=False).strip(),
                "ended": len(answer) < limit,
            }
            for example, answer in zip(chosen, ids, strict=True)
        },
    }


def _losses(model: Any, example: Any) -> list[float]:
    """The loss of each target token of a row; the last is EOS."""
    import torch

    with torch.inference_mode():
        ids = torch.from_numpy(np.array(example.input_ids, np.int64))[None]
        start = int(example.target_start)
        logits = model(input_ids=ids).logits[0, start - 1 : -1].float().log_softmax(-1)
        found = -logits.gather(1, ids[0, start:, None])[:, 0]
    return [round(float(loss), 5) for loss in found]


def list_runs(seeds: int) -> list[tuple[str, int]]:
    """All arms of a seed before the next one, so that a study cut short compares all arms."""
    first = [("base", 0), *((arm, 0) for arm in ARMS), *((base, 0) for base in BASES[1:])]
    return first + [(arm, seed) for seed in range(1, seeds) for arm in ARMS]


def read_runs(out: Path) -> dict[tuple[str, int], dict[str, Any]]:
    """The finished runs; a line cut short by a kill is left out."""
    found = {}
    path = out / "runs.jsonl"
    for line in path.read_text("utf-8").splitlines() if path.is_file() else ():
        try:
            run = json.loads(line)
        except ValueError:
            continue
        found[run["arm"], run["seed"]] = run
    return found


def print_table(out: Path) -> None:
    """The metrics of each arm over its seeds, and the paired difference to `standard`."""
    runs = read_runs(out)
    sources = {
        row["id"]: row["text"]
        for row in map(json.loads, (out / "rows.jsonl").read_text("utf-8").splitlines())
    }
    print(
        "| arm | seeds | loss | without EOS | loss of EOS | ended % | exact match | F0.5 | chrF "
        "| tokens trained | in the loss |"
    )
    print("|---|" + "---:|" * 10)
    for arm in (*BASES, *ARMS):
        of_arm = [run for (name, _), run in sorted(runs.items()) if name == arm]
        if not of_arm:
            continue
        values = np.array([_summarize(run, sources) for run in of_arm])
        cells = [_cell(column, 3 if at < 3 else 1) for at, column in enumerate(values.T)]
        cells += [f"{of_arm[0].get(key, 0):,}" for key in ("train_tokens", "train_targets")]
        print(f"| {arm} | {len(of_arm)} | " + " | ".join(cells) + " |")
    _print_differences(runs, sources)


def _summarize(run: dict[str, Any], sources: dict[str, str]) -> list[float]:
    losses = [np.array(of_row) for of_row in run["losses"].values()]
    body, ends = np.concatenate([x[:-1] for x in losses]), np.array([x[-1] for x in losses])
    scores = _score_rows(run, sources)
    ended = np.mean([row["ended"] for row in run["answers"].values()])
    whole = float((body.sum() + ends.sum()) / (len(body) + len(ends)))
    return [whole, body.mean(), ends.mean(), 100 * ended, *(score.value for score in scores)]


def _score_rows(run: dict[str, Any], sources: dict[str, str]) -> list[Any]:
    from sftdata_train.evaluating.metrics import score

    rows = run["answers"]
    texts = [[row[key] for row in rows.values()] for key in ("reference", "answer")]
    return score("grammar", [sources[row_id] for row_id in rows], *texts)


def _cell(values: Any, digits: int) -> str:
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f}"


def _print_differences(
    runs: dict[tuple[str, int], dict[str, Any]], sources: dict[str, str]
) -> None:
    """Each arm against `standard` with the same seed, over resampled test rows and all seeds."""
    print("\n| arm - standard | loss without EOS | 95 % | exact match | 95 % |")
    print("|---|---:|---:|---:|---:|")
    for arm in ARMS[1:]:
        seeds = [seed for name, seed in runs if name == arm and ("standard", seed) in runs]
        if not seeds:
            continue
        losses = np.mean(
            [_row_sums(runs[arm, s]) - _row_sums(runs["standard", s]) for s in seeds], axis=0
        )
        tokens = np.array([len(x) - 1 for x in runs[arm, seeds[0]]["losses"].values()])
        exact = np.mean(
            [_exact(runs[arm, seed]) - _exact(runs["standard", seed]) for seed in seeds], axis=0
        )
        draws = np.random.default_rng(0).integers(0, len(losses), (RESAMPLES, len(losses)))
        of_loss = losses[draws].sum(1) / tokens[draws].sum(1)
        draws = np.random.default_rng(0).integers(0, len(exact), (RESAMPLES, len(exact)))
        of_exact = 100 * exact[draws].mean(1)
        intervals = [np.quantile(values, (0.025, 0.975)) for values in (of_loss, of_exact)]
        print(
            f"| {arm} | {losses.sum() / tokens.sum():+.4f} | "
            f"{intervals[0][0]:+.4f} to {intervals[0][1]:+.4f} | {100 * exact.mean():+.1f} | "
            f"{intervals[1][0]:+.1f} to {intervals[1][1]:+.1f} |"
        )


def _row_sums(run: dict[str, Any]) -> Any:
    return np.array([sum(losses[:-1]) for losses in run["losses"].values()])


def _exact(run: dict[str, Any]) -> Any:
    return np.array([float(r["answer"] == r["reference"]) for r in run["answers"].values()])


def main() -> None:
    """Run the arms that are missing, or print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", help="folder of a chat or base model")
    parser.add_argument("--data", type=Path, help="JSONL with text, corrected and id")
    parser.add_argument("--train-rows", type=int, default=400)
    parser.add_argument("--test-rows", type=int, default=100)
    parser.add_argument("--answers", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, help="start no run later than this")
    parser.add_argument("--table", action="store_true", help="print the results so far")
    args = parser.parse_args()
    if args.table:
        print_table(args.out)
        return
    started = time.monotonic()
    args.out.mkdir(parents=True, exist_ok=True)
    os.chdir(args.out)  # where the template of the study lies
    if not Path("pack.json").exists():
        build_datasets(Path(), args.data, args.model, args.train_rows, args.test_rows)
    for arm, seed in list_runs(args.seeds):
        if (arm, seed) in read_runs(Path()):
            continue
        before = time.monotonic()
        if args.seconds and before - started > args.seconds:
            break
        run = run_arm(Path(), arm, seed, args.model, args.answers)
        with Path("runs.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(run) + "\n")
        shutil.rmtree(Path("adapters"), ignore_errors=True)
        print(f"{arm}, seed {seed}: {time.monotonic() - before:.0f} s", flush=True)


if __name__ == "__main__":
    main()
