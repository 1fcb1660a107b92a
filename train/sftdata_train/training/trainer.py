"""The trainer: transformers' `Trainer` with the row order, target counts and exact loss."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from torch.utils.data import DataLoader, Sampler

from sftdata.loading.order import MicroBatch, StepPlan
from sftdata_train.models.inference import inference
from sftdata_train.perplexity import perplexity
from sftdata_train.training.batches import StepDataset, Tensors, Units, collate, to_device
from sftdata_train.training.checkpoints import remove_checkpoints, require_intact, seal_checkpoint
from sftdata_train.training.loss import find_output_head, row_losses, target_loss
from sftdata_train.training.router_loss import compute_router_loss, record_outputs


class MicroBatchSampler(Sampler[list[MicroBatch]]):
    """The micro-batches of one rank in one epoch."""

    def __init__(self, plan: StepPlan, rank: int) -> None:
        self.plan, self.rank, self.epoch = plan, rank, 0

    def __len__(self) -> int:
        return self.plan.micro_batches_per_epoch

    def __iter__(self) -> Iterator[list[MicroBatch]]:
        return ([micro_batch] for micro_batch in self.plan.iterate_epoch(self.epoch, self.rank))


class _EpochSetter(transformers.TrainerCallback):
    """Sets the sampler's epoch, also when a run resumes in the middle of one."""

    def __init__(self, sampler: MicroBatchSampler) -> None:
        self._sampler = sampler

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._sampler.epoch = state.global_step // self._sampler.plan.steps_per_epoch


class ExactTrainer(transformers.Trainer):
    """A `Trainer` with the same loss and gradients for any split of a step.

    The loss of a step is the cross entropy summed over the target tokens of all micro-batches and
    ranks, divided by their number, which the label masks give before the step begins.
    """

    def __init__(
        self,
        *,
        units: Units,
        held_out: Units | None,
        pad_id: int,
        settings_digest: str = "",
        adds_router_loss: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(train_dataset=StepDataset(units, pad_id), **kwargs)
        self.settings_digest = settings_digest  # of the run, for its checkpoints
        self.adds_router_loss = adds_router_loss
        self.plan = StepPlan(
            tokens=units.tokens,
            targets=units.targets,
            seed=self.args.seed,
            micro_batch=self.args.per_device_train_batch_size,
            accumulate=self.args.gradient_accumulation_steps,
            ranks=self.args.world_size,
        )
        self.held_out, self.pad_id = held_out, pad_id
        self.loss_is_scaled_for_ga = True  # `compute_loss` divides by the target tokens of the step
        self.tokens_seen = self.targets_seen = 0  # by all ranks, since this process started
        self._sampler = MicroBatchSampler(self.plan, self.args.process_index)
        self.add_callback(_EpochSetter(self._sampler))

    def get_train_dataloader(self) -> DataLoader[Tensors]:
        """Micro-batches of this rank, without accelerate, which would shard them again."""
        dataset: Any = self.train_dataset
        dataset.longest = self._find_longest(dataset.units)
        return DataLoader(
            dataset,
            batch_sampler=self._sampler,
            collate_fn=_unwrap,
            num_workers=self.args.dataloader_num_workers,
            pin_memory=torch.cuda.is_available(),
        )

    def _get_num_items_in_batch(self, batch_samples: list[Tensors], device: Any) -> int:
        """Target tokens of the whole step, known to every rank without communication."""
        self.tokens_seen += batch_samples[0]["step_tokens"]
        self.targets_seen += batch_samples[0]["step_targets"]
        return int(batch_samples[0]["step_targets"])

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: Tensors,
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> torch.Tensor:
        """This micro-batch's part of the step's loss, times the ranks, over which DDP averages."""
        plain = self.accelerator.unwrap_model(model)
        head, targets = find_output_head(plain), int(inputs["step_targets"])
        if not self.adds_router_loss:
            return target_loss(model, inputs, head) * (int(self.args.world_size) / targets)
        with record_outputs(plain) as outputs:
            loss = target_loss(model, inputs, head) / targets
        if tokens := int(inputs["is_token"].sum()):
            share = tokens / inputs["step_tokens"]
            loss = loss + share * compute_router_loss(plain, outputs[0], inputs["is_token"])
        return loss * int(self.args.world_size)

    def _save_checkpoint(self, model: torch.nn.Module, trial: Any) -> None:
        """A checkpoint as transformers writes it, sealed when all ranks have written their part."""
        folder = Path(str(self.args.output_dir), f"checkpoint-{self.state.global_step}")
        if self.is_world_process_zero() and folder.exists():
            remove_checkpoints([folder])
        self.accelerator.wait_for_everyone()
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()
        if self.is_world_process_zero():
            seal_checkpoint(folder, self.settings_digest)

    def restore_finished(self, checkpoint: Path) -> bool:
        """Take over a checkpoint of the last step; False when steps are left.

        transformers would take one step more before it sees that none is left.
        """
        path = checkpoint / "trainer_state.json"
        state = transformers.TrainerState.load_from_json(str(path))
        control = state.stateful_callbacks.get("TrainerControl", {}).get("args", {})
        if state.global_step < state.max_steps and not control.get("should_training_stop"):
            return False
        state.is_world_process_zero = self.is_world_process_zero()
        state.is_local_process_zero = self.is_local_process_zero()
        self.state = state
        self._load_from_checkpoint(str(checkpoint))
        if self.args.load_best_model_at_end and state.best_model_checkpoint:
            self._load_best_model()
        return True

    def _load_best_model(self) -> None:
        """The weights of the best checkpoint, which must be intact."""
        best = Path(str(self.args.output_dir), Path(self.state.best_model_checkpoint or "").name)
        require_intact(best, self.settings_digest)
        self.state.best_model_checkpoint = str(best)  # the folder may have been moved
        super()._load_best_model()

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Loss on the held-out examples, logged as `eval_loss`."""
        assert self.held_out is not None
        started = time.monotonic()
        loss = self.compute_held_out_loss(self.held_out)
        metrics = {"eval_loss": loss, "eval_perplexity": perplexity(loss)}
        self.log(metrics | {"eval_runtime": round(time.monotonic() - started, 3)})
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    def compute_held_out_loss(self, units: Units) -> float:
        """Mean cross entropy over the target tokens of these units, shared by all ranks."""
        model = self.accelerator.unwrap_model(self.model)
        with self.accelerator.autocast():  # also for a model that is not prepared for training
            total = sum_held_out_loss(
                model,
                units,
                range(self.args.process_index, len(units.tokens), self.args.world_size),
                self.args.per_device_eval_batch_size,
                self.pad_id,
                self._find_longest(units),
            )
        return float(self.accelerator.reduce(total, "sum")) / int(units.targets.sum())

    def _find_longest(self, units: Units) -> int | None:
        """Tokens of the longest unit, where batches must have few widths."""
        model: Any = self.model
        is_flex = model.config._attn_implementation == "flex_attention"
        return int(units.tokens.max()) if is_flex else None


def sum_held_out_loss(
    model: Any,
    units: Units,
    chosen: Sequence[int],
    batch_size: int,
    pad_id: int,
    longest: int | None = None,
) -> torch.Tensor:
    """float64: cross entropy summed over the target tokens of the chosen units.

    `longest`: tokens of the longest unit, to have few widths.
    """
    head, device = find_output_head(model), next(model.parameters()).device
    total = torch.zeros((), dtype=torch.float64, device=device)
    # Batch units of similar length to pad little.
    by_length = sorted(chosen, key=lambda unit: -int(units.tokens[unit]))
    with inference(model):
        for start in range(0, len(by_length), batch_size):
            batch = collate(
                [units[i] for i in by_length[start : start + batch_size]], pad_id, longest
            )
            total += target_loss(model, to_device(batch, device), head)
    return total


def measure_row_losses(
    model: Any, units: Units, chosen: Sequence[int], batch_size: int, pad_id: int
) -> list[float]:
    """Cross entropy summed over the target tokens of each of the chosen rows, in their order."""
    head, device = find_output_head(model), next(model.parameters()).device
    losses: dict[int, float] = {}
    by_length = sorted(set(chosen), key=lambda unit: -int(units.tokens[unit]))
    with inference(model):
        for start in range(0, len(by_length), batch_size):
            rows = by_length[start : start + batch_size]
            batch = to_device(collate([units[i] for i in rows], pad_id), device)
            losses |= zip(rows, row_losses(model, batch, head).tolist(), strict=True)
    return [losses[unit] for unit in chosen]


def _unwrap(items: list[Tensors]) -> Tensors:
    return items[0]
