"""The load of this run, and the tally of each test that counts its tries."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.fault_stage import MakeStage, open_stages
from support.loads import LOAD, TALLIES, Load, Tally


@pytest.fixture(scope="session")
def load(pytestconfig: pytest.Config) -> Load:
    return pytestconfig.stash.get(LOAD, Load())


@pytest.fixture
def tally(request: pytest.FixtureRequest, load: Load) -> Tally:
    tally = Tally(may_be_empty=not load.is_quick)
    request.config.stash.setdefault(TALLIES, []).append((request.node.nodeid, tally))
    return tally


@pytest.fixture(scope="module")
def make_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeStage]:
    with open_stages(tmp_path_factory.mktemp("commands")) as make:
        yield make
