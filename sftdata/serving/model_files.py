"""The files of an adapter or a model that others need, and its card."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path, PurePath
from typing import Any

from sftdata.base.files import sha256_of, write_atomically
from sftdata.base.reporting import Report
from sftdata.base.sealed_json import FILES
from sftdata.base.wording import list_names
from sftdata.errors import VerificationError
from sftdata.serving.model_card import FILE as CARD
from sftdata.serving.model_card import LOSS_PLOT, is_our_card, render_model_card
from sftdata.serving.passport import FILE as PASSPORT
from sftdata.serving.passport import Passport

# Files of a training by an earlier version, whose passport records only the weights.
_KNOWN = (
    LOSS_PLOT, "metrics.jsonl", "validation.jsonl", "adapter_config.json", "config.json",
    "generation_config.json", "*.safetensors.index.json", "tokenizer.json",
    "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
    "vocab.txt", "merges.txt", "*.model", "chat_template.jinja", "chat_template.json",
)  # fmt: skip
_LICENSE = "LICENSE"
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

    They are those of the passport, which must be as it records them, and a LICENSE.
    Raises `VerificationError` where they are not.
    """
    folder = passport.directory
    recorded = {**passport["weights"], **passport.content.get(FILES, {})}
    _check_files(folder, recorded)
    wanted = {PASSPORT, CARD, _LICENSE, *recorded}
    if FILES not in passport.content:
        wanted |= {path.name for path in folder.iterdir() if _is_known(path.name)}
    files: dict[str, Path | bytes] = {
        name: folder / name for name in sorted(wanted) if (folder / name).is_file()
    }
    tops = {PurePath(name).parts[0] for name in files}
    entries = sorted(path.name for path in folder.iterdir())
    left = [name for name in entries if name not in tops and not name.startswith(".")]
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


def _check_files(folder: Path, recorded: Mapping[str, str]) -> None:
    faults = []
    for name, digest in recorded.items():
        path = folder / name
        if not path.is_file():
            faults.append(f"{path}: the file is missing")
        elif sha256_of(path) != digest:
            faults.append(f"{path}: not the file of the training (the digest differs)")
    if faults:
        raise VerificationError(
            f"{folder} does not agree with {PASSPORT}:\n" + "\n".join(faults),
            "Put the files back, or train again.",
        )


def _is_known(name: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in _KNOWN)
