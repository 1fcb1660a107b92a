"""How much the fault suite tries, and what it finds.

CI tries a little of each kind; `tests/faults/run_faults.py` tries the whole, or a part of it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

T = TypeVar("T")


@dataclass(frozen=True)
class Load:
    """A part of the whole load: all parts together try everything. `parts` 0: the little of CI."""

    part: int = 0
    parts: int = 0

    @property
    def is_quick(self) -> bool:
        return not self.parts

    def count(self, whole: int, quick: int) -> int:
        """How often to try, of `whole` times; CI tries `quick` times."""
        if self.is_quick:
            return quick
        return whole // self.parts + (self.part < whole % self.parts)

    def choose(self, items: Sequence[T], quick: int, name: str) -> list[T]:
        """The items to try, in order; for CI, `quick` of them drawn by `name`."""
        if self.is_quick:
            drawn = random.Random(name).sample(range(len(items)), min(quick, len(items)))
            return [items[at] for at in sorted(drawn)]
        return list(items[self.part :: self.parts])

    def random(self, name: str) -> random.Random:
        """Another sequence for each part."""
        return random.Random(f"{name} {self.part} of {self.parts}")


@dataclass
class Tally:
    """How often each fault was tried on each thing, and the problems."""

    may_be_empty: bool = False  # one part of the load may have nothing to try
    tried: Counter[tuple[str, str]] = field(default_factory=Counter)
    failed: Counter[tuple[str, str]] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def add(self, thing: str, fault: str, problem: str | None = None) -> None:
        self.tried[thing, fault] += 1
        if problem is not None:
            self.failed[thing, fault] += 1
            self.problems.append(f"{thing}, {fault}: {problem}")

    def check(self) -> None:
        """Fails with all problems."""
        assert self.tried or self.may_be_empty
        assert not self.problems, "\n\n".join(self.problems)


LOAD = pytest.StashKey[Load]()
TALLIES = pytest.StashKey[list[tuple[str, Tally]]]()  # each with the id of its test
