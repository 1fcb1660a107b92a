"""Builds inside a process, each against its own floor (see children/floor.py)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from measure import Contender, Runs, interleave, run_child
from setup import CHILDREN, PYTHON, Setup, build_arguments, describe, inside
from table import Row, compared

PLAIN = "gpt2"
# The settings of the memory that a build has (see sftdata.cli.memory), for a program of any kind.
_KEEPS_MEMORY = (
    "env",
    "ARROW_DEFAULT_MEMORY_POOL=system",
    "MALLOC_ARENA_MAX=1",
    "MALLOC_MMAP_THRESHOLD_=33554432",
    "MALLOC_TRIM_THRESHOLD_=1073741824",
)


@dataclass(frozen=True)
class Shape:
    """A kind of build: the files it reads, and its arguments."""

    data: Sequence[Path]
    arguments: Sequence[str]


def plain(setup: Setup) -> Iterator[Row]:
    """The gpt2 build against its floor, at two sizes, and what the floor is made of; and against
    the floor in a process that keeps its memory as a build does."""
    for times in (1, setup.scaled(10, 2)):
        data = setup.inputs.repeated(times)
        shape = Shape([data], build_arguments([data], setup.tokenizers / PLAIN))
        runs = _measure(setup, {PLAIN: shape}, f"{times}-", kept=(False, True))
        yield _against_floor(runs, setup.size(data))
        floors = runs.usages[_floor(PLAIN)]
        parts = {p: median(f.said["parts"][p] for f in floors) for p in floors[0].said["parts"]}
        yield Row("  the floor", "", ", ".join(f"{p} {s:.2f}" for p, s in parts.items()))
        kept = _floor(PLAIN, keeps_memory=True)
        yield Row(
            f"  the same with the memory settings of a build, {setup.size(data)}",
            f"{runs.median(PLAIN):.2f} s",
            f"{runs.median(kept):.2f} s",
            f"{runs.ratio(PLAIN, kept):.3g}",
        )


def others(setup: Setup) -> Iterator[Row]:
    """Other tokenizers and kinds of build: each one's cost over its floor against that of gpt2."""
    shapes = {PLAIN: _plain(setup, PLAIN)}
    shapes |= {name: _plain(setup, name) for name in ("smollm2", "qwen3", "mistral-v3")}
    shapes |= {
        "chat, smollm2": _plain(setup, "smollm2", "--chat"),
        "2 shots, gpt2": _plain(setup, PLAIN, "--shots", "2"),
        "mixture of two halves, gpt2": _mixture(setup),
    }
    runs = _measure(setup, shapes)
    plain_costs = _costs(runs, PLAIN)
    for name in shapes:
        if name == PLAIN:
            continue
        costs = _costs(runs, name)
        yield compared(
            f"{name}: cost over its floor, against gpt2",
            f"{runs.median(name):.2f} s, {median(costs):.2f} x its floor",
            f"{median(plain_costs):.2f} x",
            median(a / b for a, b in zip(costs, plain_costs, strict=True)),
            "≤",
            1.5,
        )


def _against_floor(runs: Runs, size: str) -> Row:
    floor = _floor(PLAIN)
    return compared(
        f"build inside the process, gpt2, {size}, against the floor",
        f"{runs.median(PLAIN):.2f} s",
        f"{runs.median(floor):.2f} s",
        runs.ratio(PLAIN, floor),
        "≤",
        1.5,
    )


def _plain(setup: Setup, tokenizer: str, *more: str) -> Shape:
    data = [setup.inputs.corpus]
    return Shape(data, build_arguments(data, setup.tokenizers / tokenizer, *more))


def _mixture(setup: Setup) -> Shape:
    """Both halves whole: at temperature 1 each source has the share of its size."""
    data = setup.inputs.halves()
    sources = "".join(
        f'\n[[sources]]\nname = "half-{number}"\nspec = "summarize"\ndata = ["{path}"]\n'
        for number, path in enumerate(data)
    )
    spec = setup.folder / "halves.toml"
    spec.write_text(
        'task = "halves"\nmax_length = 1000000\n\n[mixture]\nby = "rows"\ntemperature = 1.0\n'
        f"max_repeats = 1\n{sources}"
    )
    tokenizer = str(setup.tokenizers / PLAIN)
    return Shape(data, ["--spec", str(spec), "--tokenizer", tokenizer])


def _measure(
    setup: Setup, shapes: dict[str, Shape], prefix: str = "", kept: Sequence[bool] = (False,)
) -> Runs:
    """Each build and its floor; one floor for each of `kept`, whether it keeps its memory."""
    contenders = []
    for name, shape in shapes.items():
        folder = _texts(setup, f"{prefix}{name}", shape)
        contenders.append(inside(name, shape.arguments))
        contenders += [_bare(name, folder, shape.data, keeps_memory=keep) for keep in kept]
    return interleave(contenders, setup.runs)


def floor_of(setup: Setup, data: Path) -> Contender:
    """The floor of the gpt2 build of a file, in a process that keeps its memory as a build does."""
    shape = Shape([data], build_arguments([data], setup.tokenizers / PLAIN))
    folder = _texts(setup, f"of-{data.stem}", shape)
    return replace(_bare(PLAIN, folder, shape.data, keeps_memory=True), name="floor")


def _texts(setup: Setup, name: str, shape: Shape) -> Path:
    """A folder with what a floor needs of a build of that shape."""
    folder = setup.folder / f"floor-{name}"
    if not folder.exists():
        folder.mkdir()
        run_child([PYTHON, CHILDREN / "floor_texts.py", folder, *shape.arguments], folder)
    return folder


def _bare(name: str, folder: Path, data: Sequence[Path], *, keeps_memory: bool) -> Contender:
    """The floor of the build in `folder`, with the same name."""
    size = str(describe(folder / "set")["bytes"])
    settings = _KEEPS_MEMORY if keeps_memory else ()
    return Contender(
        _floor(name, keeps_memory=keeps_memory),
        lambda out: [*settings, PYTHON, CHILDREN / "floor.py", folder, size, out, *data],
    )


def _floor(name: str, *, keeps_memory: bool = False) -> str:
    return f"floor of {name}{', keeping memory' if keeps_memory else ''}"


def _costs(runs: Runs, name: str) -> list[float]:
    """In each round, the build's time over its floor's."""
    pairs = zip(runs.usages[name], runs.usages[_floor(name)], strict=True)
    return [build.seconds / floor.seconds for build, floor in pairs]
