"""TOML files: every way to be none is an error that names the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from sftdata.errors import SpecError
from sftdata.spec.toml import read_toml


@pytest.mark.parametrize(
    "text",
    [b"a = = 3", b"task = 'x\n", b"\x00", b"a = '\xe9'", b"a = " + b"[" * 9999],
    ids=["syntax", "open text", "control character", "not UTF-8", "too deep"],
)
def test_a_file_that_is_not_toml_is_an_error_that_names_it(text: bytes) -> None:
    Path("a.toml").write_bytes(text)
    with pytest.raises(SpecError, match=r"^a\.toml: not a TOML file"):
        read_toml(Path("a.toml"))


def test_a_file_that_is_not_there_is_an_error_with_the_way_out() -> None:
    with pytest.raises(SpecError, match=r"^nope\.toml: No such file or directory\.\nGive the path"):
        read_toml(Path("nope.toml"))
