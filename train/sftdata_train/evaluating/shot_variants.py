"""Build a dataset again with another number of shots before each prompt."""

from __future__ import annotations

from pathlib import Path

from sftdata.building.build import build_spec
from sftdata.errors import SftdataError
from sftdata.spec.load import spec_from_json
from sftdata.spec.model import Mixture, Spec
from sftdata.writing.manifest import Manifest


def build_with_shots(manifest: Manifest, shots: int, out: Path) -> Path:
    """Build the dataset of the manifest with `shots` shots in `out`, and return that directory.

    `max_length` grows by one example per shot, so that shots do not shorten prompts.
    Raises `SftdataError` for mixtures, and when the dataset can no longer be built.
    """
    spec = spec_from_json(manifest["spec"])
    if isinstance(spec, Mixture):
        raise SftdataError(
            f"{manifest.directory} is a mixture, which cannot be built with other shots.",
            "Evaluate without --shots, or build and evaluate its tasks one by one.",
            code="E706",
        )
    build_spec(_with_shots(spec, shots, list(manifest["template"])), out=out)
    return out


def _with_shots(spec: Spec, shots: int, built_with: list[str]) -> Spec:
    room = None if spec.max_length is None else spec.max_length * (1 + shots)
    templates = tuple(  # the recorded versions, not the latest ones
        choice.model_copy(update={"id": label})
        for choice, label in zip(spec.templates, built_with, strict=True)
    )
    return spec.model_copy(
        update={
            "templates": templates,
            "shots": (shots,),
            "max_length": room,
            "max_dropped": 100.0,
        }
    )
