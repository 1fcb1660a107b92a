"""`import sftdata`: the names that it shows, and that each of them is there."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support import public_api
from support.places import ROOT

import sftdata


def test_dir_shows_the_api_and_each_name_is_there() -> None:
    assert dir(sftdata) == sorted(sftdata.__all__)
    assert {"build", "load", "stats", "inspect", "doctor", "render_prompt"} <= {*dir(sftdata)}
    for name in dir(sftdata):
        assert getattr(sftdata, name) is not None


def test_a_checker_sees_the_names_that_are_there_at_run_time() -> None:
    assert sftdata.__all__ == sorted(sftdata.__all__)
    assert set(sftdata._HOMES) | {"__version__"} == set(sftdata.__all__)
    assert (ROOT / "sftdata" / "py.typed").is_file()


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'sftdata' has no attribute 'lod'"):
        _ = sftdata.lod


def test_the_program_that_mypy_checks_from_outside_uses_the_public_names() -> None:
    assert public_api.use.__annotations__ == {"out": "Path", "return": "None"}


def test_import_loads_neither_arrow_nor_pydantic() -> None:
    code = "import sftdata, sys; dir(sftdata); print({'pyarrow', 'pydantic'} & sys.modules.keys())"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"
