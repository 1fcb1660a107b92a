"""Pickling: what of a record goes to another process."""

from __future__ import annotations

from dataclasses import fields
from typing import Any


class PicklesFieldsOnly:
    """The base of dataclasses that are pickled without their cached properties.

    A cached value, such as a compiled template, may be impossible to pickle, and another thread
    may be adding one while the record is pickled. The other process computes it again.
    """

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
