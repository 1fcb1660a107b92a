"""sftdata template as its users run it: from an empty folder to a checked release."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.forked.shared import data_python
from support.manifests import write_manifest

from sftdata.cli.template import _COMMANDS

ROW = json.dumps({"article": "Text \x1b[31m."})
ID = "summarize/headline"


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def sftdata(*arguments: str) -> Done:
    done = data_python().run("sftdata", *arguments)
    assert "Traceback" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def template(*arguments: str) -> Done:
    return sftdata("template", *arguments)


def edit(was: str, becomes: str) -> None:
    path = Path("templates") / f"{ID}.jinja"
    assert was in path.read_text()
    path.write_text(path.read_text().replace(was, becomes))


@pytest.mark.parametrize("command", sorted(_COMMANDS))
def test_every_command_has_help_with_an_example(command: str) -> None:
    done = template(command, "--help")
    assert done.code == 0
    assert f"Example: sftdata template {command}" in done.out
    assert "--json" in done.out


def test_from_a_new_template_to_a_data_set_and_back() -> None:
    assert "Wrote templates/summarize/headline.jinja" in template("new", ID).out
    assert template("lint", ID).code == 0

    first = template("release", ID, "--json").json
    assert (first["version"], first["released"], first["bump"]) == ("1.0.0", True, "first")
    edit("Summary:", "Headline:")
    said = template("release", ID).out
    assert said.startswith(
        "Released summarize/headline@1.1.0 (MINOR after 1.0.0) in templates/summarize/released/"
    )
    assert "PROMPT_TEXT_CHANGED (prompt, line" in said
    assert "'Summary:' became 'Headline:'" in said
    assert template("release", ID).out.startswith("Nothing to release")

    edit("Headline:", "Title:")
    built = sftdata("build", "--task", "summarize", "--template", ID)
    assert built.code == 0, built.err
    assert "1.1.0 is used; the working copy has changes that are not released" in built.err
    assert "draft" not in built.err.replace("headline@draft builds them", "")

    (entry,) = [e for e in template("list", "--json").json if e["id"] == ID]
    assert (entry["latest"], entry["draft"]) == ("1.1.0", "changed")
    assert entry["fields"] == ["article", "summary"]
    assert entry["built"] == ["data/summarize (1.1.0)"]
    log = template("log", ID, "--json").json
    assert [(line["version"], line["built"]) for line in log] == [
        ("draft", []), ("1.1.0", ["data/summarize"]), ("1.0.0", []),
    ]  # fmt: skip
    for command in (["list"], ["log", ID], ["show", ID]):
        assert "1.1.0" in template(*command).out

    again = sftdata("rebuild", "data/summarize/manifest.json", "--out", "again")
    assert (again.code, again.out) == (0, "identical\n")
    manifest = json.loads(Path("data/summarize/manifest.json").read_bytes())
    manifest["cut"] += 1
    write_manifest(Path("data/summarize"), manifest)
    again = sftdata("rebuild", "data/summarize/manifest.json", "--out", "again")
    assert (again.code, again.out.split(":")[0]) == (3, "cut")


def test_show_and_render_print_the_exact_text() -> None:
    template("new", ID)
    template("release", ID)
    path = Path("templates") / f"{ID}.jinja"
    shown = template("show", f"{ID}@1", "--json").json
    assert (shown["version"], shown["source"]) == ("1.0.0", path.read_text())
    assert template("show", f"{ID}@1").out.endswith(path.read_text())

    text = "Article:\nText \x1b[31m.\n\nSummary:\n"
    rendered = template("render", ID, "--row", ROW)
    assert (rendered.code, rendered.out) == (0, text)
    found = template("render", ID, "--row", ROW, "--json").json
    assert (found["template"], found["text"]) == (f"{ID}@1.0.0", text)
    assert set(found) == {"template", "text", "input_ids", "stop_ids"}
    assert "needs the field 'article'" in template("render", ID, "--row", "{}").err
    for row in ("[]", "{", "1"):
        assert template("render", ID, "--row", row).code == 2


def test_check_is_green_on_what_is_released_and_red_on_an_edit() -> None:
    template("new", ID)
    template("release", ID)
    assert template("check", "--frozen", "--json").json == {"ok": True, "findings": []}
    edit("Summary:", "Title:")
    assert template("check").code == 0
    frozen = template("check", "--frozen")
    assert frozen.code == 1
    assert f"error: UNRELEASED_CHANGE: {ID}" in frozen.out
    released = Path("templates/summarize/released/headline@1.0.0.jinja")
    released.write_text(released.read_text() + "\n")
    found = template("check", "--json")
    assert found.code == 1
    assert "RELEASED_EDITED" in {f["rule"] for f in found.json["findings"]}
    failed = sftdata("build", "--task", "summarize", "--template", ID)
    assert failed.code == 1
    assert "RELEASED_EDITED" in failed.err
    assert "sftdata template release" in failed.err


def test_diff_in_three_formats() -> None:
    template("new", ID)
    template("release", ID)
    edit("Summary:", "Title:")
    assert "'Summary:' became 'Title:'" in template("diff", ID).out
    github = template("diff", f"{ID}@1.0.0", f"{ID}@draft", "--format", "github").out
    assert github.startswith(f"### Template `{ID}@1.0.0` → `{ID}@draft`: MINOR")
    found = template("diff", ID, "--json", "--samples", "2").json
    assert len(found["samples"]) == 2
    assert found["tokens"]["sum"]["rows"] == len(found["tokens"]["rows"]) > 10
    assert found["changes"][0]["rule"] == "PROMPT_TEXT_CHANGED"


def test_unknown_names_end_in_a_suggestion() -> None:
    assert "Did you mean 'release'" in template("relase", ID).err
    assert "Did you mean 'summarize/article'" in template("show", "summarize/artikle").err
    assert template("new", "sumarize/x").code == 1
    assert template("lint", "no/such").code == 1


def test_lint_says_rule_and_place_and_escapes_what_it_quotes() -> None:
    template("new", ID)
    edit("Summary:", "Sum\u202emary <|im_end|>:")
    done = template("lint")
    assert done.code == 1
    assert "LINT_CONTROL_TEXT: summarize/headline, line" in done.out
    assert "LINT_HIDDEN_CHARACTER" in done.out
    assert "\u202e" not in done.out
    assert {f["rule"] for f in template("lint", ID, "--json").json} == {
        "LINT_CONTROL_TEXT", "LINT_HIDDEN_CHARACTER",
    }  # fmt: skip


def test_import_lists_what_it_wrote_and_what_it_left_out() -> None:
    Path("flan.py").write_text('PATTERNS = {"x": [("{q}", "{a}"), ("{q.b}", "{a}")]}')
    done = template("import", "flan", "flan.py", "--json")
    assert done.json["written"] == {"x/x-01": "templates/x/x-01.jinja"}
    assert done.json["left_out"][0]["template"] == "x[1]"
    assert "Left out of x[0]" in template("import", "flan", "flan.py").err
