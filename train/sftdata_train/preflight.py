"""What a run refuses, before anything is loaded that takes long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch

from sftdata.base.arrow import texts
from sftdata.errors import SftdataError, TokenizerError, VerificationError
from sftdata.inspecting.verify import find_faults
from sftdata.loading.dataset import Dataset, Example
from sftdata.tokenizing.encoder import REFERENCE, load_encoder
from sftdata.tokenizing.load import load_tokenizer
from sftdata.tokenizing.recorded import find_recorded_tokenizer
from sftdata.tokenizing.tokenizer import Tokenizer
from sftdata.writing.manifest import Manifest
from sftdata_train.batches import collate
from sftdata_train.loss import model_inputs
from sftdata_train.progress import Report
from sftdata_train.recipe import Recipe

# Text that tokenizers disagree on: case, digits, blanks, accents composed and not, other scripts.
PROBES = (
    "The quick brown fox jumps over the lazy dog.",
    "  two  blanks\n\nand\ttabs \n",
    "1234567890 3.14159 -1e9 0x7F",
    "naïve cafe\u0301 Straße",
    "日本語のテキスト и русский текст",
    "👩‍👩‍👧‍👦 ✓ “quoted” —",
    "<|im_start|>user</s>[INST]",
    "def f(x):\n    return x ** 2  # comment\n",
)


def check_machine(recipe: Recipe) -> None:
    """Raises when the recipe asks for what this machine has not."""
    if (
        recipe.attention in ("flex_attention", "flash_attention_2")
        and not torch.cuda.is_available()
    ):
        raise SftdataError(
            f"The attention '{recipe.attention}' trains on a CUDA device only; there is none.",
            "Leave --attention out.",
        )
    if recipe.tensorboard and not (find_spec("tensorboard") or find_spec("tensorboardX")):
        raise SftdataError(
            "--tensorboard needs tensorboard, which is not installed.",
            "Install it: pip install tensorboard. The same numbers are in metrics.jsonl.",
        )


def check_data(data: Dataset, split: str, *, allow_draft: bool) -> None:
    """Raises when the dataset is damaged, a draft, or has nothing to train on."""
    manifest = data.manifest
    faults = find_faults(manifest.directory)
    if faults:
        raise VerificationError(
            f"{manifest.directory} does not agree with its manifest:\n" + "\n".join(faults[:10]),
            "Build it again; what is intact is reused.",
        )
    refuse_draft(manifest, allow_draft)
    if not len(data[split]):
        raise SftdataError(f"The split '{split}' of {manifest.directory} has no rows.")


def refuse_draft(manifest: Manifest, allow_draft: bool) -> None:
    """Raises when the dataset was built with a template that may still change."""
    if manifest["draft"] and not allow_draft:
        drafts = ", ".join(label for label in manifest["template"] if label.endswith("@draft"))
        raise SftdataError(
            f"{manifest.directory} is a draft: its template {drafts} was never released, so what "
            "is made from it could not be made again.",
            "Release the template and build again, or, for a trial: --allow-draft",
        )


def check_tokenizer(manifest: Manifest, model: str, report: Report) -> None:
    """Raises when the model's tokenizer gives other ids than the dataset was built with.

    A model directory without any is taken at its word, with a note to `report`.
    """
    recorded = manifest["tokenizer"]
    if Path(model).is_dir() and not _has_tokenizer(Path(model)):
        report(
            f"Warning: {model} has no tokenizer to compare with that of the dataset "
            f"('{recorded['name']}'); its ids are taken to mean the same."
        )
        return
    try:
        own = load_tokenizer(model)
    except TokenizerError as error:
        raise SftdataError(
            f"{model}: the model's tokenizer cannot be read, so it is not known whether ids mean "
            f"the same to it as in {manifest.directory}: {str(error).splitlines()[0]}",
            "Put the model's tokenizer.json and tokenizer_config.json beside it.",
        ) from error
    difference = _difference_in_ends(own, recorded)
    if difference is None and own.sha256 != recorded["sha256"]:
        built_with = find_recorded_tokenizer(recorded)
        difference = _first_difference(own, built_with) if built_with is not None else "its digest"
    if difference is None:
        return  # the same file, or one that was written anew and says the same
    raise SftdataError(
        f"{model}: the model's tokenizer is not the one {manifest.directory} was built with "
        f"('{recorded['name']}'); it differs in {difference}.",
        f"Build the dataset for this model: sftdata build … --tokenizer {model}",
    )


def check_vocabulary(manifest: Manifest, config: Any) -> None:
    """Raises when the dataset may hold an id the model has no embedding for."""
    size = getattr(config.get_text_config(), "vocab_size", None)
    if size is not None and manifest["tokenizer"]["vocab_size"] > size:
        raise SftdataError(
            f"The tokenizer of {manifest.directory} has {manifest['tokenizer']['vocab_size']:,} "
            f"entries; the model has embeddings for {size:,}.",
            "Give the model that belongs to the tokenizer.",
        )


def check_lengths(longest: int, what: str, config: Any) -> None:
    """Raises when a sequence has more positions than the model."""
    limit = getattr(config.get_text_config(), "max_position_embeddings", None)
    if limit is not None and longest > limit:
        raise SftdataError(
            f"The longest {what} has {longest:,} tokens; the model has {limit:,} positions.",
            f"Build with --max-length {limit}, or pack with it.",
        )


def check_boundaries(model: Any, examples: Sequence[Example], pad_id: int) -> None:
    """Raises when the model attends from one example of a pack to another.

    Not every model makes a block-diagonal mask of positions that start again; one that does not
    would train on mixed examples without a word. One small pack tells.
    """
    first, second = (_shortened(example) for example in examples[:2])
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        alone = _hidden(model, collate([[second]], pad_id), device)
        packed = _hidden(model, collate([[first, second]], pad_id), device)
    model.train(was_training)
    difference = float((packed[len(first.input_ids) :] - alone).abs().max())
    scale = float(alone.abs().max())
    tolerance = 1e-3 if alone.dtype in (torch.float32, torch.float64) else 5e-2
    if difference > tolerance * scale:
        raise SftdataError(
            f"{type(model).__name__} mixes the examples of a pack: the same example gives other "
            f"logits beside another one (by {difference:.3g} of {scale:.3g}).",
            "Train without --packed, or with another --attention.",
        )


def _hidden(model: Any, batch: dict[str, Any], device: torch.device) -> torch.Tensor:
    on_device = {name: tensor.to(device) for name, tensor in batch.items()}
    logits: torch.Tensor = model(**model_inputs(model, on_device)).logits[0]
    return logits


def _shortened(example: Example, tokens: int = 32) -> Example:
    ids, mask = example.input_ids[:tokens], example.label_mask[:tokens]
    return Example(example.row_id, example.template, ids, mask, example.target_start)


def _has_tokenizer(directory: Path) -> bool:
    return (directory / "tokenizer.json").is_file() or any(directory.glob("*.model"))


def _difference_in_ends(own: Tokenizer, recorded: Mapping[str, Any]) -> str | None:
    """What the config files beside tokenizer.json say otherwise than when the data was built."""
    for name in ("eos_id", "bos_id", "vocab_size"):
        if getattr(own, name) != recorded[name]:
            return f"{name} ({getattr(own, name)}, built with {recorded[name]})"
    return None


def _first_difference(own: Tokenizer, built_with: Tokenizer) -> str | None:
    """In what the two tokenizers differ, or None where the probes show nothing."""
    if own.control_tokens != built_with.control_tokens:
        return "its control tokens"
    probes = texts(PROBES)
    for kind in ("encode_prompts", "encode_targets"):
        a, b = (_ids(getattr(load_encoder(t, REFERENCE), kind)(probes)) for t in (own, built_with))
        for text, one, other in zip(PROBES, a, b, strict=True):
            if one != other:
                return f"the ids of {text!r} ({one[:6]}…, {other[:6]}…)"
    return None


def _ids(encoded: Any) -> list[list[int]]:
    lists = pa.LargeListArray.from_arrays(pa.array(encoded.offsets), pa.array(encoded.ids))
    ids: list[list[int]] = lists.to_pylist()
    return ids
