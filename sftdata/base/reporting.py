"""How a long task tells a person about itself: lines to read and rows that are done."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int], None]  # gets the number of source rows that are done


Report = Callable[[str], None]  # gets lines a person should see
