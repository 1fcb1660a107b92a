"""Sent: values that go to other processes."""

from __future__ import annotations

from dataclasses import fields
from typing import Any


class Sent:
    """The base of dataclasses of which another process gets the fields alone.

    What was computed of them, a thread may be adding to while they are pickled; and not all of it,
    as a compiled template, can be pickled.
    """

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
