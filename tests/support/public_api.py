"""A user's program. mypy checks it strictly with the rest, so the API has these types.

An `ignore` that hides nothing is an error, so each one proves that a wrong use is found.
"""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

import numpy as np
import numpy.typing as npt

import sftdata


def use(out: Path) -> None:
    """Every public function, with the types that a checker sees."""
    outcome = sftdata.build("summarize", max_length=512, keep="end", seed=3, shots=(0, 2), out=out)
    assert_type(outcome, sftdata.Outcome)
    sftdata.build("summarize", max_length="512", out=out)  # type: ignore[arg-type]
    sftdata.build("summarize", max_lenght=512, out=out)  # type: ignore[call-arg]
    sftdata.build("summarize", keep="ends", out=out)  # type: ignore[arg-type]

    data = sftdata.load(out)
    assert_type(data["train"], sftdata.Split)
    assert_type(data["train"][-1], sftdata.Example)
    assert_type(data["train"][:2], sftdata.Split)
    row = data["train"][0]
    assert_type(row.input_ids, npt.NDArray[np.int32])
    assert_type((row.text, row.prompt, row.target), tuple[str, str, str])
    assert_type(row.tokens, tuple[str, ...])
    data["train"]["a"]  # type: ignore[call-overload]
    data[0]  # type: ignore[index]

    numbers = sftdata.stats(data, by="split")
    assert_type(numbers["prompt_length"]["p95"], int)
    numbers["promt_length"]  # type: ignore[typeddict-item]
    sftdata.stats(out, by="splits")  # type: ignore[arg-type]
    assert_type(sftdata.doctor(out), list[sftdata.Finding])
    rows = sftdata.inspect(out, random=3)
    assert_type(rows, sftdata.Rows)
    assert_type(rows[0], sftdata.InspectedRow)
    assert_type(rows[0].text, str)
