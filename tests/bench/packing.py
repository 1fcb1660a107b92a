"""Pack plans for many rows."""

from __future__ import annotations

from collections.abc import Iterator

from measure import Contender, interleave
from setup import CHILDREN, PYTHON, Setup
from table import Row


def plans(setup: Setup) -> Iterator[Row]:
    """`plan_packs` for 1,000,000 lengths, against TRL's packing of rows of these lengths.

    TRL copies tokens into packs; a plan names rows and copies no token.
    """
    count = setup.scaled(1_000_000, 10_000)
    contenders = [Contender("ours", lambda out: [PYTHON, CHILDREN / "plan_packs.py", str(count)])]
    trl = setup.python_with("trl")
    if trl is not None:
        script = CHILDREN / "trl_pack.py"
        contenders.append(Contender("other", lambda out: [trl, script, str(count), out]))
    runs = interleave(contenders, setup.runs)
    seconds, packs, bound = (runs.printed("ours", key) for key in ("seconds", "packs", "bound"))
    other = f"{runs.median('other'):.1f} s" if trl else "no interpreter has trl"
    ratio = f"{runs.ratio('other', 'ours'):.3g}" if trl else ""
    figure = f"pack plan for {count:,} lengths"
    yield Row(figure, f"{seconds:.2f} s", other, ratio, "≤ 1.5 s", seconds <= 1.5)
    over = packs / bound - 1
    yield Row(
        "  packs above the lower bound",
        f"{over:.3%}",
        f"{runs.printed('other', 'packs') / bound - 1:.3%}" if trl else "",
        "",
        "≤ 0.5%",
        over <= 0.005,
    )
