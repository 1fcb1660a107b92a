"""Rebuilds after a change of rows or template, as a share of the time of a full build."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from measure import Contender, Runs, interleave
from setup import HERE, ROOT, Checkout, Setup, build, build_arguments, inside, touch_data, whole
from table import Row, compared

_SETTLED_SECONDS = 1.1  # digests of files that were changed more recently are not cached
FULL = "full"
NOTHING = "nothing changed"
SPREAD, TOGETHER = "1 % of rows edited, spread evenly", "1 % of rows edited, in one place"
INSERTED = "one row inserted first"
GOALS = {NOTHING: 0.03, SPREAD: 0.10, TOGETHER: 0.10, INSERTED: 0.10}
TEMPLATE = "a word of the template changed"

Commands = dict[str, tuple[list[str], Path | None]]  # arguments of a build, and its folder


def shares(setup: Setup) -> Iterator[Row]:
    """Rebuilds at two sizes, as whole processes and inside a process."""
    changed = _changed_template(setup.folder / "changed")
    for times in (1, setup.scaled(10, 2)):
        data = setup.inputs.repeated(times)
        commands = _commands(setup, data, changed)
        before = setup.folder / f"before-{times}"
        arguments, _ = commands[FULL]
        build(arguments, before / "dataset", setup.folder)
        for how, make in (("whole process", whole), ("inside", inside)):
            runs = _measure(setup.runs, before, commands, make)
            for name in commands:
                if name != FULL:
                    yield _share_row(runs, name, f"{setup.size(data)}, {how}")
        shutil.rmtree(before)


def _commands(setup: Setup, data: Path, changed: Path) -> Commands:
    tokenizer, inputs = setup.tokenizers / "gpt2", setup.inputs
    arguments = build_arguments([data], tokenizer)
    return {
        FULL: (arguments, None),
        NOTHING: (arguments, None),
        SPREAD: (build_arguments([inputs.edited(data, 100)], tokenizer), None),
        TOGETHER: (build_arguments([inputs.edited_together(data, 100)], tokenizer), None),
        INSERTED: (build_arguments([inputs.inserted(data)], tokenizer), None),
        TEMPLATE: ([*arguments, "--template", "summarize/article@draft"], changed),
    }


def _measure(
    rounds: int,
    before: Path,
    commands: Commands,
    make: Callable[[str, Sequence[str], Path | None], Contender],
) -> Runs:
    """Full builds and rebuilds in turns. All rebuilds start from the dataset in `before`."""
    full, _ = commands[FULL]
    contenders = [make(name, arguments, folder) for name, (arguments, folder) in commands.items()]
    return interleave(
        [
            contender
            if contender.name == FULL
            else start_from(before, contender, commands[contender.name][0], full)
            for contender in contenders
        ],
        rounds,
    )


def start_from(
    before: Path,
    rebuild: Contender,
    arguments: Sequence[str],
    full: Sequence[str],
    checkout: Checkout = HERE,
) -> Contender:
    """The rebuild with these arguments, in a copy of the dataset in `before`, not in its time.

    `full` are the arguments that built the dataset.
    """

    def prepare(out: Path) -> None:
        shutil.copytree(before / "dataset", out / "dataset")
        time.sleep(_SETTLED_SECONDS)
        # Caches the digests of the copied shards, as they would be after a build.
        build(full, out / "dataset", out, checkout)
        if arguments != full:
            touch_data(arguments)

    return replace(rebuild, prepare=prepare)


def _share_row(runs: Runs, name: str, how: str) -> Row:
    figure = f"rebuild of {how}: {name}"
    ours, full, share = runs.median(name), runs.median(FULL), runs.ratio(name, FULL)
    cells = figure, f"{ours:.3f} s", f"full: {full:.2f} s"
    if name in GOALS:
        return compared(*cells, share, "≤", GOALS[name])
    return Row(*cells, f"{share:.3g}")


def _changed_template(folder: Path) -> Path:
    """A working folder with a draft of the template that has another word in its prompt."""
    text = (ROOT / "templates" / "summarize" / "article.jinja").read_text(encoding="utf-8")
    path = folder / "templates" / "summarize" / "article.jinja"
    path.parent.mkdir(parents=True)
    path.write_text(text.replace("\nArticle:\n", "\nReport:\n"), encoding="utf-8")
    return folder
