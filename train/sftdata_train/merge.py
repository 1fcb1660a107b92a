"""Merge: add an adapter's update to its base model, as a model folder that serves alone."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from sftdata.base.new_folder import new_folder
from sftdata.base.wording import count
from sftdata.errors import SftdataError
from sftdata.serving.model_card import LOSS_PLOT
from sftdata.serving.model_files import write_model_card
from sftdata.serving.passport import Passport, read_passport
from sftdata.tokenizing.encoder import REFERENCE, load_encoder
from sftdata.tokenizing.recorded import load_recorded_tokenizer
from sftdata.tokenizing.tokenizer import Tokenizer
from sftdata_train.audit import require_unchanged
from sftdata_train.generating.generation import Ids, generate
from sftdata_train.models.device import choose_device
from sftdata_train.models.inference import inference
from sftdata_train.models.model_loading import load_config, load_model
from sftdata_train.models.tokenizer_files import save_tokenizer
from sftdata_train.passport import write_passport
from sftdata_train.resource_errors import explain_resource_errors
from sftdata_train.training.lora import load_adapter

# Merged in float32, the outputs may differ by rounding alone. As a share of the logits' size.
_TOLERANCE = 1e-3
_ANSWER_TOKENS = 16
_PROBES = (
    "The river rose for three days before",
    "Summarize the text: the council met on Monday and",
    "Die Stadt hat beschlossen, dass",
    "La réunion a été reportée parce que",
    "def mean(values):\n    return",
    "Q: How many legs has a spider? A:",
    "天气预报说明天",
    "Привет! Как",
)


@dataclass(frozen=True, slots=True)
class MergeCheck:
    """The difference between the outputs of the merged model and of base model plus adapter."""

    dtype: str  # of the saved weights
    logit_difference: float  # the largest in float32, as a share of the largest logit
    probes: int  # texts that both models continued, greedily
    equal_answers: int  # of the saved model and the adapter


def merge(
    adapter: Path, out: Path, *, model: str | None = None, trust_remote_code: bool = False
) -> MergeCheck:
    """Write base model plus adapter as the model folder `out`, and compare the two.

    The folder has safetensors, tokenizer, chat template, a generation_config with the stop ids,
    and the passport. The update is added in float32, and saved in the number type of the base.
    Raises `SftdataError` when a file differs from the passport, or the outputs differ.
    """
    passport = read_passport(adapter)
    if passport.is_whole_model:
        raise SftdataError(
            f"{adapter} is a whole model, so there is nothing to merge.",
            "Serve it as it is.",
            code="E903",
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SftdataError(f"{out} is not empty.", "Choose another folder with --out.", code="E105")
    require_unchanged(passport, model)
    name = model if model is not None else passport["base_model"]["name"]
    recorded = passport["tokenizer"]
    tokenizer = load_recorded_tokenizer(recorded, [str(adapter), name, recorded["name"]])
    probes, stop_ids = _encode(tokenizer), passport["stop_ids"]
    config = load_config(name, trust_remote_code=trust_remote_code)
    dtype = getattr(config, "dtype", None) or torch.float32
    with explain_resource_errors("merging"), new_folder(out) as folder:
        base = load_model(name, dtype=torch.float32, trust_remote_code=trust_remote_code)
        tuned = load_adapter(base, adapter).to(choose_device())
        logits = _compute_logits(tuned, probes)
        answers = generate(tuned, probes, stop_ids, max_new_tokens=_ANSWER_TOKENS)
        merged = tuned.merge_and_unload(safe_merge=True)
        difference = _compare(logits, _compute_logits(merged, probes))
        if not difference <= _TOLERANCE:
            raise SftdataError(
                f"The merged model does not answer as the adapter does: its logits differ by "
                f"{difference:.1%} of the largest.",
                "Serve the adapter beside its base model. Tied embeddings that the adapter "
                "changes cannot be merged.",
                code="E903",
            )
        merged.generation_config.eos_token_id = list(stop_ids)
        merged.to(dtype).save_pretrained(folder, safe_serialization=True)
        del base, tuned, merged
        save_tokenizer(folder, str(adapter), name, passport["chat"])
        saved = load_model(str(folder), dtype=dtype, trust_remote_code=trust_remote_code)
        again = generate(saved.to(choose_device()), probes, stop_ids, max_new_tokens=_ANSWER_TOKENS)
        equal = sum(map(Ids.__eq__, answers, again))
        check = MergeCheck(str(dtype).removeprefix("torch."), difference, len(probes), equal)
        if (adapter / LOSS_PLOT).is_file():
            shutil.copyfile(adapter / LOSS_PLOT, folder / LOSS_PLOT)
        write_model_card(_write_passport(folder, passport, check))
    return check


def describe_check(check: MergeCheck) -> str:
    """The check as one line."""
    return (
        f"logits differ by {check.logit_difference:.1e} of the largest in float32; saved as "
        f"{check.dtype}, {check.equal_answers} of {count(check.probes, 'answer')} are the adapter's"
    )


def _encode(tokenizer: Tokenizer) -> list[Ids]:
    encoder = load_encoder(tokenizer, REFERENCE)
    return [list(encoder.encode_constant(text, continues=False)) for text in _PROBES]


@torch.no_grad()
def _compute_logits(model: Any, prompts: Sequence[Ids]) -> list[torch.Tensor]:
    device = next(model.parameters()).device
    with inference(model):
        return [model(input_ids=torch.tensor([ids], device=device)).logits[0] for ids in prompts]


def _compare(before: Sequence[torch.Tensor], after: Sequence[torch.Tensor]) -> float:
    """The largest difference of two logits, as a share of the largest logit."""
    largest = max(float(logits.abs().max()) for logits in before)
    difference = max(float((a - b).abs().max()) for a, b in zip(before, after, strict=True))
    return difference / largest


def _write_passport(folder: Path, passport: Passport, check: MergeCheck) -> Passport:
    content = {k: v for k, v in passport.content.items() if k not in ("weights", "outcome")}
    merged = {"adapter": passport["weights"], **asdict(check)}
    outcome = passport.content.get("outcome", {})
    return write_passport(folder, {**content, "merged": merged}, outcome)
