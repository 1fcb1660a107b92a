"""Row order: in which order examples are trained on, and which rank takes which.

The order follows from a seed and an epoch alone, so a resumed run needs no more state than those
and the number of rows taken, and the order is the same for any number of ranks and loading
processes. The shuffle hashes row numbers itself: NumPy's shuffle may change between versions, and
the order of a resumed run must not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sftdata.errors import SftdataError

# The constants of splitmix64.
_GOLDEN, _MIX_1, _MIX_2 = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xBF58476D1CE4E5B9),
    np.uint64(0x94D049BB133111EB),
)


def shuffle_indices(count: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """int64[count]: the numbers below `count` in the order of this epoch."""
    key = _splitmix64(np.array([seed & (2**64 - 1)], np.uint64)) + np.uint64(epoch)
    hashes = _splitmix64(np.arange(count, dtype=np.uint64) ^ _splitmix64(key))
    return np.argsort(hashes, kind="stable").astype(np.int64)


def _splitmix64(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    values = values + _GOLDEN
    values = (values ^ (values >> np.uint64(30))) * _MIX_1
    values = (values ^ (values >> np.uint64(27))) * _MIX_2
    return values ^ (values >> np.uint64(31))


@dataclass(frozen=True, slots=True)
class StreamPosition:
    """How far a shuffled stream has come, over all ranks: the epoch, and the rows taken of it."""

    seed: int
    epoch: int = 0
    taken: int = 0

    def to_json(self) -> dict[str, int]:
        """The state to save with a checkpoint."""
        return asdict(self)

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> StreamPosition:
        """The position that was saved. Raises `SftdataError` for anything else."""
        try:
            return cls(**{name: int(state[name]) for name in ("seed", "epoch", "taken")})
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise SftdataError(
                f"The saved position {state!r} cannot be read: seed, epoch and taken are expected "
                f"({type(error).__name__}: {error}).",
                "Resume from a checkpoint that this version wrote, or start again.",
                code="E102",
            ) from error


def iterate_rows(
    position: StreamPosition, count: int, *, rank: int = 0, ranks: int = 1
) -> Iterator[tuple[int, StreamPosition]]:
    """The rows one rank takes from `position` to the end of the epoch, and the position after each.

    Ranks take turns, row by row, and the position counts the rows of all ranks, so a run can resume
    with another number of ranks. The last round of an epoch may leave some ranks without a row.
    """
    order = shuffle_indices(count, position.seed, position.epoch)
    for start in range(position.taken, count, ranks):
        if start + rank < count:
            after = StreamPosition(position.seed, position.epoch, min(start + ranks, count))
            yield int(order[start + rank]), after


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """The units that one rank computes at once, with the sums of the whole step."""

    units: tuple[int, ...]  # numbers of rows or of packs, never empty
    is_counted: bool  # false for a filler: this rank has no unit left in the step
    step_targets: int  # target tokens of the whole step: all micro-batches of all ranks
    step_tokens: int


@dataclass(frozen=True)
class StepPlan:
    """Which units, rows or packs, go into which step, micro-batch and rank.

    A step takes `ranks * accumulate * micro_batch` units in the order of the epoch; the last step
    takes the rest. Each unit is taken once an epoch. Steps hold the same units for any ranks,
    accumulation and micro-batch with the same product.
    """

    tokens: npt.NDArray[np.int64]  # [units], all tokens
    targets: npt.NDArray[np.int64]  # [units], tokens that count in the loss
    seed: int
    micro_batch: int = 1
    accumulate: int = 1
    ranks: int = 1

    @property
    def units_per_step(self) -> int:
        """Units of each step except the last."""
        return self.micro_batch * self.accumulate * self.ranks

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps of an epoch; the last one may hold fewer units."""
        return -(-len(self.tokens) // self.units_per_step)

    @property
    def micro_batches_per_epoch(self) -> int:
        """Micro-batches of an epoch on each rank; all ranks have the same number."""
        full, rest = divmod(len(self.tokens), self.units_per_step)
        return full * self.accumulate + -(-rest // (self.micro_batch * self.ranks))

    def iterate_epoch(self, epoch: int, rank: int = 0) -> Iterator[MicroBatch]:
        """The micro-batches of one rank, step by step."""
        order = shuffle_indices(len(self.tokens), self.seed, epoch)
        for start in range(0, len(order), self.units_per_step):
            yield from self._step(order[start : start + self.units_per_step], rank)

    def _step(self, units: npt.NDArray[np.int64], rank: int) -> Iterator[MicroBatch]:
        targets, tokens = int(self.targets[units].sum()), int(self.tokens[units].sum())
        for start in range(0, len(units), self.micro_batch * self.ranks):
            first = start + rank * self.micro_batch
            own = units[first : first + self.micro_batch]
            # Gradients are summed over all ranks, so a rank without units must take part too.
            filler = units[:1]
            chosen = own if len(own) else filler
            yield MicroBatch(tuple(chosen.tolist()), len(own) > 0, targets, tokens)
