"""Which folder may import which, what no module may be called, and where its tests lie."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.places import ROOT

import sftdata

PACKAGE = Path(sftdata.__file__).resolve().parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "content" not in path.parts)
LIBRARY = [  # __main__.py is the command line too
    path for path in MODULES if PACKAGE / "cli" not in path.parents and path.name != "__main__.py"
]
TRAIN = ROOT / "train" / "sftdata_train"
TRAIN_MODULES = sorted(TRAIN.rglob("*.py"))
OURS = {"sftdata": PACKAGE, "sftdata_train": TRAIN}
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


# What each folder may import besides itself, `errors` and `base`. Read from top to bottom it is
# the straight line: what to build, read, render, tokenize, make examples, write, load, and then
# the folders that stand beside the line.
MAY_IMPORT = {
    "base": set[str](),
    "spec": set[str](),
    "rendering": set[str](),
    "tokenizing": set[str](),
    "reading": {"spec"},
    "examples": {"reading", "rendering", "tokenizing", "spec"},
    "writing": {"examples", "reading", "spec"},
    "loading": {"writing", "tokenizing"},
    "versioning": {"writing", "rendering", "spec"},
    "exporting": {"loading", "writing", "tokenizing"},
}
MAY_IMPORT["building"] = MAY_IMPORT["examples"] | {"versioning", "writing", "examples"}
MAY_IMPORT["serving"] = MAY_IMPORT["building"] | {"building", "loading"}
MAY_IMPORT["inspecting"] = MAY_IMPORT["building"] | {"loading"}
ANY = {"cli", "__init__", "__main__"}  # the command line and the package's face
FREE = {"errors", "base"}


def folder_of(module: str) -> str:
    """The top-level entry of a dotted name, `__init__` for the package itself."""
    return (*module.split("."), "__init__")[1]


def sftdata_imports(path: Path) -> Iterator[str]:
    """Dotted names of our modules that a file imports; lazy and type-only ones too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module.split(".")[0] in OURS:
                yield from (resolved(node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] in OURS)


def resolved(module: str, name: str) -> str:
    """The module that `from module import name` reads."""
    place = OURS[module.split(".")[0]].parent.joinpath(*module.split("."), name)
    return f"{module}.{name}" if place.is_dir() or place.with_suffix(".py").is_file() else module


def top_entry(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_the_folders_are_those_of_the_table() -> None:
    entries = {top_entry(path) for path in MODULES}
    assert entries == MAY_IMPORT.keys() | ANY | {"errors"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_folder_imports_only_what_the_table_allows(path: Path) -> None:
    own = top_entry(path)
    if own in ANY:
        return
    allowed = MAY_IMPORT.get(own, set()) | FREE | {own}
    assert {folder_of(name) for name in sftdata_imports(path)} <= allowed


# The folders of the train stage: each may import those before it.
TRAIN_ORDER = ["models", "training", "generating", "evaluating"]


@pytest.mark.parametrize("path", TRAIN_MODULES, ids=lambda path: path.stem)
def test_a_folder_of_the_train_stage_imports_only_those_before_it(path: Path) -> None:
    own = path.parent.name
    if path.parent == TRAIN:
        return
    later = TRAIN_ORDER[TRAIN_ORDER.index(own) + 1 :]
    names = [name for name in sftdata_imports(path) if name.startswith("sftdata_train.")]
    assert {name.split(".")[1] for name in names}.isdisjoint(later)


@pytest.mark.parametrize("modules", [MODULES, TRAIN_MODULES], ids=["sftdata", "sftdata_train"])
def test_there_is_no_circle(modules: list[Path]) -> None:
    graph = {dotted_name(path): set(sftdata_imports(path)) for path in modules}
    assert any(graph.values())
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail, module))
        if module not in done:
            for imported in graph.get(module, ()):
                visit(imported, (*trail, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def dotted_name(path: Path) -> str:
    root = PACKAGE if PACKAGE in path.parents else TRAIN
    parts = path.relative_to(root.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_only_the_command_line_and_the_train_stage_import_the_face() -> None:
    faces = {name_of(path) for path in LIBRARY if "sftdata" in set(sftdata_imports(path))}
    assert faces <= {"sftdata/__init__.py"}


def test_unit_tests_lie_where_their_modules_do() -> None:
    folder = ROOT / "tests" / "unit"
    tests = [path.relative_to(folder) for path in folder.rglob("test_*.py")]
    strays = [
        test.as_posix()
        for test in tests
        if len(test.parts) > 1
        and not (PACKAGE / test.parent / f"{test.stem.removeprefix('test_')}.py").is_file()
    ]
    assert strays == []


def test_no_module_is_too_long_to_read() -> None:
    sizes = sorted(len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES)
    assert sizes[-1] <= 400
    assert sizes[len(sizes) // 2] <= 120
