"""What `sftdata env` shows: versions, the machine, the cache."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from sftdata.base import environment
from sftdata.base.environment import describe_environment
from sftdata.base.version import __version__


def test_versions_and_the_machine_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "elsewhere")
    facts = describe_environment()
    assert facts["sftdata"] == __version__
    assert facts["packages"]["pyarrow"] == pa.__version__
    assert facts["cache"] == str(Path("elsewhere/sftdata"))
    assert facts["cores"] >= 1
    assert facts["memory"] is None or facts["memory"] > 2**20


def test_a_package_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_PACKAGES", ("pyarrow", "no-such-package"))
    packages = describe_environment()["packages"]
    assert packages == {"pyarrow": pa.__version__, "no-such-package": None}
