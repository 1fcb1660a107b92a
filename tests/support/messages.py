"""Messages about faults in a file, without the lines where they stand."""

from __future__ import annotations

import re


def without_lines(message: object) -> str:
    """The message without ` (line 3)` after the names of keys."""
    return re.sub(r" \(line \d+\)", "", str(message))
