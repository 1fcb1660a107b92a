"""The files of an adapter or a model that others need, and its card."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path, PurePath
from typing import Any

from sftdata.base.files import sha256_of, write_atomically
from sftdata.base.reporting import Report
from sftdata.base.wording import list_names
from sftdata.errors import VerificationError
from sftdata.serving.model_card import FILE as CARD
from sftdata.serving.model_card import LOSS_PLOT, is_our_card, render_model_card
from sftdata.serving.passport import FILE as PASSPORT
from sftdata.serving.passport import Passport

_PUBLISHED = (
    PASSPORT, CARD, LOSS_PLOT, "metrics.jsonl", "validation.jsonl", "adapter_config.json",
    "config.json", "generation_config.json", "*.safetensors", "*.safetensors.index.json",
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.json", "vocab.txt", "merges.txt", "*.model", "chat_template.jinja",
    "chat_template.json", "configuration_*.py", "modeling_*.py", "LICENSE*",
)  # fmt: skip
_SHOWN = 5


def write_model_card(passport: Passport) -> None:
    """Write the card beside the weights, unless there is one that the user has written."""
    path = passport.directory / CARD
    if is_our_card(path):
        write_atomically(path, render_model_card(passport).encode())


def list_model_files(
    passport: Passport,
    repository: str,
    evaluation: Mapping[str, Any] | None = None,
    *,
    report: Report = lambda line: None,
) -> dict[str, Path | bytes]:
    """The files for `repository`, by their name; the card is made for it.

    Raises `VerificationError` when weights are not those of the passport.
    """
    folder = passport.directory
    _check_weights(passport)
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    files: dict[str, Path | bytes] = {
        path.name: path
        for path in entries
        if path.is_file() and any(fnmatch(path.name, pattern) for pattern in _PUBLISHED)
    }
    left = [path.name for path in entries if path.name not in files]
    if left:
        report(f"{folder} also holds {list_names(left, _SHOWN)}, which is not pushed.")
    base = passport["base_model"]["name"]
    if PurePath(base).is_absolute():
        report(
            f"The base model is a folder of this machine, {base}, so the card names it without a "
            f"link and {PASSPORT} shows its path."
        )
    card = folder / CARD
    if is_our_card(card):
        files[CARD] = render_model_card(passport, repository, evaluation).encode()
    else:
        report(f"{card} is not a card of sftdata, so it is pushed as it is.")
    return files


def _check_weights(passport: Passport) -> None:
    faults = []
    for name, digest in passport["weights"].items():
        path = passport.directory / name
        if not path.is_file():
            faults.append(f"{path}: the file is missing")
        elif sha256_of(path) != digest:
            faults.append(f"{path}: not the weights that were trained (the digest differs)")
    if faults:
        raise VerificationError(
            f"{passport.directory} does not agree with {PASSPORT}:\n" + "\n".join(faults),
            "Put the files back, or train again.",
        )
