"""Builds with small sizes, so that little data makes many chunks, batches and shards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sftdata.base.sizes import Sizes
from sftdata.building.build import Outcome, build_spec
from sftdata.building.workforce import Workforce
from sftdata.spec.load import load_spec


def build_with(**sizes: int) -> Callable[..., Outcome]:
    """`sftdata.build` of a spec file, with other `Sizes`."""

    def build(*, spec: Path | str, out: Path | str, workers: int = 1, **options: Any) -> Outcome:
        loaded = load_spec(file=Path(spec), **options)
        return build_spec(loaded, out=out, workforce=Workforce(workers), sizes=Sizes(**sizes))

    return build
