"""The time of each stage of a build, without overlap (see children/build_stages.py)."""

from __future__ import annotations

from statistics import median

from measure import Contender, interleave
from setup import CHILDREN, PYTHON, Setup, build_arguments, touch_data

HEAD = ("stage of the gpt2 build, one after another", "seconds", "share")


def table(setup: Setup) -> list[tuple[str, str, str]]:
    """Stage, seconds and share, the largest first. Medians over the runs."""
    arguments = build_arguments([setup.inputs.corpus], setup.tokenizers / "gpt2")
    script = CHILDREN / "build_stages.py"
    command = Contender(
        "ours",
        lambda out: [PYTHON, script, *arguments, "--out", out / "dataset"],
        prepare=lambda out: touch_data(arguments),
    )
    runs = interleave([command], setup.runs).usages["ours"]
    seconds = {
        stage: median(usage.printed["stages"].get(stage, 0.0) for usage in runs)
        for stage in runs[0].printed["stages"]
    }
    total = sum(seconds.values())
    lines = sorted(seconds.items(), key=lambda item: -item[1])
    rows = [(stage, f"{spent:.3f}", f"{spent / total:.1%}") for stage, spent in lines]
    missing = runs[0].printed["missing"]
    if missing:
        rows.append((f"functions not found, counted in other stages: {', '.join(missing)}", "", ""))
    return [*rows, ("all", f"{total:.3f}", "")]
