"""Progress of a run: a line for each logged step, reported and written to `metrics.jsonl`."""

from __future__ import annotations

import json
import math
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import transformers

from sftdata.base.files import sync, write_atomically
from sftdata.base.reporting import Report
from sftdata.errors import SftdataError

if TYPE_CHECKING:
    from sftdata_train.training.trainer import ExactTrainer

_SECONDS = 10.0  # between two lines
METRICS, VALIDATION = "metrics.jsonl", "validation.jsonl"


class Progress(transformers.TrainerCallback):
    """Writes and reports losses, and ends a run whose loss is not finite.

    A line follows the first step, each step that is logged, and each step that ends more than 10
    seconds after the last line. The file has those of the logged steps alone, so that it is the
    same for each run.
    """

    def __init__(
        self,
        trainer: ExactTrainer,
        out: Path,
        report: Report,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._trainer, self._out, self._report, self._clock = trainer, out, report, clock
        self._started = self._since = self._said = clock()
        self._tokens = self._targets = self._first_step = 0  # at the last line
        self._training_seconds = 0.0  # without evaluations

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Drop the lines after the step the run resumes from, because it repeats these steps.

        A run that starts from the beginning drops all lines.
        """
        self._started = self._since = self._said = self._clock()
        self._first_step = state.global_step
        if state.is_world_process_zero:
            for name in (METRICS, VALIDATION):
                lines = read_metrics(self._out / name) if state.global_step else []
                keep = [line for line in lines if line["step"] <= state.global_step]
                text = "".join(json.dumps(line) + "\n" for line in keep)
                write_atomically(self._out / name, text.encode())
        if self._lacks_evaluation(args, state):
            self._trainer.evaluate()

    def _lacks_evaluation(self, args: Any, state: Any) -> bool:
        """Whether a kill came between a checkpoint at the end of an epoch and its evaluation."""
        if self._trainer.held_out is None or args.eval_strategy != "epoch" or not state.global_step:
            return False
        steps = {line["step"] for line in read_metrics(self._out / VALIDATION)}
        at_end = state.global_step % self._trainer.plan.steps_per_epoch == 0
        return at_end and state.global_step not in steps

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Write a line for the steps since the last one, or for an evaluation."""
        if "eval_loss" in logs:
            line = {"step": state.global_step, "loss": logs["eval_loss"]}
            self._write(VALIDATION, line, state)
            self._say(f"step {state.global_step:,}  held-out loss {logs['eval_loss']:.4f}", state)
        elif "loss" in logs:
            self._require_finite(logs["loss"], state.global_step)
            line = self._measure(logs, state)
            self._write(METRICS, line, state)
            self._say(self._describe(line, state), state)
        self._since = self._clock()  # do not count evaluations as training time

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Report a step that is not logged when the last line is old."""
        now = self._clock()
        if not control.should_log and now - self._said >= _SECONDS:
            seconds = self._training_seconds + now - self._since
            self._say(
                f"step {state.global_step:,}/{state.max_steps:,}  {self._left(state, seconds)}",
                state,
            )

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Bring the lines of the steps before a checkpoint to disk."""
        for path in (self._out / METRICS, self._out / VALIDATION):
            if state.is_world_process_zero and path.is_file():
                sync(path)

    def _measure(self, logs: dict[str, Any], state: Any) -> dict[str, Any]:
        seconds = max(self._clock() - self._since, 1e-9)
        self._training_seconds += seconds
        tokens = self._trainer.tokens_seen - self._tokens
        targets = self._trainer.targets_seen - self._targets
        self._tokens, self._targets = self._trainer.tokens_seen, self._trainer.targets_seen
        return {
            "step": state.global_step,
            "epoch": round(state.epoch, 4),
            "loss": logs["loss"],
            "tokens_per_s": round(tokens / seconds, 1),
            "target_tokens_per_s": round(targets / seconds, 1),
            "learning_rate": logs.get("learning_rate"),
            "grad_norm": logs.get("grad_norm"),
            "memory_bytes": measure_peak_memory(),
            "seconds": round(self._clock() - self._started, 3),
        }

    def _describe(self, line: dict[str, Any], state: Any) -> str:
        left = self._left(state, self._training_seconds)
        return (
            f"step {state.global_step:,}/{state.max_steps:,}  loss {line['loss']:.4f}  "
            f"{line['tokens_per_s']:,.0f} tokens/s  {line['memory_bytes'] / 1e9:.1f} GB  {left}"
        )

    def _left(self, state: Any, seconds: float) -> str:
        """The time left, of `seconds` in the steps of this process."""
        done = max(state.global_step - self._first_step, 1)
        left = (state.max_steps - state.global_step) * seconds / done
        return f"{int(left // 60)}:{int(left % 60):02d} left"

    def _require_finite(self, loss: float, step: int) -> None:
        if not math.isfinite(loss):
            raise SftdataError(
                f"The loss is {loss} at step {step:,}; further training would save weights that "
                "are not finite.",
                "Lower the learning rate, keep --max-grad-norm at 1, or use --precision float32. "
                "Checkpoints before this step are intact.",
                code="E904",
            )

    def _write(self, name: str, line: dict[str, Any], state: Any) -> None:
        if state.is_world_process_zero:
            with (self._out / name).open("a") as file:
                file.write(json.dumps(line) + "\n")

    def _say(self, text: str, state: Any) -> None:
        self._said = self._clock()
        if state.is_world_process_zero:
            self._report(text)


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a metrics file. Skips a last line that a kill cut short."""
    lines = []
    if path.is_file():
        for text in path.read_text().splitlines():
            try:
                lines.append(json.loads(text))
            except ValueError:
                break
    return lines


def measure_peak_memory() -> int:
    """Peak memory in bytes: of the GPU where there is one, else of this process."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
