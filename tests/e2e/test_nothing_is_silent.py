"""What a user says is done or named: options, rules and facts that were once ignored."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyarrow import csv, parquet
from support.forked.shared import data_python
from support.forty_rows import SPEC, build_rows, rows, write_rows, write_spec

from sftdata.building.build import build
from sftdata.building.dry_run import dry_run
from sftdata.cli import cli
from sftdata.errors import SftdataError
from sftdata.spec.load import load_spec
from sftdata.spec.model import Spec
from sftdata.writing.manifest import read_manifest


def run(*args: str) -> subprocess.CompletedProcess[str]:
    return data_python().run("sftdata", *args)


@pytest.fixture(autouse=True)
def _rows(byte_tokenizer: Path) -> None:
    write_rows(rows())
    write_spec(byte_tokenizer)


def write_draft() -> None:
    folder = Path("templates/summarize")
    folder.mkdir(parents=True)
    (folder / "mine.jinja").write_text(
        "{% block prompt %}\n{{ article }}\n{% endblock %}\n"
        "{% block target %}\n{{ summary }}\n{%- endblock %}\n"
    )


def test_a_frozen_dry_run_refuses_a_draft_as_the_build_does() -> None:
    write_draft()
    args = ("build", "--spec", "spec.toml", "--template", "summarize/mine", "--frozen")
    dry, real = run(*args, "--dry-run"), run(*args, "--out", "out")
    assert dry.returncode == real.returncode == 1
    assert dry.stderr == real.stderr
    assert "is a draft" in dry.stderr


def test_a_dry_run_answers_in_json() -> None:
    golden = rows()
    golden[1]["summary"] = ""
    write_rows(golden)
    result = run("build", "--spec", "spec.toml", "--dry-run", "--json", "--max-dropped", "1")
    found = json.loads(result.stdout)
    assert (found["dry_run"], found["rows_in"] - found["rows_out"]) == (True, 1)
    assert [warning.partition(" (")[0] for warning in found["warnings"]] == [
        f"Warning: 1 of these {len(golden)} rows"
    ]
    assert found["ledger"] == [
        {
            "row_id": "r1",
            "source": "rows.jsonl:2",
            "status": "dropped",
            "reason": "empty_field",
            "detail": "'summary' is empty",
        }
    ]


@pytest.mark.parametrize(
    ("rule", "given", "expected"),
    [
        ({"path": "a", "optional": True}, "b", {"path": "b", "optional": True}),
        ({"path": "a", "strip_prefix": ["P: "]}, "b", {"path": "b", "strip_prefix": ["P: "]}),
        ({"first": ["a", "c"], "optional": True}, "b", {"path": "b", "optional": True}),
        ({"value": "en"}, "b", "b"),
        ({"path": "a", "optional": True}, {"path": "b"}, "b"),
    ],
)
def test_a_map_changes_the_path_and_keeps_the_rule(rule: Any, given: Any, expected: Any) -> None:
    toml = ", ".join(
        f"{key} = {str(value).lower() if isinstance(value, bool) else json.dumps(value)}"
        for key, value in rule.items()
    )
    text = Path("spec.toml").read_text().replace('summary = "summary"', f"summary = {{ {toml} }}")
    Path("spec.toml").write_text(text)
    spec = load_spec(file=Path("spec.toml"), fields={"summary": given})
    assert isinstance(spec, Spec)
    assert spec.to_json()["fields"]["summary"] == expected


def test_facts_of_a_bundled_spec_are_those_of_its_sample_alone() -> None:
    sample = build("summarize", out="sample").manifest["spec"]
    own = build("summarize", data="rows.jsonl", out="own").manifest["spec"]
    assert (sample["license"], sample["language"]) == ("Apache-2.0", ["en"])
    assert (own["license"], own["language"], own["description"]) == ("", [], "")
    assert "Apache" not in Path("own/README.md").read_text()


def test_facts_of_own_rows_can_be_given() -> None:
    result = run(
        "build", "--task", "summarize", "--data", "rows.jsonl", "--out", "own", "--license", "mit",
        "--language", "en", "--language", "de", "--description", "Notes of mine.",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    card = Path("own/README.md").read_text()
    assert "license: mit\n" in card
    assert "- en\n- de\n" in card
    assert "Notes of mine" in card


def test_own_rows_with_the_small_tokenizer_are_warned_of() -> None:
    small = run("build", "--task", "summarize", "--data", "rows.jsonl", "--out", "a")
    assert "Warning: the rows were tokenized by the small bundled tokenizer" in small.stderr
    for args in (("--task", "summarize", "--out", "b"), ("--spec", "spec.toml", "--out", "c")):
        assert "bundled tokenizer" not in run("build", *args).stderr


def test_a_dry_run_in_json_says_what_a_build_says() -> None:
    golden = [row | {"title": "t"} for row in rows()]
    write_rows(golden)
    result = CliRunner().invoke(cli, ["build", "--spec", "spec.toml", "--dry-run", "--json"])
    assert result.stderr == "Not read from rows.jsonl: title.\n"


@pytest.mark.parametrize("dry", [(), ("--dry-run", "--json")])
def test_the_rows_of_a_spec_are_own_rows_too(dry: tuple[str, ...]) -> None:
    spec = Path("spec.toml").read_text()
    (tokenizer,) = (line for line in spec.splitlines() if line.startswith("tokenizer"))
    Path("small.toml").write_text(spec.replace(tokenizer, 'tokenizer = "tokenizers/small"'))
    Path("mixture.toml").write_text(
        'task = "mixed"\n[[sources]]\nspec = "summarize"\ndata = ["rows.jsonl"]\n'
    )
    for name in ("small", "mixture"):
        result = CliRunner().invoke(cli, ["build", "--spec", f"{name}.toml", "--out", name, *dry])
        assert result.exit_code == 0, result.stderr
        assert result.stderr.count("Warning: the rows were tokenized by the small bundled") == 1


def test_the_summary_names_template_tokenizer_and_splits(byte_tokenizer: Path) -> None:
    lines = run("build", "--spec", "spec.toml", "--out", "out").stdout.splitlines()
    assert "  template  summarize/article@1.0.0" in lines
    assert f"  tokenizer {byte_tokenizer}" in lines
    (splits,) = (line.split(maxsplit=1)[1] for line in lines if line.startswith("  splits"))
    counts = dict(part.split() for part in splits.partition(" (")[0].split(", "))
    assert list(counts) == ["train", "validation", "test"]
    assert sum(map(int, counts.values())) == 40


def test_a_build_of_other_rows_says_what_it_replaces() -> None:
    said: list[str] = []
    build(spec="spec.toml", out="out")
    Path("other.jsonl").write_bytes(Path("rows.jsonl").read_bytes().replace(b"says", b"tells"))
    build(spec="spec.toml", data="other.jsonl", out="out", report=said.append)
    assert said == ["Replaced the dataset in out: it held 40 rows of rows.jsonl."]
    build(spec="spec.toml", data="other.jsonl", out="out", max_dropped=1, report=said.append)
    assert len(said) == 1  # the same rows, with another option


@pytest.mark.parametrize(("weights", "fails"), [((3.0, None), True), ((3.0, 1.0), False)])
def test_weights_are_given_to_all_sources_or_to_none(
    weights: Sequence[float | None], fails: bool, byte_tokenizer: Path
) -> None:
    text = 'task = "mixed"\n'
    for name, weight in zip("ab", weights, strict=True):
        Path(f"{name}.toml").write_text(SPEC.format(tokenizer=byte_tokenizer))
        text += f'[[sources]]\nspec = "{name}.toml"\n'
        text += f"weight = {weight}\n" if weight is not None else ""
    Path("mix.toml").write_text(text)
    if fails:
        with pytest.raises(SftdataError, match="some have none: b"):
            load_spec(file=Path("mix.toml"))
    else:
        load_spec(file=Path("mix.toml"))


UNREAD = {"title": "T", "meta": {"system": "s"}, "url": "u"}


def with_unread_columns() -> list[dict[str, Any]]:
    return [row | UNREAD for row in rows()]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv", "rows.parquet"])
def test_columns_that_nothing_reads_are_named_once(name: str) -> None:
    table = pa.Table.from_pylist(with_unread_columns())
    if name == "rows.csv":
        csv.write_csv(table.drop_columns("meta").append_column("meta", table["url"]), name)
    elif name == "rows.parquet":
        parquet.write_table(table, name)
    else:
        write_rows(with_unread_columns())
    said: list[str] = []
    manifest = build(spec="spec.toml", data=name, out="out", report=said.append).manifest
    (columns,) = manifest["unread"].values()
    assert sorted(columns) == ["meta", "title", "url"]
    assert said == [f"Not read from {name}: {', '.join(columns)}."]
    assert manifest.summary()["unread"] == {name: columns}
    build(spec="spec.toml", data=name, out="out", report=said.append)
    assert len(said) == 1  # up to date


def test_what_a_rule_a_filter_a_group_or_an_id_reads_is_no_unread_column() -> None:
    write_rows(with_unread_columns())
    manifest = build(
        spec="spec.toml",
        out="out",
        fields={"summary": {"first": ["short", "summary"]}, "id": "url"},
        where={"meta.system": "s"},
        group="title",
    ).manifest
    assert manifest["unread"] == {"rows.jsonl": ["id"]}


def test_ids_that_the_user_does_not_want_are_not_unread() -> None:
    by_option = build(spec="spec.toml", fields={"id": "none"}, out="a").manifest
    text = Path("spec.toml").read_text()
    Path("none.toml").write_text(text.replace('id = "id"', 'id = "none"'))
    Path("without.toml").write_text(text.replace('id = "id"', ""))
    by_spec, unsaid = (build(spec=f"{n}.toml", out=n).manifest for n in ("none", "without"))
    assert by_option["unread"] == by_spec["unread"] == {}
    assert unsaid["unread"] == {"rows.jsonl": ["id"]}


def test_what_no_row_has_is_said_by_builds_rebuilds_and_dry_runs() -> None:
    write_rows([row | {"kind": "a"} for row in rows()])
    options: dict[str, Any] = {"spec": "spec.toml", "where": {"kind": ["a", "b"]}}
    note = "where: no row has 'b' in 'kind'. Known: a."
    for _ in ("built", "up to date"):
        said: list[str] = []
        build(**options, out="out", report=said.append)
        assert said == [note]
    assert dry_run(**options).notes == [note]


def test_a_rebuild_with_reused_rows_names_the_same_columns() -> None:
    golden = with_unread_columns()
    first = build_rows(golden).manifest["unread"]
    again = build_rows([*golden, golden[0] | {"id": "new", "article": "New."}])
    assert again.reused_rows
    assert again.manifest["unread"] == first == {"rows.jsonl": ["title", "meta", "url"]}


def test_a_dry_run_names_unread_columns_too() -> None:
    write_rows(with_unread_columns())
    assert dry_run(spec="spec.toml").unread == {"rows.jsonl": ["title", "meta", "url"]}


def test_a_mixture_names_what_none_of_its_sources_reads(byte_tokenizer: Path) -> None:
    text = 'task = "mixed"\n'
    write_rows(with_unread_columns())
    for name, more in (("a", ""), ("b", 'group = "title"\n')):
        Path(f"{name}.toml").write_text(more + SPEC.format(tokenizer=byte_tokenizer))
        text += f'[[sources]]\nspec = "{name}.toml"\n'
    Path("mix.toml").write_text(text)
    said: list[str] = []
    manifest = build(spec="mix.toml", out="out", report=said.append).manifest
    assert manifest["unread"] == {"rows.jsonl": ["meta", "url"]}
    assert [note for note in said if "Not read" in note] == ["Not read from rows.jsonl: meta, url."]
    assert read_manifest(Path("out/parts/a"))["unread"] == {"rows.jsonl": ["title", "meta", "url"]}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fields": {"sumary": "summary"}}, "Nothing reads the field 'sumary'(?s:.*)'summary'?"),
        (
            {"fields": {"id": "uid"}},
            "'id' is read from 'uid'; rows.jsonl has: article, id, summary",
        ),
        ({"fields": {"article": "text"}}, "'article' is read from 'text'(?s:.*)--map article="),
        ({"group": "titel"}, "group names 'titel'; rows.jsonl has: article, id, summary"),
        ({"where": {"kind": "x"}}, "where names 'kind'"),
        ({"keep": "end"}, "keep: has no effect"),
        ({"chat_options": {"x": 1}}, "chat_options: has no effect"),
        ({"loss": "last"}, "loss: has no effect"),
        ({"task": "qa"}, "Both the task 'qa' and the spec"),
    ],
)
def test_what_would_be_ignored_is_an_error_before_anything_is_written(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(SftdataError, match=message):
        build(**{"spec": "spec.toml", "out": "out"} | options)
    assert not list(Path().glob("out/manifest.json"))
    with pytest.raises(SftdataError, match=message):
        dry_run(**{"spec": "spec.toml"} | options)


def test_an_id_that_is_not_there_needs_a_word_unless_the_spec_says_so() -> None:
    Path("rows.jsonl").write_text(
        "".join(json.dumps({k: v for k, v in row.items() if k != "id"}) + "\n" for row in rows())
    )
    with pytest.raises(SftdataError, match="--map id=none"):
        build(spec="spec.toml", out="out")
    assert build(spec="spec.toml", fields={"id": "none"}, out="out").manifest["rows_out"] == 40
    own = build("summarize", data="rows.jsonl", out="own")  # the bundled spec says so
    assert own.manifest["rows_out"] == 40
