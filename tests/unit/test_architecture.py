"""Which module may import which, and what no module may be called (DESIGN.md, 2 and 8)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import sftdata

PACKAGE = Path(sftdata.__file__).resolve().parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "content" not in path.parts)
LIBRARY = [  # __main__.py is the command line too
    path for path in MODULES if PACKAGE / "cli" not in path.parents and path.name != "__main__.py"
]
HEAVY = {"click", "torch", "peft", "accelerate", "transformers", "datasets", "huggingface_hub"}
NEVER = {"click", "torch", "peft", "accelerate", "sftdata_train"}


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE.parent).as_posix()


def imports(tree: ast.AST, *, top_level: bool) -> Iterator[str]:
    """The packages that a module imports; with `top_level` without those inside functions."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield str(node.module)
        inside = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        if not (top_level and (inside or is_type_checking(node))):
            yield from imports(node, top_level=top_level)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def test_there_are_modules_to_check() -> None:
    assert len(LIBRARY) > 15
    assert len(MODULES) > len(LIBRARY)


@pytest.mark.parametrize("path", LIBRARY, ids=name_of)
def test_the_library_imports_nothing_heavy_and_nothing_of_the_command_line(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    everywhere = set(imports(tree, top_level=False))
    assert {name.split(".")[0] for name in imports(tree, top_level=True)}.isdisjoint(HEAVY)
    assert {name.split(".")[0] for name in everywhere}.isdisjoint(NEVER)
    assert not any(name == "sftdata.cli" or name.startswith("sftdata.cli.") for name in everywhere)


def test_the_walk_sees_an_import_where_there_is_one() -> None:
    tree = ast.parse("import a.b\ndef f():\n    import c\nif x:\n    from d import e\n")
    assert list(imports(tree, top_level=True)) == ["a.b", "d"]
    assert list(imports(tree, top_level=False)) == ["a.b", "c", "d"]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_is_named_by_what_it_is_about(path: Path) -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
    assert vague.isdisjoint((path.stem, *path.relative_to(PACKAGE).parts))
    assert not path.stem.startswith("process_")
