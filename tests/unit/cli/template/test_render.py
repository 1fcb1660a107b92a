"""`template render` of a dataset needs no template: the row gets the one its build gave it."""

from __future__ import annotations

import json

from click.testing import CliRunner
from support.places import ROOT

from sftdata.building.build import build
from sftdata.cli.template.render import command
from sftdata.loading.dataset import load

SAMPLE = ROOT / "pipelines" / "samples" / "qa.jsonl"


def test_a_dataset_chooses_the_template_of_a_row_as_its_build_did() -> None:
    build("qa", out="qa")  # its spec has several templates
    rows = {row["id"]: row for row in map(json.loads, SAMPLE.read_text().splitlines())}
    train = load("qa")["train"]
    built = {example.template: example for example in train}
    assert len(built) > 1
    for example in built.values():
        row = json.dumps(rows[example.row_id])
        done = CliRunner().invoke(command, ["--dataset", "qa", "--row", row, "--json"])
        prompt = json.loads(done.output)
        assert prompt["template"] == example.template
        assert prompt["input_ids"] == example.input_ids[: example.target_start].tolist()


def test_without_a_dataset_the_template_is_asked_for() -> None:
    done = CliRunner().invoke(command, ["--row", "{}"])
    assert done.exit_code == 2
    assert "Give TEMPLATE, such as summarize/article, or --dataset DIR." in done.output
