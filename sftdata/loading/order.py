"""Sampling: in which order examples are trained on, and which rank takes which.

Everything follows from a seed, an epoch and a place, so nothing has to be remembered but those
three, and the order is the same for any number of ranks and loading processes. The shuffle is by
hash: NumPy's own may change between its versions, and a resumed run must not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sftdata.errors import SftdataError

_GOLDEN, _MIX_1, _MIX_2 = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xBF58476D1CE4E5B9),
    np.uint64(0x94D049BB133111EB),
)


def shuffled(count: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """int64[count]: the numbers below `count` in the order of this epoch."""
    key = _mixed(np.array([seed & (2**64 - 1)], np.uint64)) + np.uint64(epoch)
    hashes = _mixed(np.arange(count, dtype=np.uint64) ^ _mixed(key))
    return np.argsort(hashes, kind="stable").astype(np.int64)


def _mixed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The values, each hashed by splitmix64."""
    values = values + _GOLDEN
    values = (values ^ (values >> np.uint64(30))) * _MIX_1
    values = (values ^ (values >> np.uint64(27))) * _MIX_2
    return values ^ (values >> np.uint64(31))


@dataclass(frozen=True, slots=True)
class Place:
    """How far all ranks together have come: an epoch, and how much of it is done."""

    seed: int
    epoch: int = 0
    taken: int = 0  # units of the epoch that all ranks have taken

    def to_json(self) -> dict[str, int]:
        """The state to save; `from_json` takes it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Place:
        """The place a saved state names. Raises `SftdataError` for another kind of state."""
        try:
            return cls(**{name: int(state[name]) for name in ("seed", "epoch", "taken")})
        except (KeyError, TypeError, ValueError) as error:
            raise SftdataError(
                f"{state!r} is not the state of a loader: {error}.",
                "Resume from a checkpoint this version wrote, or start again.",
            ) from error


def rows_from(
    place: Place, count: int, *, rank: int = 0, ranks: int = 1
) -> Iterator[tuple[int, Place]]:
    """The rows a rank takes from `place` to the end of the epoch, and the place after each.

    Ranks take turns, row by row, and the place counts the rows of all ranks: it may be handed to
    any number of them. The last round of an epoch may leave some ranks without a row.
    """
    order = shuffled(count, place.seed, place.epoch)
    for start in range(place.taken, count, ranks):
        if start + rank < count:
            after = Place(place.seed, place.epoch, min(start + ranks, count))
            yield int(order[start + rank]), after


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """What one rank computes at once, and what its step adds up to over all ranks."""

    units: tuple[int, ...]  # rows or packs; one of them, not to be counted, where there are none
    counts: bool  # whether the units count; false fills a rank that has none left in this step
    step_targets: int  # target tokens of the whole step: all micro-batches of all ranks
    step_tokens: int


@dataclass(frozen=True)
class StepPlan:
    """Which units go into which step, micro-batch and rank.

    A step takes `ranks * accumulate * micro_batch` units in the order of the epoch; the last step
    of an epoch takes what is left. Each unit is taken once an epoch, and the steps hold the same
    units for any split into ranks, micro-batches and accumulation that has the same product.
    """

    tokens: npt.NDArray[np.int64]  # [units]
    targets: npt.NDArray[np.int64]  # [units], tokens that count in the loss
    seed: int
    micro_batch: int = 1
    accumulate: int = 1
    ranks: int = 1

    @property
    def units_in_step(self) -> int:
        """Units of every step but the last."""
        return self.micro_batch * self.accumulate * self.ranks

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return -(-len(self.tokens) // self.units_in_step)

    @property
    def micro_batches(self) -> int:
        """Micro-batches of an epoch for each rank, the same for all."""
        full, rest = divmod(len(self.tokens), self.units_in_step)
        return full * self.accumulate + -(-rest // (self.micro_batch * self.ranks))

    def epoch(self, epoch: int, rank: int = 0) -> Iterator[MicroBatch]:
        """The micro-batches of one rank, step by step."""
        order = shuffled(len(self.tokens), self.seed, epoch)
        for start in range(0, len(order), self.units_in_step):
            yield from self._step(order[start : start + self.units_in_step], rank)

    def _step(self, units: npt.NDArray[np.int64], rank: int) -> Iterator[MicroBatch]:
        targets, tokens = int(self.targets[units].sum()), int(self.tokens[units].sum())
        for start in range(0, len(units), self.micro_batch * self.ranks):
            first = start + rank * self.micro_batch
            own = units[first : first + self.micro_batch]
            # Every rank must take part in every micro-batch, since gradients are summed over all.
            filler = units[:1]
            chosen = own if len(own) else filler
            yield MicroBatch(tuple(chosen.tolist()), len(own) > 0, targets, tokens)
