"""The benchmarks still find the modules and functions of sftdata that they use."""

from __future__ import annotations

import ast
import functools
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).resolve().parent
SCRIPTS = [path for path in sorted(BENCH.rglob("*.py")) if path.name != Path(__file__).name]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.relative_to(BENCH).as_posix())
def test_every_name_that_is_imported_from_sftdata_is_there(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("sftdata"):
            module = import_module(str(node.module))
            for alias in node.names:
                if not hasattr(module, alias.name):
                    import_module(f"{node.module}.{alias.name}")


def constant(script: str, name: str) -> Any:
    """The literal value of a constant of a script, which may not be imported here."""
    tree = ast.parse((BENCH / "children" / script).read_text(encoding="utf-8"))
    (value,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
    )
    return ast.literal_eval(value)


def test_every_stage_names_a_function_of_a_build() -> None:
    for _, module, name in constant("build_stages.py", "_STAGES"):
        assert functools.reduce(getattr, name.split("."), import_module(f"sftdata.{module}"))


def test_the_modules_to_import_before_the_clock_starts_are_there() -> None:
    names = constant("build_inside.py", "_LATE")
    assert [import_module(name).__name__ for name in names] == list(names)
