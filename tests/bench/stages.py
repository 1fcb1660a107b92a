"""Stages: where the time of one build goes, each stage by itself (see children/build_stages.py)."""

from __future__ import annotations

from statistics import median

from measure import Contender, interleave
from setup import CHILDREN, PYTHON, Setup, build_arguments, touch_data

HEAD = ("stage of the gpt2 build, one after another", "seconds", "share")


def table(setup: Setup) -> list[tuple[str, str, str]]:
    """Stage, seconds and share, the largest first; medians over the runs."""
    arguments = build_arguments([setup.inputs.corpus], setup.tokenizers / "gpt2")
    script = CHILDREN / "build_stages.py"
    command = Contender(
        "ours",
        lambda out: [PYTHON, script, *arguments, "--out", out / "set"],
        prepare=lambda out: touch_data(arguments),
    )
    runs = interleave([command], setup.runs).usages["ours"]
    seconds = {
        stage: median(usage.said["stages"].get(stage, 0.0) for usage in runs)
        for stage in runs[0].said["stages"]
    }
    total = sum(seconds.values())
    lines = sorted(seconds.items(), key=lambda item: -item[1])
    rows = [(stage, f"{spent:.3f}", f"{spent / total:.1%}") for stage, spent in lines]
    missing = runs[0].said["missing"]
    if missing:
        rows.append((f"not found, so counted elsewhere: {', '.join(missing)}", "", ""))
    return [*rows, ("all", f"{total:.3f}", "")]
