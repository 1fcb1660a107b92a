"""Whole builds: against other libraries, on disk, and in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from floors import floor_of
from measure import Contender, Runs, interleave, run_child
from setup import CHILDREN, PYTHON, Setup, build_arguments, check_same_work, describe, whole
from table import Row, compared

# Loops, filters and conditions: no part of it can be rendered a column at a time.
LINES_TEMPLATE = """\
{#
description = "Summarize the numbered lines of an article."
shorten = "article"
#}
{% block prompt %}
{% for line in article.split("\\n") %}
{% if line | trim %}
{{ loop.index }}. {{ line | trim }}
{% endif %}
{% endfor %}

Summary in {% if article | length > 3000 %}a paragraph{% else %}a sentence{% endif %}:
{% endblock %}
{% block target %}
{{ summary | trim }}
{%- endblock %}
"""


def against_datasets(setup: Setup) -> Iterator[Row]:
    """Against `datasets.map` with `tokenizers`, at two sizes."""
    goals = {1: 15.0, setup.scaled(10, 2): 40.0}
    for times, goal in goals.items():
        data = setup.inputs.repeated(times)
        others = [_contender(setup, "datasets_build.py", data), floor_of(setup, data)]
        runs = _measure(setup, data, *others, warm_up=times == 1)
        yield _compared(f"build, gpt2, {setup.size(data)}, against datasets", runs, goal)
        yield _floor_row("datasets", runs)
        ours, theirs = (runs.median(name, lambda usage: usage.cpu) for name in ("ours", "other"))
        yield Row("  processor time", f"{ours:.2f} s", f"{theirs:.1f} s", f"{theirs / ours:.3g}")


def against_trl(setup: Setup) -> Iterator[Row]:
    """Against the preparation in TRL's trainer, at two sizes."""
    yield from _against_peer(setup, "TRL", "trl", {1: 50.0, setup.scaled(10, 2): 100.0})


def against_axolotl(setup: Setup) -> Iterator[Row]:
    """Against `axolotl preprocess`."""
    yield from _against_peer(setup, "axolotl", "axolotl", {1: 15.0})


def against_llamafactory(setup: Setup) -> Iterator[Row]:
    """Against the preparation in LLaMA-Factory's SFT stage."""
    yield from _against_peer(setup, "LLaMA-Factory", "llamafactory", {1: 25.0})


def _against_peer(
    setup: Setup, name: str, package: str, goals: Mapping[int, float]
) -> Iterator[Row]:
    """Whole processes. `goals` maps copies of the corpus in the input to the ratio to reach."""
    python = setup.python_with(package)
    if python is None:
        yield Row(f"build, gpt2, against {name}", "", f"no interpreter has {package}")
        return
    for times, goal in goals.items():
        data = setup.inputs.repeated(times)
        others = [_contender(setup, f"{package}_prepare.py", data, python), floor_of(setup, data)]
        runs = _measure(setup, data, *others, warm_up=times == 1)
        size = setup.size(data)
        yield _compared(f"build, gpt2, {size}, against {name}", runs, goal)
        alone = runs.printed("other", "preparation")
        yield Row(
            f"  the same without {name}'s imports, {size}",
            f"{runs.median('ours'):.2f} s",
            f"{alone:.1f} s",
            f"{alone / runs.median('ours'):.3g}",
        )
        yield _floor_row(name, runs)


def with_jinja(setup: Setup) -> Iterator[Row]:
    """A template with loops and conditions, against `datasets.map` with jinja2."""
    folder = setup.folder / "lines"
    template = folder / "templates" / "summarize" / "lines.jinja"
    template.parent.mkdir(parents=True)
    template.write_text(LINES_TEMPLATE)
    data = setup.inputs.corpus
    arguments = build_arguments([data], _gpt2(setup), "--template", "summarize/lines")
    contenders = [
        whole("ours", arguments, cwd=folder),
        whole("workers", [*arguments, "--workers", "2"], cwd=folder),
        _contender(setup, "datasets_build.py", data, PYTHON, template),
    ]
    runs = interleave(contenders, setup.runs)
    _check(runs)
    yield _compared("build, Jinja template with loops, against datasets", runs, 15)
    yield Row(
        "  the same with --workers 2",
        f"{runs.median('workers'):.2f} s",
        f"{runs.median('other'):.1f} s",
        f"{runs.ratio('other', 'workers'):.3g}",
    )


def on_disk(setup: Setup) -> Iterator[Row]:
    """Bytes per token: the shards with all columns, and the same rows saved by `datasets`."""
    directory = setup.example_dataset()
    script = CHILDREN / "save_with_datasets.py"
    printed = run_child([PYTHON, script, directory, setup.folder / "layout"], setup.folder).printed
    ours = describe(directory)
    check_same_work(ours["tokens"], printed["tokens"], "tokens on disk")
    shards = ours["bytes"] / ours["tokens"]
    yield Row(
        "bytes on disk per token, all columns",
        f"{shards:.2f}",
        f"{printed['bytes'] / printed['tokens']:.2f}",
        f"{printed['bytes'] / ours['bytes']:.3g}",
        "≤ 4.4",
        shards <= 4.4,
    )
    every = ours["every_file"] / ours["tokens"]
    yield Row("  with journal, ledger, card and plots", f"{every:.2f}")


def in_memory(setup: Setup) -> Iterator[Row]:
    """The memory peak of the largest process of a build, at three sizes."""
    factors = sorted({1, setup.scaled(4, 2), setup.scaled(16, 3)})
    data = {times: setup.inputs.repeated(times) for times in factors}
    contenders = [whole(str(n), build_arguments([data[n]], _gpt2(setup))) for n in factors]
    runs = interleave(contenders, setup.runs, warm_up=False)
    peaks = {n: runs.median(str(n), lambda usage: usage.peak) for n in factors}
    for times, peak in peaks.items():
        size = setup.size(data[times])
        yield Row(f"peak memory, build of {size}", f"{peak:.0f} MB", "", "", "≤ 700", peak <= 700)
    middle = peaks[factors[1]]
    off = max(abs(peak - middle) / middle for peak in peaks.values())
    yield Row(
        "  largest difference from the middle size", f"{off:.1%}", "", "", "≤ 10%", off <= 0.1
    )


def _gpt2(setup: Setup) -> Path:
    return setup.tokenizers / "gpt2"


def _contender(
    setup: Setup, script: str, data: Path, python: Path = PYTHON, *more: Path
) -> Contender:
    return Contender(
        "other", lambda out: [python, CHILDREN / script, data, _gpt2(setup), out, *more]
    )


def _measure(setup: Setup, data: Path, *others: Contender, warm_up: bool) -> Runs:
    """All contenders in turns. A larger input needs no warm-up after a smaller one."""
    arguments = build_arguments([data], _gpt2(setup))
    runs = interleave([whole("ours", arguments), *others], setup.runs, warm_up=warm_up)
    _check(runs)
    return runs


def _check(runs: Runs) -> None:
    for key in ("rows", "tokens"):
        check_same_work(runs.printed("ours", key), runs.printed("other", key), key)


def _floor_row(peer: str, runs: Runs) -> Row:
    """The peer against the floor of the build: the largest ratio a build could reach."""
    return Row(
        f"  the floor, its imports not counted, against {peer}",
        f"{runs.median('floor'):.2f} s",
        f"{runs.median('other'):.1f} s",
        f"{runs.ratio('other', 'floor'):.3g}",
    )


def _compared(figure: str, runs: Runs, goal: float) -> Row:
    ours, other = f"{runs.median('ours'):.2f} s", f"{runs.median('other'):.1f} s"
    return compared(figure, ours, other, runs.ratio("other", "ours"), "≥", goal)
