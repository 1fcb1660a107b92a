"""The first minutes: the bare command, the environment, schemas, and what to type next."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sftdata.cli import cli


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


@pytest.mark.parametrize("group", [(), ("template",)])
def test_a_group_alone_shows_its_help_once(group: tuple[str, ...]) -> None:
    done = run(*group)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == run(*group, "--help").stdout
    assert done.stdout.count("Usage:") == 1


def test_the_environment_is_shown_and_printed_as_json() -> None:
    facts = json.loads(run("env", "--json").stdout)
    shown = run("env").stdout
    assert f"sftdata      {facts['sftdata']}\n" in shown
    assert f"pyarrow      {facts['packages']['pyarrow']}\n" in shown
    assert facts["cache"] in shown


@pytest.mark.parametrize("kind", ["spec", "recipe"])
def test_a_schema_is_json_that_describes_each_key(kind: str) -> None:
    schema = json.loads(run("schema", kind).stdout)
    assert all(key["description"] for key in schema["properties"].values())
    assert schema["additionalProperties"] is False


def test_a_summary_ends_with_the_next_command() -> None:
    done = run("build", "--task", "completion", "--out", "my data")
    assert done.exit_code == 0
    command = "sftdata inspect 'my data' --random 3"
    assert done.stdout.splitlines()[-1] == f"  next      {command}"
    assert run("inspect", "my data", "--random", "3").exit_code == 0


def test_a_summary_leads_to_the_ledger_where_rows_were_lost() -> None:
    done = run("build", "--task", "completion", "--max-length", "16", "--max-dropped", "100")
    assert done.stdout.splitlines()[-1] == "            sftdata ledger data/completion"
    assert run("ledger", "data/completion").exit_code == 0


def test_a_summary_says_why_a_split_is_empty() -> None:
    rows = [{"prompt": f"{n}:", "completion": "x"} for n in range(3)]
    Path("few.json").write_text(json.dumps(rows))
    shown = run("build", "few.json", "--out", "few").stdout
    assert " (so few rows can leave a split empty)\n  split by" in shown
    Path("few_train.json").write_text(json.dumps(rows))
    given = run("build", "train=few_train.json", "--out", "given").stdout
    assert "train 3, validation 0, test 0\n  split by  given splits\n" in given


def test_a_summary_names_the_way_to_teach_answers_that_are_not_taught() -> None:
    Path("drops.jinja").write_text(
        "{% for m in messages %}<{{ m.role }}>"
        "{% if loop.last and m.reasoning_content %}({{ m.reasoning_content }}){% endif %}"
        "{{ m.content }}<|endoftext|>{% endfor %}"
        "{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Ho", "reasoning_content": "Hm"},
    ]
    Path("two.json").write_text(json.dumps([{"messages": turns * 2}]))
    options = ("two.json", "--task", "chat", "--chat-template", "drops.jinja", "--out", "two")
    line = "  untaught  answers of 1 conversation; `unroll = true` in the spec may teach them\n"
    assert line in run("build", *options).stdout


def test_json_has_no_next_command() -> None:
    done = run("build", "--task", "completion", "--json")
    assert "next" not in json.loads(done.stdout)
    assert "inspect" not in done.stdout


def test_a_project_is_built_from_its_sub_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"id": str(n), "article": f"Article {n}.", "summary": f"Sum {n}."} for n in range(20)]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Path("pipelines").mkdir()
    fields = '[fields]\nid = "id"\narticle = "article"\nsummary = "summary"\n'
    spec = 'task = "mine"\ndata = ["../rows.jsonl"]\ntokenizer = "tokenizers/small"\n'
    Path("pipelines/mine.toml").write_text(f'{spec}template = "mine/plain"\n{fields}')
    Path("sub").mkdir()
    assert run("template", "new", "mine/plain", "--from", "summarize/article").exit_code == 0
    at_root = run("build", "--task", "mine", "--json")
    assert at_root.exit_code == 0, at_root.stderr
    monkeypatch.chdir("sub")
    below = run("build", "--task", "mine", "--json")
    assert below.exit_code == 0, below.stderr
    assert json.loads(below.stdout)["build"] == json.loads(at_root.stdout)["build"]
    manifest = json.loads(Path("../data/mine/manifest.json").read_text())
    assert manifest["sources"][0]["path"] == "../rows.jsonl"
    assert not Path("data").exists()
    assert run("build", "--task", "mine").stdout.startswith("Up to date")
    assert "mine/plain" in run("template", "list").stdout
    released = run("template", "release", "mine/plain")
    assert released.exit_code == 0, released.stderr
    assert Path("../templates/mine/released/plain@1.0.0.jinja").is_file()
