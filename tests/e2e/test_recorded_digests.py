"""Builds give the bytes that are on record, so moving code between modules changed no dataset.

Equal rows give equal bytes, whatever version of the code builds them: people compare datasets by
these digests, and a change that nobody meant must not pass. `support.recorded_builds` says which
builds these are and how to record them again.
"""

from __future__ import annotations

import pytest
from support.recorded_builds import (
    Options,
    build_and_digest,
    bundled_builds,
    read_record,
    real_builds,
)

RECORD = read_record()
BUNDLED = bundled_builds()
REAL = real_builds()


@pytest.mark.parametrize(("name", "options"), BUNDLED.items(), ids=BUNDLED.keys())
def test_the_bundled_samples_give_the_recorded_bytes(name: str, options: Options) -> None:
    assert build_and_digest(options) == RECORD[name]


@pytest.mark.real
@pytest.mark.parametrize(("name", "options"), REAL.items(), ids=REAL.keys())
def test_the_real_golden_sets_give_the_recorded_bytes(name: str, options: Options) -> None:
    assert build_and_digest(options) == RECORD[name]


def test_the_record_has_these_builds_and_no_others() -> None:
    assert list(RECORD) == [*BUNDLED, *REAL]


def test_each_way_for_a_row_to_leave_or_change_is_on_record() -> None:
    """A record of builds in which nothing happens would prove little."""
    for builds in (BUNDLED, REAL):
        assert any(RECORD[name]["cut"] for name in builds)
        reasons = {reason for name in builds for reason in RECORD[name]["dropped"]}
        assert {"too_long", "near_duplicate", "contaminated"} <= reasons
    shards = [str(RECORD[name]["shards"]) for name in RECORD]
    assert len(set(shards)) == len(shards)
