"""The check of a model before the first step, and the attention that `auto` takes for packs.

Packs need a dense mask under SDPA, whose size grows with the square of their length. On a GPU,
flash and flex attention do without. The first that passes the check is used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from transformers.utils.import_utils import is_flash_attn_2_available

from sftdata.base.reporting import Report
from sftdata.loading.dataset import Example
from sftdata_train.models.device import choose_dtype
from sftdata_train.models.model_loading import first_line
from sftdata_train.training.batches import collate, to_device
from sftdata_train.training.loss import find_output_head, target_loss
from sftdata_train.training.loss_check import check_loss
from sftdata_train.training.packing_check import check_boundaries, shorten_example
from sftdata_train.training.recipe import Recipe

if TYPE_CHECKING:
    from sftdata_train.training.trainer import ExactTrainer
    from sftdata_train.training.training_run import TrainingRun


def check_model(run: TrainingRun, trainer: ExactTrainer, report: Report) -> None:
    """Raises `SftdataError` when the model cannot be trained exactly on the rows or packs."""
    model, examples = trainer.model, list(run.data[run.split][:2])

    def check() -> None:
        with trainer.accelerator.autocast():  # flash attention has no float32
            check_loss(model, examples, run.pad_id)
            if run.recipe.packed is not None and len(examples) > 1:
                check_boundaries(model, examples, run.pad_id)

    def check_with_gradients() -> None:
        check()
        with trainer.accelerator.autocast():
            _try_backward(model, examples, run.pad_id)

    names = list_faster_attentions(
        run.recipe,
        has_gpu=torch.cuda.is_available(),
        has_flash=is_flash_attn_2_available(),
        dtype=choose_dtype(run.recipe.precision),
    )
    if use_first_that_works(model, names, check_with_gradients, report) is None:
        check()


def list_faster_attentions(
    recipe: Recipe, *, has_gpu: bool, has_flash: bool, dtype: torch.dtype
) -> list[str]:
    """The attentions to try, the fastest first, where the recipe leaves the choice."""
    if recipe.attention != "auto" or recipe.packed is None or not has_gpu:
        return []
    flash = ["flash_attention_2"] if has_flash and dtype == torch.bfloat16 else []
    return [*flash, "flex_attention"]


def use_first_that_works(
    model: Any, names: Sequence[str], check: Callable[[], None], report: Report
) -> str | None:
    """Set the first attention with which the check passes; None when the model keeps its own."""
    own = model.config._attn_implementation
    for name in names:
        try:
            model.set_attn_implementation(name)
            if model.config._attn_implementation != name:
                raise ValueError("the model cannot change its attention")  # transformers warned
            check()
        except Exception as error:  # of models, compilers and drivers
            report(f"--attention auto does not use {name}: {first_line(error)}")
            model.set_attn_implementation(own)
        else:
            report(f"attention: {name}")
            return name
    return None


def _try_backward(model: Any, examples: Sequence[Example], pad_id: int) -> None:
    """A compiler or a kernel may fail in the backward pass alone."""
    batch = collate([[shorten_example(example) for example in examples]], pad_id)
    device = next(model.parameters()).device
    loss = target_loss(model, to_device(batch, device), find_output_head(model))
    torch.autograd.backward(loss)
    model.zero_grad()
