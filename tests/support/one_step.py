"""A process that trains some steps and prints its losses.

    one_step.py ranks DATASET MODEL FILE      # one of several ranks: the gradients of step 1
    one_step.py trl EXPORT MODEL ADAPTER      # TRL's trainer on an export: the losses

The ranks compute in float64, so that only a wrong sum could differ.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
import transformers


class KeepGradients(transformers.TrainerCallback):
    """Saves the gradients of the first step, before they are clipped or used."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        model = kwargs["model"]
        if state.global_step == 0 and state.is_world_process_zero:
            model = getattr(model, "module", model)
            found = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
            torch.save(found, self._path)


def run_rank(dataset: Path, model: Path, path: Path, micro_batch: int) -> list[float]:
    """Two steps of 8 rows, over the ranks of the environment; the gradients of the first."""
    from sftdata_train.training.recipe import load_recipe
    from sftdata_train.training.train import make_trainer
    from sftdata_train.training.training_run import prepare

    recipe = load_recipe(
        None, rank=4, max_steps=2, micro_batch=micro_batch, accumulate=2, max_grad_norm=0
    )
    run = prepare(dataset, str(model), recipe, allow_draft=True)
    trainer = make_trainer(run, path.parent / "run")
    trainer.model.to(torch.float64)
    trainer.args.save_strategy = "no"
    trainer.args.eval_strategy = "no"
    trainer.args.logging_steps = 1
    start_elsewhere(trainer.model)
    trainer.add_callback(KeepGradients(path))
    trainer.train()
    return [line["loss"] for line in trainer.state.log_history if "loss" in line]


def start_elsewhere(model: Any) -> None:
    """Weights of LoRA that are not zero, so that all of them have gradients."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "lora_" in name:
                draw = torch.randn(weights.shape, generator=generator, dtype=torch.float64)
                weights.copy_(draw.to(weights.dtype) * 0.05)


def run_trl(export: Path, model: Path, adapter: Path, steps: int, rows: int) -> list[float]:
    """The losses of TRL's SFTTrainer on exported rows, from an adapter on disk."""
    import datasets
    from peft import PeftModel
    from trl import SFTConfig, SFTTrainer

    base = transformers.AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    trainer = SFTTrainer(
        PeftModel.from_pretrained(base, adapter, is_trainable=True),
        args=SFTConfig(
            output_dir=str(export / "trl-run"), max_length=None, packing=False,
            per_device_train_batch_size=rows, gradient_accumulation_steps=1, max_steps=steps,
            learning_rate=1e-3, lr_scheduler_type="constant", warmup_steps=0, logging_steps=1,
            save_strategy="no", report_to="none", use_cpu=True, bf16=False, disable_tqdm=True,
            max_grad_norm=0.0, train_sampling_strategy="sequential",
            gradient_checkpointing=False,
        ),
        train_dataset=datasets.Dataset.from_parquet(str(export / "train.parquet")),
        processing_class=transformers.PreTrainedTokenizerFast.from_pretrained(model),
    )  # fmt: skip
    trainer.train()
    return [line["loss"] for line in trainer.state.log_history if "loss" in line]


if __name__ == "__main__":
    kind, *arguments = sys.argv[1:]
    first, second, third, *numbers = arguments
    paths, counts = (Path(first), Path(second), Path(third)), [int(n) for n in numbers]
    losses = run_rank(*paths, *counts) if kind == "ranks" else run_trl(*paths, *counts)
    print(json.dumps(losses))
