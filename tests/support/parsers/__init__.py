"""What the parsers are tried with: whole documents of each kind, and a function that reads one.

`tests/property/test_parsers.py` damages the documents with hypothesis, and `tests/property/fuzz.py`
with atheris, which looks for bytes that reach new code.
"""

from __future__ import annotations

from collections.abc import Callable

from support.parsers import datasets, evaluations, models, rows, specs, templates
from support.parsers.parser import Parser

PARSERS: dict[str, Callable[[], Parser]] = {
    **specs.PARSERS,
    **templates.PARSERS,
    **datasets.PARSERS,
    **rows.PARSERS,
    **models.PARSERS,
    **evaluations.PARSERS,
}
