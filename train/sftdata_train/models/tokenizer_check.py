"""Compare the model's tokenizer with the one a dataset was built with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from sftdata.base.arrow import texts
from sftdata.base.reporting import Report
from sftdata.errors import SftdataError, TokenizerError
from sftdata.tokenizing.encoder import REFERENCE, load_encoder
from sftdata.tokenizing.load import load_tokenizer
from sftdata.tokenizing.recorded import find_recorded_tokenizer
from sftdata.tokenizing.tokenizer import Tokenizer
from sftdata.writing.manifest import Manifest
from sftdata_train.models.tokenizer_files import has_tokenizer

# Tokenizers differ on these: digits, spaces, composed and combining accents, other scripts.
_PROBES = (
    "The quick brown fox jumps over the lazy dog.",
    "  two  blanks\n\nand\ttabs \n",
    "1234567890 3.14159 -1e9 0x7F",
    "naïve cafe\u0301 Straße",
    "日本語のテキスト и русский текст",
    "👩‍👩‍👧‍👦 ✓ “quoted” —",
    "<|im_start|>user</s>[INST]",
    "def f(x):\n    return x ** 2  # comment\n",
)


def check_tokenizer(manifest: Manifest, model: str, report: Report) -> None:
    """Raises when the model's tokenizer encodes text differently from the dataset's.

    A model directory without a tokenizer is accepted, with a warning to `report`.
    """
    recorded = manifest["tokenizer"]
    if Path(model).is_dir() and not has_tokenizer(Path(model)):
        report(
            f"Warning: {model} has no tokenizer to compare with the dataset's "
            f"('{recorded['name']}'); the ids are assumed to be the same."
        )
        return
    try:
        own = load_tokenizer(model).with_text_tokens(recorded.get("text_tokens", ()))
    except TokenizerError as error:
        raise SftdataError(
            f"{model}: the model's tokenizer cannot be read, so its ids cannot be compared with "
            f"those of {manifest.directory}: {str(error).splitlines()[0]}",
            "Put the model's tokenizer.json and tokenizer_config.json into its directory.",
            code="E603",
        ) from error
    difference = _compare_config(own, recorded)
    if difference is None and own.sha256 != recorded["sha256"]:
        built_with = find_recorded_tokenizer(recorded)
        difference = _compare_encoding(own, built_with) if built_with is not None else "its digest"
    if difference is None:
        return  # the same file, or one that was saved again and encodes the same
    raise SftdataError(
        f"{model}: the model's tokenizer is not the one {manifest.directory} was built with "
        f"('{recorded['name']}'); it differs in {difference}.",
        f"Build the dataset for this model: sftdata build … --tokenizer {model}",
        code="E603",
    )


def _compare_config(own: Tokenizer, recorded: Mapping[str, Any]) -> str | None:
    """The first setting of tokenizer_config.json that differs from the recorded one, or None."""
    for name in ("eos_id", "bos_id", "vocab_size"):
        if getattr(own, name) != recorded[name]:
            return f"{name} ({getattr(own, name)}, built with {recorded[name]})"
    return None


def _compare_encoding(own: Tokenizer, built_with: Tokenizer) -> str | None:
    """The first difference in control tokens or in the ids of the probes, or None."""
    if own.control_tokens != built_with.control_tokens:
        return "its control tokens"
    probes = texts(_PROBES)
    for kind in ("encode_prompts", "encode_targets"):
        a, b = (_ids(getattr(load_encoder(t, REFERENCE), kind)(probes)) for t in (own, built_with))
        for text, one, other in zip(_PROBES, a, b, strict=True):
            if one != other:
                return f"the ids of {text!r} ({one[:6]}…, {other[:6]}…)"
    return None


def _ids(encoded: Any) -> list[list[int]]:
    lists = pa.LargeListArray.from_arrays(pa.array(encoded.offsets), pa.array(encoded.ids))
    ids: list[list[int]] = lists.to_pylist()
    return ids
