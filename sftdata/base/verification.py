"""What a check of a dataset found: faults, what it proved, and what it did not prove."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Verification:
    """The faults of a dataset, a line each; without any, what was proved and what was not."""

    faults: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)  # its lines say that all is right
    not_proved: list[str] = field(default_factory=list)  # and why
