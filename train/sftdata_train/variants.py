"""Variants: the same rows with another number of shots before the prompt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sftdata.errors import SftdataError
from sftdata.manifest import Manifest


def build_variant(manifest: Manifest, shots: int, out: Path) -> Path:
    """Builds the data set of the manifest with `shots` shots in `out`, and gives that directory.

    Raises `SftdataError` when the manifest does not say how it was built.
    """
    spec = manifest.content.get("spec")
    if spec is None:
        raise SftdataError(
            f"{manifest.directory} does not say how it was built, so its rows cannot be built "
            f"with {shots} shots.",
            "Build it again with this version, or evaluate with the shots it has.",
        )
    from sftdata import builder
    from sftdata.spec import Spec

    build: Any = builder.build
    build(spec=Spec.model_validate(spec), shots=shots, out=out)
    return out
