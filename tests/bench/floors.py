"""Builds against their floors: reading, encoding and writing the same bytes, nothing else.

See children/floor.py. Both run in a process that has imported everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from measure import Contender, Runs, interleave, run_child
from setup import CHILDREN, PYTHON, Setup, build_arguments, describe, inside
from table import Row, compared

PLAIN = "gpt2"
# The memory settings of a build (see sftdata.base.memory), for a program without sftdata.
_MEMORY_SETTINGS = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "1073741824",
}


@dataclass(frozen=True)
class BuildKind:
    """A build to compare with its floor: its input files and arguments."""

    data: Sequence[Path]
    arguments: Sequence[str]


def gpt2_builds(setup: Setup) -> Iterator[Row]:
    """The gpt2 build against its floor, at two sizes, with and without its memory settings."""
    for times in (1, setup.scaled(10, 2)):
        data = setup.inputs.repeated(times)
        kind = BuildKind([data], build_arguments([data], setup.tokenizers / PLAIN))
        runs = _measure(setup, {PLAIN: kind}, f"{times}-", memory_settings=(False, True))
        yield _against_floor(runs, setup.size(data))
        floors = runs.usages[_floor_name(PLAIN)]
        parts = {
            p: median(f.printed["parts"][p] for f in floors) for p in floors[0].printed["parts"]
        }
        yield Row("  the floor", "", ", ".join(f"{p} {s:.2f}" for p, s in parts.items()))
        tuned = _floor_name(PLAIN, memory_settings=True)
        yield Row(
            f"  the same with the memory settings of a build, {setup.size(data)}",
            f"{runs.median(PLAIN):.2f} s",
            f"{runs.median(tuned):.2f} s",
            f"{runs.ratio(PLAIN, tuned):.3g}",
        )


def other_builds(setup: Setup) -> Iterator[Row]:
    """Other tokenizers and kinds of build: their cost over their floor, against that of gpt2."""
    kinds = {PLAIN: _plain(setup, PLAIN)}
    kinds |= {name: _plain(setup, name) for name in ("smollm2", "qwen3", "mistral-v3")}
    kinds |= {
        "chat, smollm2": _plain(setup, "smollm2", "--chat"),
        "2 shots, gpt2": _plain(setup, PLAIN, "--shots", "2"),
        "mixture of two halves, gpt2": _mixture(setup),
    }
    runs = _measure(setup, kinds)
    plain_costs = _costs(runs, PLAIN)
    for name in kinds:
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
    floor = _floor_name(PLAIN)
    return compared(
        f"build inside the process, gpt2, {size}, against the floor",
        f"{runs.median(PLAIN):.2f} s",
        f"{runs.median(floor):.2f} s",
        runs.ratio(PLAIN, floor),
        "≤",
        1.5,
    )


def _plain(setup: Setup, tokenizer: str, *more: str) -> BuildKind:
    data = [setup.inputs.corpus]
    return BuildKind(data, build_arguments(data, setup.tokenizers / tokenizer, *more))


def _mixture(setup: Setup) -> BuildKind:
    """Both halves of the corpus, with all rows: at temperature 1, shares are sizes."""
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
    return BuildKind(data, ["--spec", str(spec), "--tokenizer", tokenizer])


def _measure(
    setup: Setup,
    kinds: dict[str, BuildKind],
    prefix: str = "",
    memory_settings: Sequence[bool] = (False,),
) -> Runs:
    """Each build and its floors: one for each of `memory_settings`."""
    contenders = []
    for name, kind in kinds.items():
        folder = _record_floor(setup, f"{prefix}{name}", kind)
        contenders.append(inside(name, kind.arguments))
        contenders += [
            _floor(name, folder, kind.data, memory_settings=tuned) for tuned in memory_settings
        ]
    return interleave(contenders, setup.runs)


def floor_of(setup: Setup, data: Path) -> Contender:
    """The floor of the gpt2 build of a file, with the memory settings of a build."""
    kind = BuildKind([data], build_arguments([data], setup.tokenizers / PLAIN))
    folder = _record_floor(setup, f"of-{data.stem}", kind)
    return replace(_floor(PLAIN, folder, kind.data, memory_settings=True), name="floor")


def _record_floor(setup: Setup, name: str, kind: BuildKind) -> Path:
    """A folder with the texts and the tokenizer of a build, for its floor."""
    folder = setup.folder / f"floor-{name}"
    if not folder.exists():
        folder.mkdir()
        run_child([PYTHON, CHILDREN / "record_floor.py", folder, *kind.arguments], folder)
    return folder


def _floor(name: str, folder: Path, data: Sequence[Path], *, memory_settings: bool) -> Contender:
    """The floor of the build `name`, recorded in `folder`."""
    size = str(describe(folder / "dataset")["bytes"])
    return Contender(
        _floor_name(name, memory_settings=memory_settings),
        lambda out: [PYTHON, CHILDREN / "floor.py", folder, size, out, *data],
        environment=_MEMORY_SETTINGS if memory_settings else {},
    )


def _floor_name(name: str, *, memory_settings: bool = False) -> str:
    return f"floor of {name}{', with memory settings' if memory_settings else ''}"


def _costs(runs: Runs, name: str) -> list[float]:
    """In each round, the time of the build divided by that of its floor."""
    return runs.ratios(name, _floor_name(name))
