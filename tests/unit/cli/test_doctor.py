"""doctor: it fails on errors by default."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from support import handmade
from support.planted import in_targets

from sftdata.cli.doctor import command, describe
from sftdata.inspecting.doctor.finding import Finding, FoundRow


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


def test_a_quote_of_several_rows_is_shown_once() -> None:
    rows = [FoundRow(f"n{i}", f"a.csv:{i}", "x@y.org") for i in range(2)]
    rows += [FoundRow("n7", "", "z@y.org"), FoundRow("n8", "a.csv:8", ""), FoundRow("n9", "", "")]
    finding = Finding("email-address", "warning", "e-mail addresses", 6, tuple(rows), "Drop them.")
    assert describe(finding) == [
        "warning  email-address  6",
        "  e-mail addresses",
        '    "x@y.org": 2 rows',
        "      a.csv:0 (row n0), a.csv:1 (row n1)",
        '    row n7: "z@y.org"',
        "    a.csv:8 (row n8)",
        "    row n9",
        "    and 1 more",
        "  Drop them.",
    ]
