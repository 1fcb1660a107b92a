"""Manifests of tests: changed and written with their own digest, and the shards they name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sftdata.base.sealed_json import KEY, seal, to_json
from sftdata.writing.manifest import Manifest


def write_sealed(path: Path, content: dict[str, Any]) -> None:
    """Writes a manifest or a passport, with a new digest if it had one."""
    path.write_bytes(to_json(seal(content) if KEY in content else content))


def write_manifest(dataset: Path, content: dict[str, Any]) -> None:
    """Writes the manifest, with a new digest if it had one."""
    write_sealed(dataset / "manifest.json", content)


def edit_manifest(dataset: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Changes the manifest of a dataset, and its digest with it."""
    content = json.loads((dataset / "manifest.json").read_bytes())
    edit(content)
    write_manifest(dataset, content)


def shard_paths(manifest: Manifest) -> list[Path]:
    """Every shard of a dataset, absolute or relative as its folder is."""
    return [
        manifest.directory / shard["path"]
        for split in manifest["splits"].values()
        for shard in split["shards"]
    ]
