"""Rebuilds: what a change of the rows or of the template costs, as a share of a full build."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from measure import Contender, Runs, interleave
from setup import ROOT, Setup, build, build_arguments, inside, touch_data, whole
from table import Row, compared

SETTLED_SECONDS = 1.1
FULL = "full"
NOTHING = "nothing changed"
SPREAD, TOGETHER = "1 % of rows edited, all over", "1 % of rows edited, in one place"
INSERTED = "one row inserted first"
GOALS = {NOTHING: 0.03, SPREAD: 0.10, TOGETHER: 0.10, INSERTED: 0.10}
TEMPLATE = "a word of the template changed"

Commands = dict[str, tuple[list[str], Path | None]]  # arguments of a build, and where it is run


def shares(setup: Setup) -> Iterator[Row]:
    """Rebuilds at two sizes, as whole processes and inside a process."""
    changed = _changed_template(setup.folder / "changed")
    for times in (1, setup.scaled(10, 2)):
        data = setup.inputs.repeated(times)
        commands = _commands(setup, data, changed)
        before = setup.folder / f"before-{times}"
        arguments, _ = commands[FULL]
        build(arguments, before / "set", setup.folder)
        for how, make in (("whole process", whole), ("inside", inside)):
            runs = _measure(setup.runs, before, commands, make)
            for name in commands:
                if name != FULL:
                    yield _share(runs, name, f"{setup.size(data)}, {how}")
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
    """Each rebuild starts from a copy of the same full build; the copy is not in its time.

    A build that finds nothing to do makes the copy a set that sftdata has left there itself.
    """
    full, cwd = commands[FULL]

    def copy(arguments: Sequence[str], out: Path) -> None:
        shutil.copytree(before / "set", out / "set")
        time.sleep(SETTLED_SECONDS)  # a file that was touched just now is not remembered
        build(full, out / "set", cwd or out)
        if arguments != full:
            touch_data(arguments)

    contenders = [
        contender if name == FULL else replace(contender, prepare=partial(copy, arguments))
        for name, (arguments, folder) in commands.items()
        for contender in [make(name, arguments, folder)]
    ]
    return interleave(contenders, rounds)


def _share(runs: Runs, name: str, how: str) -> Row:
    figure = f"rebuild of {how}: {name}"
    ours, full, share = runs.median(name), runs.median(FULL), runs.ratio(name, FULL)
    cells = figure, f"{ours:.3f} s", f"full: {full:.2f} s"
    if name in GOALS:
        return compared(*cells, share, "≤", GOALS[name])
    return Row(*cells, f"{share:.3g}")


def _changed_template(folder: Path) -> Path:
    """A working folder whose own draft of the template has another word in its prompt."""
    text = (ROOT / "templates" / "summarize" / "article.jinja").read_text(encoding="utf-8")
    path = folder / "templates" / "summarize" / "article.jinja"
    path.parent.mkdir(parents=True)
    path.write_text(text.replace("\nArticle:\n", "\nReport:\n"), encoding="utf-8")
    return folder
