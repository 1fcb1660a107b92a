"""The reference of the site names every command, option, key, reason, check, preset and name."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from reference_lists import read_doctor_examples
from site_hooks import fill
from support import handmade
from support.places import ROOT
from support.planted import Planted

import sftdata
from sftdata.base.reasons import Reason
from sftdata.cli import cli
from sftdata.errors import SftdataError
from sftdata.inspecting.doctor import CHECKS, diagnose
from sftdata.spec.check_rules import CHECKS as ROW_CHECKS
from sftdata.spec.check_rules import CheckRule
from sftdata.spec.fields import FieldRule
from sftdata.spec.model import MixedSource, Mixture, Spec, TemplateChoice
from sftdata_train.training.recipe import Recipe

DOCS = ROOT / "docs"
SOURCES = [*(ROOT / "sftdata").rglob("*.py"), *(ROOT / "train").rglob("*.py")]


def reference(page: str) -> str:
    """A page of the reference with its generated parts."""
    return fill((DOCS / "reference" / f"{page}.md").read_text(encoding="utf-8"))


def commands(context: click.Context) -> Iterator[click.Context]:
    yield context
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            inner = context.command.get_command(context, name)
            assert inner is not None
            yield from commands(click.Context(inner, context, info_name=name))


def test_every_command_has_a_section_with_each_of_its_options() -> None:
    sections = {part.partition(" {")[0]: part for part in reference("cli").split("\n## ")[1:]}
    found = list(commands(click.Context(cli, info_name="sftdata")))
    assert len(found) > 30
    for context in found:
        section = sections[context.command_path]
        for option in context.command.params:
            if isinstance(option, click.Option) and not option.hidden:
                assert option.help, f"{context.command_path} {option.opts}"
                for name in option.opts:
                    assert name in section, f"{context.command_path} {name}"


@pytest.mark.parametrize(
    "model", [Spec, Mixture, MixedSource, FieldRule, TemplateChoice, CheckRule]
)
def test_every_key_of_a_spec_is_a_row_with_a_meaning(model: type[Spec]) -> None:
    page = reference("spec-keys")
    for key in model.model_fields:
        if (model, key) != (Mixture, "sources"):  # [[sources]], which has a section
            row = next(line for line in page.splitlines() if line.startswith(f"| `{key}`<br>"))
            assert len(row.split("|")[2].strip()) > 10, row


def test_every_key_of_a_recipe_is_a_row() -> None:
    assert [
        key for key in Recipe.model_fields if f"| `{key}`<br>" not in reference("recipe-keys")
    ] == []


def test_every_reason_of_the_ledger_is_a_row() -> None:
    page = reference("ledger-reasons")
    assert [name for name in (*Reason, *ROW_CHECKS) if f"| `{name}` | " not in page] == []


def test_every_check_of_the_doctor_has_an_example() -> None:
    page = reference("doctor-checks")
    assert [check.id for check in CHECKS if f"### {check.id} {{" not in page] == []
    assert page.count("\n\nExample: ") == len(CHECKS)
    assert read_doctor_examples().keys() == {check.id for check in CHECKS}


TEXTS = [
    "target-cut", "control-like-text", "unrendered-template", "html-entity", "mojibake",
    "replacement-character", "boundary-whitespace", "target-placeholder", "email-address",
    "phone-number", "card-number",
]  # fmt: skip


@pytest.mark.parametrize("check", TEXTS)
def test_the_example_of_a_text_is_found(check: str, byte_tokenizer: Path, tmp_path: Path) -> None:
    text = read_doctor_examples()[check].split("`")[1]
    data = handmade.write(tmp_path, byte_tokenizer, Planted().put(3, target=text).rows)
    assert [finding.id for finding in diagnose(data)] == [check]


def test_every_bundled_task_is_a_row() -> None:
    page = reference("presets")
    tasks = [path.stem for path in (ROOT / "pipelines").glob("*.toml") if path.stem != "presets"]
    assert "summarize" in tasks
    assert [task for task in tasks if f"| `{task}`<br>" not in page] == []


def test_every_preset_is_a_row() -> None:
    presets = tomllib.loads((ROOT / "pipelines/presets.toml").read_text(encoding="utf-8"))
    page = reference("presets")
    assert [name for name in presets if f"| `{name}`<br>" not in page] == []


def test_every_exported_name_is_in_the_reference() -> None:
    page = reference("python")
    names = [name for name in sftdata.__all__ if name != "__version__"]
    assert [name for name in names if f"::: sftdata.{name}\n" not in page] == []
    assert "`sftdata.__version__`" in page


def read_variables(tree: ast.AST) -> Iterator[str]:
    """Names of the variables that code reads from `os.environ`, or sets there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            name, of = node.args[0], ast.unparse(node.func)
            is_read = of.startswith("os.environ.") or of == "os.getenv"
        elif isinstance(node, ast.Subscript):
            name, is_read = node.slice, ast.unparse(node.value) == "os.environ"
        else:
            continue
        if is_read and isinstance(name, ast.Constant):
            yield str(name.value)


def test_every_environment_variable_is_listed() -> None:
    page = reference("environment")
    read = {name for path in SOURCES for name in read_variables(ast.parse(path.read_text("utf-8")))}
    assert "XDG_CACHE_HOME" in read
    assert [name for name in sorted(read) if f"| `{name}`" not in page] == []


def test_every_exit_code_is_listed() -> None:
    page = reference("environment")
    codes = {2, SftdataError.exit_code}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "sys.exit":
                codes |= {a.value for a in node.args if isinstance(a, ast.Constant)}  # type: ignore[misc]
    assert {3, 130} < codes
    assert [code for code in sorted(codes) if f"| {code} | " not in page] == []
