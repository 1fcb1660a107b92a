"""Models and adapters from disk: safetensors only, and no code but our own unless asked for."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from sftdata.errors import SftdataError, did_you_mean
from sftdata_train.recipe import Recipe

CONFIG, ADAPTER_CONFIG, ADAPTER_WEIGHTS = (
    "config.json",
    "adapter_config.json",
    "adapter_model.safetensors",
)
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


def load_config(name: str, *, trust_remote_code: bool = False) -> Any:
    """The config of the model in the directory `name`, or of that name on the Hub.

    Raises `SftdataError` when there is none or it asks for code of its own.
    """
    from transformers import AutoConfig

    if Path(name).exists():
        _check_directory(Path(name), trust_remote_code)
    try:
        return AutoConfig.from_pretrained(name, trust_remote_code=trust_remote_code)
    except Exception as error:  # transformers and its HTTP client raise a dozen kinds
        raise _not_loaded(name, error) from error


def load_model(
    name: str,
    *,
    dtype: torch.dtype,
    attention: str = "auto",
    quantized: bool = False,
    trust_remote_code: bool = False,
) -> Any:
    """The causal language model in the directory `name`, or of that name on the Hub.

    Raises `SftdataError` when there is none, its weights are pickled, or it asks for code.
    """
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # of files, beside our own
    load_config(name, trust_remote_code=trust_remote_code)
    if Path(name).exists():
        _check_weights(Path(name))
    options: dict[str, Any] = {} if attention == "auto" else {"attn_implementation": attention}
    if quantized:
        options["quantization_config"] = _four_bits(dtype)
    try:
        return AutoModelForCausalLM.from_pretrained(
            name, dtype=dtype, use_safetensors=True, trust_remote_code=trust_remote_code, **options
        )
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # as above
        raise _not_loaded(name, error) from error


def load_adapter(model: Any, adapter: Path) -> Any:
    """`model` with the LoRA adapter in `adapter` on it.

    Raises `SftdataError` when there is none, its weights are pickled, or it does not fit.
    """
    from peft import PeftModel

    if not (adapter / ADAPTER_CONFIG).is_file():
        raise SftdataError(
            f"{adapter} holds no adapter: there is no {ADAPTER_CONFIG}.",
            "Train one: sftdata train DATASET --model MODEL --out ADAPTER",
        )
    if not (adapter / ADAPTER_WEIGHTS).is_file():
        raise _pickled(adapter) if any(adapter.glob("*.bin")) else _no_weights(adapter)
    try:
        with _older_names():
            return PeftModel.from_pretrained(model, str(adapter))
    except (RuntimeError, ValueError, KeyError) as error:
        raise SftdataError(
            f"{adapter}: the adapter does not fit the model: {_first_line(error)}",
            "Give the model it was trained on; sftdata audit names it.",
        ) from error


def adapt(model: Any, recipe: Recipe) -> Any:
    """`model` with fresh LoRA weights on the recipe's targets, and everything else frozen.

    Raises `SftdataError` when the model has no such modules.
    """
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    if recipe.method == "qlora":
        model = prepare_model_for_kbit_training(  # type: ignore[no-untyped-call]
            model, use_gradient_checkpointing=recipe.checkpointing
        )
    names: str | list[str] = recipe.targets
    if recipe.targets != "all-linear":
        names = [name.strip() for name in recipe.targets.split(",") if name.strip()]
        _check_targets(model, names)
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,  # type: ignore[arg-type]  # peft divides it by r
        lora_dropout=recipe.dropout,
        target_modules=names,
        fan_in_fan_out=_has_conv1d(model),
        task_type="CAUSAL_LM",
    )
    with _older_names():
        return get_peft_model(model, config)


def output_head(model: Any) -> torch.nn.Module:
    """The module that projects hidden states to the vocabulary, also of a model with an adapter."""
    head = model.get_output_embeddings()
    if not isinstance(head, torch.nn.Module):
        raise SftdataError(f"{type(model).__name__} has no vocabulary projection to train on.")
    return head


def choose_device() -> torch.device:
    """The GPU when there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def choose_dtype(recipe: Recipe) -> torch.dtype:
    """The type the frozen weights are held in."""
    if recipe.precision == "float32" or (
        recipe.precision == "auto" and not torch.cuda.is_available()
    ):
        return torch.float32
    return torch.bfloat16


def _check_directory(directory: Path, trust_remote_code: bool) -> None:
    path = directory / CONFIG
    if not path.is_file():
        found = ", ".join(sorted(p.name for p in directory.glob("*.json"))) or "no JSON file"
        raise SftdataError(
            f"{directory} holds no model: there is no {CONFIG} (found: {found}).",
            "Give the directory save_pretrained wrote, or a name on the Hugging Face Hub.",
        )
    try:
        config = json.loads(path.read_bytes())
    except ValueError as error:
        raise SftdataError(f"{path}: not valid JSON: {error}") from error
    if config.get("auto_map") and not trust_remote_code:
        code = ", ".join(sorted(map(str, config["auto_map"].values())))
        raise SftdataError(
            f"{directory}: the model runs code of its own ({code}), which is not trusted.",
            "Read that code, and if you trust it: --trust-remote-code",
        )


def _check_weights(directory: Path) -> None:
    if any(directory.glob("*.safetensors")):
        return
    raise (
        _pickled(directory)
        if any(p for pattern in _PICKLED for p in directory.glob(pattern))
        else _no_weights(directory)
    )


def _pickled(directory: Path) -> SftdataError:
    files = sorted(p.name for pattern in _PICKLED for p in directory.glob(pattern))
    return SftdataError(
        f"{directory}: the weights are pickled ({', '.join(files[:3])}); loading a pickle runs "
        "whatever it says, so it is not done.",
        "Convert them where they are trusted: model.save_pretrained(DIR, safe_serialization=True)",
    )


def _no_weights(directory: Path) -> SftdataError:
    return SftdataError(
        f"{directory}: there are no weights (no *.safetensors).", "Download the model again."
    )


def _not_loaded(name: str, error: Exception) -> SftdataError:
    if Path(name).exists():
        return SftdataError(
            f"{name}: the model cannot be loaded: {_first_line(error)}",
            "Check that it is a causal language model this version of transformers knows.",
        )
    return SftdataError(
        f"There is no model directory '{name}', and the Hub does not give a model of that name: "
        f"{_first_line(error)}",
        "Give a directory that holds config.json, or check the name and the connection.",
    )


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"


def _check_targets(model: Any, names: list[str]) -> None:
    known = {
        name.rsplit(".", 1)[-1]
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) or type(module).__name__ == "Conv1D"
    }
    unknown = [name for name in names if name.rsplit(".", 1)[-1] not in known]
    if unknown or not names:
        name = unknown[0] if unknown else ""
        raise SftdataError(
            f"The model has no linear module '{name}' to adapt.",
            f"{did_you_mean(name, known)} Or take them all: --targets all-linear",
        )


@contextmanager
def _older_names() -> Iterator[None]:
    """peft asks for an attribute by a name transformers warns of, which no user can change."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated")
        yield


def _has_conv1d(model: Any) -> bool:
    return any(type(module).__name__ == "Conv1D" for module in model.modules())


def _four_bits(dtype: torch.dtype) -> Any:
    if not torch.cuda.is_available():
        raise SftdataError(
            "The method 'qlora' holds weights in 4 bits, for which bitsandbytes needs a CUDA "
            "device; there is none.",
            "Train with --method lora, or on a machine with a GPU.",
        )
    try:
        import bitsandbytes  # type: ignore[import-not-found,unused-ignore]  # noqa: F401
    except ImportError as error:
        raise SftdataError(
            "The method 'qlora' needs bitsandbytes.", "Install it: pip install bitsandbytes"
        ) from error
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )
