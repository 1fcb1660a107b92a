"""Load models: safetensors weights only, and code that comes with a model only if allowed."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from sftdata.base.full_disk import with_place
from sftdata.errors import SftdataError
from sftdata_train.models.device import choose_device
from sftdata_train.models.model_dropout import find_dropout, set_dropout
from sftdata_train.resource_errors import find_refusal

CONFIG = "config.json"
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


def load_config(name: str, *, trust_remote_code: bool = False) -> Any:
    """The config of the model in the directory `name`, or of that name on the Hub.

    Raises `SftdataError` when the config is missing or unreadable, or needs remote code.
    """
    from transformers import AutoConfig

    if Path(name).exists():
        _check_directory(Path(name), trust_remote_code)
    try:
        return AutoConfig.from_pretrained(name, trust_remote_code=trust_remote_code)
    except Exception as error:  # transformers and its HTTP client raise many classes
        raise explain_load_error(name, error) from error


def load_model(
    name: str,
    *,
    dtype: torch.dtype,
    attention: str = "auto",
    quantized: bool = False,
    without_dropout: bool = False,
    trust_remote_code: bool = False,
) -> Any:
    """The causal language model in the directory `name`, or of that name on the Hub.

    `without_dropout` turns off the dropout of its config.

    Raises `SftdataError` when the model is missing, pickled, or needs remote code.
    """
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # we report progress ourselves
    config = load_config(name, trust_remote_code=trust_remote_code)
    if without_dropout:
        set_dropout(config, dict.fromkeys(find_dropout(config), 0.0))
    if Path(name).exists():
        require_safetensors(Path(name))
    options: dict[str, Any] = {} if attention == "auto" else {"attn_implementation": attention}
    if quantized:
        require_four_bits()
        options["quantization_config"] = make_four_bit_config(dtype)
        options["device_map"] = {"": choose_device()}  # each rank on its own GPU
    try:
        return AutoModelForCausalLM.from_pretrained(
            name,
            config=config,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=trust_remote_code,
            **options,
        )
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # many classes, as above
        raise explain_load_error(name, error) from error


def locate_model(name: str) -> str:
    """The absolute path of a model directory; a name on the Hub as it is."""
    return str(Path(name).absolute()) if Path(name).exists() else name


def find_model_folder(name: str, revision: str | None = None) -> Path | None:
    """The folder of a model's files: the directory `name`, or a Hub model's in the local cache."""
    from huggingface_hub import try_to_load_from_cache

    if Path(name).is_dir():
        return Path(name)
    try:
        cached = try_to_load_from_cache(name, CONFIG, revision=revision)
    except ValueError:  # a path, which is not a name on the Hub
        return None
    return Path(cached).parent if isinstance(cached, str) else None


def require_safetensors(directory: Path, pattern: str = "*.safetensors") -> None:
    """Raises `SftdataError` when the weights are missing, or pickled instead."""
    if any(directory.glob(pattern)):
        return
    pickled = sorted(path.name for kind in _PICKLED for path in directory.glob(kind))
    if pickled:
        raise SftdataError(
            f"{directory}: the weights are pickled ({', '.join(pickled[:3])}), and loading a "
            "pickle can run any code.",
            "Convert them on a machine that trusts them: "
            "model.save_pretrained(DIR, safe_serialization=True)",
            code="E901",
        )
    raise SftdataError(
        f"{directory}: there are no weights (no {pattern}).",
        "Download the model again.",
        code="E901",
    )


def first_line(error: Exception) -> str:
    """The class and the first line of an error of another library."""
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"


def name_class(model: Any) -> str:
    """The class of a model, without its adapter."""
    return type(without_adapter(model)).__name__


def without_adapter(model: Any) -> Any:
    """The model below an adapter, or the model itself."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def _check_directory(directory: Path, trust_remote_code: bool) -> None:
    path = directory / CONFIG
    if not path.is_file():
        found = ", ".join(sorted(p.name for p in directory.glob("*.json"))) or "no JSON file"
        raise SftdataError(
            f"{directory} holds no model: there is no {CONFIG} (found: {found}).",
            "Give the directory save_pretrained wrote, or a name on the Hugging Face Hub.",
            code="E901",
        )
    try:
        config = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise SftdataError(f"{path}: not valid JSON: {error}", code="E901") from error
    if not isinstance(config, dict):
        raise SftdataError(f"{path}: a JSON object is expected.", code="E901")
    own_code = config.get("auto_map")
    if own_code and not trust_remote_code:
        named = own_code.values() if isinstance(own_code, dict) else [own_code]
        code = ", ".join(sorted(map(str, named)))
        raise SftdataError(
            f"{directory}: the model runs code of its own ({code}), which is not trusted.",
            "Read that code; if you trust it, add --trust-remote-code.",
            code="E901",
        )


def explain_load_error(name: str, error: Exception) -> SftdataError | OSError:
    """The error of a model that another library could not load."""
    if Path(name).exists():
        if refusal := find_refusal(error):
            return with_place(refusal, name)
        return SftdataError(
            f"{name}: the model cannot be loaded: {first_line(error)}",
            "Check that this version of transformers supports it as a causal language model.",
            code="E901",
        )
    return SftdataError(
        f"There is no model directory '{name}', and no model of that name could be loaded from "
        f"the Hub: {first_line(error)}",
        "Give a directory with a config.json, or check the name and the connection.",
        code="E901",
    )


def require_four_bits() -> None:
    """Raises `SftdataError` when this machine cannot hold weights in 4 bits."""
    if not torch.cuda.is_available():
        raise SftdataError(
            "The method 'qlora' needs a CUDA device, because bitsandbytes stores weights in 4 bits "
            "on GPUs only.",
            "Train with --method lora, or on a machine with a GPU.",
            code="E905",
        )
    if find_spec("bitsandbytes") is None:
        raise SftdataError(
            "The method 'qlora' needs bitsandbytes.",
            "Install it: pip install bitsandbytes",
            code="E905",
        )


def make_four_bit_config(dtype: torch.dtype) -> Any:
    """4-bit NormalFloat with quantized scales, as in the QLoRA paper; `dtype` computes."""
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )
