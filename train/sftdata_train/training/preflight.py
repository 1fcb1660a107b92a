"""Checks before a run starts and the model is loaded: machine, dataset, vocabulary, lengths."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import torch

from sftdata.errors import SftdataError, VerificationError
from sftdata.inspecting.verify import find_faults
from sftdata.loading.dataset import Dataset
from sftdata.writing.manifest import Manifest
from sftdata_train.training.recipe import Recipe

_PACKAGES = {"tensorboard": ("tensorboard", "tensorboardX")}  # where any of several will do


def check_machine(recipe: Recipe) -> None:
    """Raises when this machine lacks the GPU or the package that the recipe needs."""
    if (
        recipe.attention in ("flex_attention", "flash_attention_2")
        and not torch.cuda.is_available()
    ):
        raise SftdataError(
            f"The attention '{recipe.attention}' trains on a CUDA device only, and there is none.",
            "Train without --attention.",
            code="E905",
        )
    for tracker in recipe.report_to:
        if not any(map(find_spec, _PACKAGES.get(tracker, (tracker,)))):
            raise SftdataError(
                f"--report-to {tracker} needs {tracker}, which is not installed.",
                f"Install it: pip install {tracker}. The same numbers are in metrics.jsonl.",
                code="E905",
            )


def check_data(data: Dataset, split: str, *, allow_draft: bool) -> None:
    """Raises when the dataset is damaged or a draft, or its split has no rows."""
    manifest = data.manifest
    faults = find_faults(manifest.directory)
    if faults:
        raise VerificationError(
            f"{manifest.directory} does not agree with its manifest:\n" + "\n".join(faults[:10]),
            "Build it again; intact shards are reused.",
        )
    refuse_draft(manifest, allow_draft)
    if not len(data[split]):
        others = ", ".join(name for name in data if len(data[name]))
        raise SftdataError(
            f"The split '{split}' of {manifest.directory} has no rows.",
            f"Train on another with --split: {others}.",
            code="E706",
        )


def refuse_draft(manifest: Manifest, allow_draft: bool) -> None:
    """Raises when the dataset was built with a template that is not released."""
    if manifest["draft"] and not allow_draft:
        drafts = ", ".join(label for label in manifest["template"] if label.endswith("@draft"))
        raise SftdataError(
            f"{manifest.directory} is a draft: its template {drafts} was never released, so the "
            "training could not be repeated.",
            "Release the template and build again, or, for a trial: --allow-draft",
            code="E704",
        )


def check_vocabulary(manifest: Manifest, config: Any) -> None:
    """Raises when the tokenizer of the dataset has more ids than the model has embeddings."""
    size = getattr(config.get_text_config(), "vocab_size", None)
    if size is not None and manifest["tokenizer"]["vocab_size"] > size:
        raise SftdataError(
            f"The tokenizer of {manifest.directory} has {manifest['tokenizer']['vocab_size']:,} "
            f"entries; the model has embeddings for {size:,}.",
            "Train the model that the tokenizer belongs to.",
            code="E902",
        )


def check_lengths(longest: Mapping[str, int], config: Any) -> None:
    """Raises when a sequence has more tokens than the model has positions.

    `longest`: tokens of the longest sequence, by words for the message such as "row of 'train'".
    Models with learned positions fail past their limit; rotary ones go on, and answer worse.
    """
    limit = getattr(config.get_text_config(), "max_position_embeddings", None)
    too_long = {name: tokens for name, tokens in longest.items() if limit and tokens > limit}
    if too_long:
        raise SftdataError(
            "\n".join(
                f"The longest {name} has {tokens:,} tokens; the model has {limit:,} positions."
                for name, tokens in too_long.items()
            ),
            f"Build with --max-length {limit}.",
            code="E902",
        )
