"""TOML: what is none, or would take too long, is a `ValueError` soon."""

from __future__ import annotations

import time

import pytest

from sftdata.base.toml import parse_toml

HOSTILE = {
    "a key of many parts": "a." * 30_000 + "a = 1",
    "a quoted key of many parts": '"a" . ' * 30_000 + "a = 1",
    "a key of many parts in a table": "x = {y = 1, " + "'a'." * 30_000 + "a = 1}",
    "a table of many parts": "[[" + "a." * 30_000 + "a]]",
    "lists in lists": "a = " + "[" * 30_000,
    "whole lists in lists": "a = " + "[" * 101 + "]" * 101,
    "tables in tables": "a = " + "{a = " * 20_000 + "1" + "}" * 20_000,
    "a number of many digits": "a = " + "9" * 5000,
    "no TOML": "a = = 1",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_refused_soon(name: str) -> None:
    start = time.process_time()
    with pytest.raises(ValueError):
        parse_toml(HOSTILE[name])
    assert time.process_time() - start < 2


def test_texts_with_many_points_and_long_keys_are_read() -> None:
    keys = ".".join(f"k{i}" for i in range(100))
    text = f'a = "{"x." * 300}"\n{keys} = 1\nb = [' + ", ".join(["1.5"] * 300) + "]"
    assert list(parse_toml(text)) == ["a", "k0", "b"]
