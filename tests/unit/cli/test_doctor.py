"""doctor: it fails on errors by default."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from support import handmade
from support.planted import in_targets

from sftdata.cli.doctor import command


@pytest.mark.parametrize(
    ("target", "options", "code"),
    [
        ("", [], 1),  # nothing to learn is an error
        ("", ["--fail-on", "never"], 0),
        ("N/A", [], 0),  # a placeholder is a warning
        ("N/A", ["--fail-on", "warning"], 1),
    ],
)
def test_a_finding_as_bad_as_asked_fails(
    target: str, options: list[str], code: int, tmp_path: Path, byte_tokenizer: Path
) -> None:
    handmade.write(tmp_path, byte_tokenizer, in_targets(target)().rows)
    done = CliRunner().invoke(command, [str(tmp_path), *options])
    assert done.exit_code == code
    assert done.stdout.splitlines()[-1].startswith("1 finding: ")
