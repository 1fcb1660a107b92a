"""Secrets in the texts of a dataset, which must not be published: keys and card numbers."""

from __future__ import annotations

from pathlib import Path

from sftdata.inspecting.doctor import Finding, diagnose
from sftdata.loading.dataset import load
from sftdata.writing.manifest import PARTS

_CHECKS = ("secret-key", "card-number")


def find_secrets(directory: Path) -> list[Finding]:
    """The findings of the doctor that name secrets, also in the parts of a mixture.

    Raises `SftdataError` when the tokenizer of the build is gone, so that no text can be read.
    """
    data = load(directory)
    folders = [directory / PARTS / part for part in data.manifest.part_names]
    found = diagnose(data, only=_CHECKS)
    for folder in folders:
        found += diagnose(load(folder), only=_CHECKS)
    return found
