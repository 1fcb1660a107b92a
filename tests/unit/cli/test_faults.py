"""The error about a damaged dataset: exit code 3, the first faults, and how many more."""

from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest

from sftdata.base.full_disk import FullDiskError, needing, with_place
from sftdata.cli.faults import damaged, explain_os_error


@pytest.mark.parametrize(("faults", "last"), [(20, "fault 19"), (1234, "… and 1,214 more")])
def test_twenty_faults_are_shown(faults: int, last: str) -> None:
    error = damaged(Path("data/x"), [f"fault {i}" for i in range(faults)])
    head, *shown, hint = str(error).splitlines()
    assert error.exit_code == 3
    assert head == "data/x does not agree with its manifest:"
    assert shown[:20] == [f"fault {i}" for i in range(20)]
    assert (shown[-1], hint) == (last, "Build it again; intact parts are reused.")


def test_damaged_plans_are_made_again_by_pack_not_by_a_build() -> None:
    plan = "data/x/packs/512-train.arrow: the pack plan cannot be read"
    assert str(damaged(Path("data/x"), [plan])).endswith("sftdata pack data/x --max-length N")
    both = damaged(Path("data/x"), [plan, "data/x/shards/1.arrow: the file is missing"])
    assert str(both).endswith("Build it again; intact parts are reused.")


@pytest.mark.parametrize(
    ("number", "code", "way_out"),
    [
        (errno.ENOSPC, "E802", "Make room on the disk"),
        (errno.EMFILE, "E803", "ulimit -n"),
        (errno.EACCES, "E801", "permissions"),
    ],
)
def test_what_the_system_refuses_has_a_code_and_a_way_out(
    number: int, code: str, way_out: str
) -> None:
    error = explain_os_error(OSError(number, "it failed", "a.html"))
    assert error.code == code
    assert str(error).startswith("a.html: it failed.\n")
    assert way_out in str(error)


def test_a_full_disk_says_how_many_bytes_are_needed() -> None:
    with pytest.raises(FullDiskError) as raised, needing(lambda: 1_234_567, is_estimate=True):
        raise OSError(errno.ENOSPC, "No space left on device", "out/shards/x.arrow")
    error = explain_os_error(with_place(raised.value, "out"))
    assert error.code == "E802"
    pattern = (
        r"out: No space left on device\. About 1\.2 MB are needed to go on; \S+ \S+ are free\.\n"
    )
    assert re.match(pattern, str(error))


def test_other_errors_are_as_they_were() -> None:
    with pytest.raises(PermissionError), needing(lambda: 1):
        raise PermissionError(errno.EACCES, "Permission denied", "out")
