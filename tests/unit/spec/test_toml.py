"""TOML files: every way to be none is an error that names the file."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sftdata.errors import SpecError
from sftdata.spec.load import load_spec
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


def test_a_spec_of_many_faults_is_one_short_message_soon() -> None:
    Path("many.toml").write_text("".join(f"k{i} = 1\n" for i in range(4000)))
    start = time.process_time()
    with pytest.raises(SpecError, match=r"k7 \(line 8\): unknown key") as caught:
        load_spec(file=Path("many.toml"))
    assert time.process_time() - start < 2
    lines = str(caught.value).splitlines()
    assert len(lines) == 102
    assert lines[-1].endswith("more faults")


def test_a_long_value_is_shown_in_part() -> None:
    Path("long.toml").write_text(f"max_length = [{'1,' * 5000}]\n")
    with pytest.raises(SpecError, match=r"max_length \(line 1\): .*…") as caught:
        load_spec(file=Path("long.toml"))
    assert len(str(caught.value)) < 1000
