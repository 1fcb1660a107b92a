"""The dataset card for the Hub, made from the manifest alone."""

from __future__ import annotations

from collections.abc import Mapping

from sftdata.spec.load import spec_from_json
from sftdata.writing.card import render_card
from sftdata.writing.manifest import Manifest


def render_hub_card(manifest: Manifest, repository: str, texts: Mapping[str, str]) -> bytes | None:
    """The card of a dataset that is loaded from `repository`; None if no spec is recorded.

    `texts`: the file with the texts of each split.
    """
    if not manifest["spec"]:
        return None
    spec = spec_from_json(manifest["spec"])
    return render_card(spec, manifest.content, repository=repository, texts=texts).encode()
