"""The name of a mixture: a digest of everything that decides its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from sftdata.spec.model import Mixture
from sftdata.writing.manifest import SCHEMA_VERSION


def mixture_name(mixture: Mixture, builds: Sequence[str]) -> str:
    """The name of a mixture; `builds` are those of its parts, in order."""
    key = [
        SCHEMA_VERSION,
        mixture.task,
        mixing_options(mixture),
        [[s.name, s.weight, s.cap, b] for s, b in zip(mixture.sources, builds, strict=True)],
    ]
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]


def mixing_options(mixture: Mixture) -> dict[str, Any]:
    """The options that decide how the parts are mixed."""
    return {n: getattr(mixture, n) for n in ("by", "temperature", "max_repeats", "seed")}
