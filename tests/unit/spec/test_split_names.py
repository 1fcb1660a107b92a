"""Names of splits: the usual spellings, and the spec's own name before them."""

from __future__ import annotations

import pytest

from sftdata.spec.split_names import find_split, training_split

DEFAULT = ("train", "validation", "test")


@pytest.mark.parametrize(
    ("name", "splits", "meant"),
    [
        ("train", DEFAULT, "train"),
        ("Train", DEFAULT, "train"),
        (" training ", DEFAULT, "train"),
        ("val", DEFAULT, "validation"),
        ("valid", DEFAULT, "validation"),
        ("dev", DEFAULT, "validation"),
        ("eval", DEFAULT, "test"),
        ("evaluation", DEFAULT, None),  # it may be of either kind
        ("ca_test", DEFAULT, None),
        ("ca_test", (*DEFAULT, "ca_test"), "ca_test"),
        ("val", ("train", "dev"), "dev"),  # the spec's own spelling
        ("dev", ("train", "validation", "dev"), "dev"),  # its own name goes first
        ("val", ("train", "test"), "validation"),  # not in the spec, and still one split
        ("", DEFAULT, None),
    ],
)
def test_a_name_means_a_split(name: str, splits: tuple[str, ...], meant: str | None) -> None:
    assert find_split(name, splits) == meant


@pytest.mark.parametrize(
    ("splits", "split"),
    [
        (DEFAULT, "train"),
        (("test", "training"), "training"),
        (("all",), "all"),  # there is no other to mean
        (("fit", "test"), None),
    ],
)
def test_one_split_is_trained_on(splits: tuple[str, ...], split: str | None) -> None:
    assert training_split(splits) == split
