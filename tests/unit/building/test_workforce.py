"""Who makes the examples of a build, by its options."""

from __future__ import annotations

import pytest

from sftdata.building.workforce import THIS_PROCESS, Workforce, choose_workforce
from sftdata.errors import SftdataError


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((1, "local", None), THIS_PROCESS),
        ((3, "local", None), Workforce(3)),
        ((1, "ray", None), Workforce(on_ray=True)),
        ((1, "ray", "head:6379"), Workforce(on_ray=True, cluster="head:6379")),
        ((2, "ray", None), "--workers 2 has no effect with --engine ray"),
        ((1, "local", "head:6379"), "--address head:6379 has no effect without --engine ray"),
    ],
)
def test_options_choose_the_workers(
    options: tuple[int, str, str | None], expected: Workforce | str
) -> None:
    if isinstance(expected, Workforce):
        assert choose_workforce(*options) == expected
        return
    with pytest.raises(SftdataError, match=expected):
        choose_workforce(*options)
