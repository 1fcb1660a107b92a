"""The line of a key in a TOML file."""

from __future__ import annotations

import pytest

from sftdata.spec.toml_lines import find_line

TEXT = '''\
# task = 1
task = "a = b"
data = [
  "x",     # seed = 3
  "[y",
]
long = """
seed = 5
"""
seed = 4
split.train = 0.5

[fields]
"a b" = { path = "x" }

[[sources]]
spec = "qa"
[[sources]]
weight = 0
'''


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (["task"], 2),
        (["data"], 3),
        (["data", 1], 3),  # the nearest key around it
        (["seed"], 10),
        (["split", "train"], 11),
        (["fields"], 13),
        (["fields", "a b", "path"], 14),
        (["sources"], 16),
        (["sources", 0, "spec"], 17),
        (["sources", 1, "weight"], 19),
        (["sources", 1, "spec"], 18),
        (["nope"], None),
        ([], None),
    ],
)
def test_the_line_of_a_key(keys: list[str | int], line: int | None) -> None:
    assert find_line(TEXT, keys) == line
