"""Manifests that a test changes: written with their own digest, as the build would."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sftdata.base.sealed_json import KEY, seal, to_json


def write_manifest(dataset: Path, content: dict[str, Any]) -> None:
    """Writes the manifest, with a new digest if it had one."""
    sealed = seal(content) if KEY in content else content
    (dataset / "manifest.json").write_bytes(to_json(sealed))


def edit_manifest(dataset: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Changes the manifest of a dataset, and its digest with it."""
    content = json.loads((dataset / "manifest.json").read_bytes())
    edit(content)
    write_manifest(dataset, content)
