"""stats, doctor and diff as their users run them."""

from __future__ import annotations

import json
import shutil
import subprocess
import unicodedata
from pathlib import Path

import pytest
from support.forked.shared import data_python
from support.manifests import write_manifest

from sftdata.building.build import build
from sftdata.inspecting.doctor import CHECKS

HOSTILE = "\x1b[31mred \x1b]8;;http://x\x07 \x9b2J \u202eabc \u200b [bold]b[/bold]"


def sftdata(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    done = data_python().run("sftdata", *arguments)
    assert "Traceback" not in done.stderr
    return done


def hidden(text: str) -> set[str]:
    return {c for c in text if unicodedata.category(c)[0] == "C"} - {"\n"}


def make(folder: Path, name: str, rows: list[dict[str, str]]) -> Path:
    source = folder / f"{name}.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    build("summarize", data=source, out=folder / name, template="summarize/article")
    return folder / name


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reading")


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    return [
        {"id": f"r{i}", "article": f"{'River ' * (i % 7 + 3)}{i}.", "summary": f"Sum {i} of it."}
        for i in range(60)
    ]


@pytest.fixture(scope="module")
def clean(folder: Path, rows: list[dict[str, str]]) -> Path:
    return make(folder, "clean", rows)


@pytest.fixture(scope="module")
def spoiled(folder: Path, rows: list[dict[str, str]]) -> Path:
    """A placeholder, an address, and hostile text in an id, an article and a target."""
    bad = [dict(row) for row in rows]
    bad[3]["summary"] = "TBA"
    bad[4]["article"] += " Write to jane@mail.acme.co today."
    bad[5] = {"id": f"id {HOSTILE}", "article": f"{HOSTILE} " * 3 + "{{ x }}", "summary": HOSTILE}
    return make(folder, "spoiled", bad)


@pytest.fixture(scope="module")
def small(folder: Path) -> Path:
    return make(folder, "small", [{"id": "1", "article": "A b c.", "summary": "D."}])


# --- doctor --------------------------------------------------------------------------------------


def test_doctor_says_that_nothing_was_found_and_ends_well(clean: Path) -> None:
    done = sftdata("doctor", clean, "--strict")
    assert done.returncode == 0
    assert "nothing found" in done.stdout


def test_doctor_shows_each_finding_with_rows_and_a_way_out(spoiled: Path) -> None:
    done = sftdata("doctor", spoiled)
    assert "warning  target-placeholder  1\n" in done.stdout
    assert 'spoiled.jsonl:4 (row r3): "TBA"\n' in done.stdout
    assert 'spoiled.jsonl:5 (row r4): "jane@mail.acme.co"\n' in done.stdout
    assert "Fill the field, or drop the rows." in done.stdout


def test_doctor_ends_with_a_count_of_findings(spoiled: Path) -> None:
    done = sftdata("doctor", spoiled, "--check", "target-placeholder", "--check", "email-address")
    assert done.stdout.splitlines()[-1] == "2 findings: 0 errors, 2 warnings, 0 notes."


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], 0), (["--strict"], 1), (["--fail-on", "note"], 1), (["--fail-on", "warning"], 1),
        (["--fail-on", "error"], 0), (["--fail-on", "never"], 0),
        (["--strict", "--fail-on", "error"], 2),
    ],
)  # fmt: skip
def test_doctor_fails_on_findings_as_bad_as_asked(
    spoiled: Path, options: list[str], code: int
) -> None:
    assert sftdata("doctor", spoiled, "--check", "email-address", *options).returncode == code


def test_doctor_json_and_sarif_say_the_same(spoiled: Path, tmp_path: Path) -> None:
    done = sftdata("doctor", spoiled, "--json", "--sarif", tmp_path / "out.sarif")
    findings = json.loads(done.stdout)
    (run,) = json.loads((tmp_path / "out.sarif").read_text())["runs"]
    assert [f["id"] for f in findings] == [result["ruleId"] for result in run["results"]]
    assert {"target-placeholder", "email-address", "unrendered-template"} <= {
        f["id"] for f in findings
    }
    assert next(f for f in findings if f["id"] == "email-address")["row_ids"] == ["r4"]


def test_doctor_lists_its_checks_without_a_dataset() -> None:
    done = sftdata("doctor", "--list")
    assert done.returncode == 0
    ids = [line.split()[0] for line in done.stdout.splitlines()]
    assert ids == [check.id for check in CHECKS]


def test_doctor_with_an_unknown_check_suggests_one(clean: Path) -> None:
    done = sftdata("doctor", clean, "--check", "target-emty")
    assert done.returncode == 1
    assert "Did you mean 'target-empty'?" in done.stderr


def test_doctor_needs_the_tokenizer_and_says_so(clean: Path, tmp_path: Path) -> None:
    manifest = json.loads((clean / "manifest.json").read_text())
    manifest["tokenizer"]["name"] = "./nowhere"
    (tmp_path / "copy").mkdir()
    for name in ("shards", "ledger"):
        shutil.copytree(clean / name, tmp_path / "copy" / name)
    write_manifest(tmp_path / "copy", manifest)
    done = sftdata("doctor", tmp_path / "copy")
    assert done.returncode == 1
    assert "'./nowhere'" in done.stderr
    assert sftdata("stats", tmp_path / "copy").returncode == 0


# --- stats ---------------------------------------------------------------------------------------


def test_stats_prints_tables(clean: Path) -> None:
    done = sftdata(
        "stats", clean, "--by", "template", "--max-length", "64", "--batch-size", "4"
    )  # fmt: skip
    assert done.returncode == 0
    for text in (
        "p90",
        "summarize/article@",
        "at 64 tokens a row",
        "packed steps",
        "█",
        "languages",
    ):
        assert text in done.stdout


@pytest.mark.parametrize("by", ["split", "task", "template", "source"])
def test_stats_json_has_the_groups_asked_for(clean: Path, by: str) -> None:
    found = json.loads(sftdata("stats", clean, "--by", by, "--json").stdout)
    assert found["by"] == by
    assert sum(group["rows"] for group in found["groups"].values()) == found["rows"] == 60
    assert by == "split" or sftdata("stats", clean, "--by", by).stdout.count("60") >= 1


def test_stats_of_a_single_row(small: Path) -> None:
    assert sftdata("stats", small, "--batch-size", "8").returncode == 0
    assert json.loads(sftdata("stats", small, "--json").stdout)["rows"] == 1
    assert sftdata("doctor", small).returncode == 0


# --- diff ----------------------------------------------------------------------------------------


def test_diff_says_what_differs_and_what_it_did(clean: Path, spoiled: Path, tmp_path: Path) -> None:
    done = sftdata("diff", clean, spoiled, "--html", tmp_path / "diff.html")
    assert done.returncode == 0
    assert "rows       " in done.stdout
    assert "rows with another target" in done.stdout
    assert (tmp_path / "diff.html").read_text().startswith("<!doctype html>")
    found = json.loads(sftdata("diff", clean, spoiled, "--json").stdout)
    assert found["changed"]["target"] == 1
    assert found["changed"]["prompt"] == 1
    assert (found["only_in_a"], found["only_in_b"]) == (1, 1)


def test_diff_of_a_dataset_with_itself(clean: Path) -> None:
    assert "identical: 60 rows" in sftdata("diff", clean, clean).stdout
    assert json.loads(sftdata("diff", clean, clean, "--json").stdout)["identical"] is True


# --- all -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["stats", "doctor"])
def test_text_from_data_does_not_act_on_the_terminal(spoiled: Path, command: str) -> None:
    done = sftdata(command, spoiled)
    assert hidden(done.stdout + done.stderr) == set()


def test_diff_of_hostile_rows_does_not_act_on_the_terminal(
    folder: Path, rows: list[dict[str, str]]
) -> None:
    hostile = [
        {"id": f"{row['id']}{HOSTILE}", "article": row["article"] * 9, "summary": HOSTILE}
        for row in rows
    ]
    other = [{**row, "article": f"{row['article']} {HOSTILE}"} for row in hostile]
    a, b = make(folder, "h\u202ea", hostile), make(folder, "h\u202eb", other)
    done = sftdata("diff", a, b)
    assert "\\x1b" in done.stdout
    assert hidden(done.stdout + done.stderr) == set()


# --- inspect -------------------------------------------------------------------------------------


def test_inspect_says_when_it_leaves_rows_out_unasked(clean: Path, small: Path) -> None:
    first = sftdata("inspect", clean, "--json")
    assert len(first.stdout.splitlines()) == 3
    assert first.stderr == "The first 3 rows are shown; --limit N shows more.\n"
    for asked in (("--limit", "3"), ("--random", "2"), ("--index", "0")):
        assert sftdata("inspect", clean, "--json", *asked).stderr == ""
    assert sftdata("inspect", small, "--json").stderr == ""
