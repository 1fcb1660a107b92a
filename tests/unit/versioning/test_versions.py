"""Versions compare by number, and a selector takes those it is a prefix of."""

from __future__ import annotations

from sftdata.versioning.versions import Version, parse_selector


def test_1_10_comes_after_1_9_and_1_1_does_not_mean_1_10() -> None:
    assert Version(1, 10, 0) > Version(1, 9, 0)
    assert not parse_selector("a/b@1.1").takes(Version(1, 10, 0))
    assert parse_selector("a/b@1").takes(Version(1, 10, 0))
