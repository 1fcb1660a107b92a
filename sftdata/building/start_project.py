"""Start a project: a spec for rows, a template where needed, and the files of a repository."""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sftdata.base.content import SMALL_TOKENIZER, bundled_root
from sftdata.base.escaping import escape
from sftdata.base.files import expand_home, is_temporary, remove_leftovers, write_atomically
from sftdata.base.stores import is_address
from sftdata.base.wording import list_names
from sftdata.building.project_files import CI_FILE, ci_text, gitignore_text, readme_text
from sftdata.building.propose import propose
from sftdata.errors import SftdataError
from sftdata.spec.data_items import parse_data_item, split_sheet
from sftdata.spec.json_schema import spec_schema
from sftdata.spec.load import load_spec
from sftdata.spec.model import Spec
from sftdata.spec.presets import HUB, PRESET
from sftdata.spec.spec_text import SCHEMA_FILE, spec_text
from sftdata.spec.validate import validate
from sftdata.tokenizing.load import load_tokenizer
from sftdata.writing.ownership import CLUTTER, check_ownership

_SHOWN = 3
_NAMES = frozenset({"pipelines", "templates", ".github", ".gitignore", "README.md"})


@dataclass(frozen=True)
class Project:
    """A project that was written into the working directory."""

    task: str
    sees: str  # one sentence about the rows
    files: tuple[str, ...]


def check_folder(
    folder: Path, data: Sequence[str], task: str, files: Mapping[str, str] | None = None
) -> None:
    """Raises `SftdataError` unless `folder` is new, or holds nothing but the rows and `.git`.

    It may also hold the files of a killed `init`: some of `files` (without `files`, files of the
    names that they can have), and the dataset of `task`.
    """
    if folder.exists() and not folder.is_dir():
        raise SftdataError(
            f"{escape(str(folder))} is a file.", "Name a new or an empty folder.", code="E105"
        )
    rows = {Path(parse_data_item(item)[1]).resolve() for item in data}
    others = sorted(
        path.name
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.name not in {".git", *CLUTTER}
        and path.resolve() not in rows
        and not _is_from_init(folder, path.name, task, files)
    )
    if others:
        shown = list_names(others, _SHOWN, quote="'")
        called = str(folder) if folder.name else folder.resolve().name
        raise SftdataError(
            f"{escape(called)} is not empty: it holds {shown}.",
            "init overwrites nothing: name a new or an empty folder. In a project of your own, "
            "write pipelines/NAME.toml and build it: sftdata build --task NAME",
            code="E105",
        )


def _is_from_init(folder: Path, name: str, task: str, files: Mapping[str, str] | None) -> bool:
    """Whether an entry of `folder` holds only files of a killed `init`."""
    if name == "data":
        return all(path.name == task and _is_build(path) for path in (folder / name).iterdir())
    if files is None:
        return name in _NAMES or is_temporary(Path(name))
    inside = [folder / name, *(folder / name).rglob("*")]
    return all(
        files.get(path.relative_to(folder).as_posix(), "").encode() == path.read_bytes()
        for path in inside
        if not path.is_dir() and not is_temporary(path)
    )


def _is_build(path: Path) -> bool:
    """Whether a build may go on in `path`."""
    try:
        check_ownership(path)
    except SftdataError:
        return False
    return True


def resolve_items(data: Sequence[str]) -> list[str]:
    """The items of `data` with absolute paths. Raises `SftdataError` for one that is not there."""
    return [_resolve(item) for item in data]


def _resolve(item: str) -> str:
    split, place = (None, item) if Path(item).exists() else parse_data_item(item)
    if place == "-":
        raise SftdataError(
            "Standard input is read once, and a project builds again.",
            "Give a file: --data FILE",
            code="E203",
        )
    if not (place.startswith((HUB, PRESET)) or is_address(place)):
        path = str(expand_home(place).absolute())
        file = path if Path(path).exists() else split_sheet(path)[0]
        if not Path(file).exists() and not glob.glob(file, recursive=True):  # noqa: PTH207
            raise SftdataError(
                f"There is no file '{escape(place)}'.", "Check the path of --data.", code="E201"
            )
        place = os.path.normpath(path)
    return place if split is None else f"{split}={place}"


def resolve_tokenizer(name: str) -> str:
    """The tokenizer's folder as an absolute path, or its name; raises if it cannot be loaded."""
    load_tokenizer(name)
    return str(Path(name).absolute()) if Path(name).exists() else name


def start_project(
    data: Sequence[str], tokenizer: str | None = None, task: str | None = None
) -> Project:
    """Writes a project for `data` (absolute paths) into the working directory, which is its root.

    Raises `SftdataError` before anything is written if no spec can be made for the rows.
    """
    name = project_name(data[0])
    proposal = propose(data, name, task)
    given: dict[str, Any] = {
        "data": [_from_pipelines(item) for item in data],
        "tokenizer": SMALL_TOKENIZER if tokenizer is None else _from_pipelines(tokenizer),
    }
    if proposal.base is None:
        spec = validate(Spec, {"task": name} | given | proposal.values, "the proposed spec")
    else:
        loaded = load_spec(task=proposal.base, **given, **proposal.values)
        assert isinstance(loaded, Spec)  # a mixture is not a shape of rows
        spec = loaded.model_copy(update={"task": name})
    notes = {} if tokenizer is not None else {"tokenizer": _SMALL}
    files = {f"pipelines/{name}.toml": spec_text(spec, notes)}
    files[f"pipelines/{SCHEMA_FILE}"] = json.dumps(spec_schema(), indent=1) + "\n"
    if proposal.template is not None:
        files[f"templates/{name}/plain.jinja"] = proposal.template
    places = [Path(parse_data_item(item)[1]) for item in data]
    is_inside = all(not p.is_absolute() or p.is_relative_to(Path.cwd()) for p in places)
    own = proposal.template is not None
    files[CI_FILE] = ci_text(name, has_template=own, has_rows=is_inside)
    files[".gitignore"] = gitignore_text()
    files["README.md"] = readme_text(name, has_template=own)
    check_folder(Path(), data, name, files)
    for path, text in files.items():
        remove_leftovers(Path(path))
        if not Path(path).exists():
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            write_atomically(Path(path), text.encode())
    return Project(name, proposal.sees, tuple(files))


_SMALL = (
    "This one is bundled, for trying out: its ids mean nothing to any model. Put your model's here."
)


def project_name(item: str) -> str:
    """The name of the task, from the name of the file; never that of a bundled one."""
    place = parse_data_item(item)[1].removeprefix(HUB).removeprefix(PRESET).rstrip("/")
    stem = re.split(r"[/\\]", place)[-1].partition(":")[0]
    stem = stem.lstrip(".").partition(".")[0]
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_").lower() or "rows"
    taken = (bundled_root() / "pipelines" / f"{name}.toml").exists()
    return f"my-{name}" if taken else name


def _from_pipelines(item: str) -> str:
    """A place as a spec in `pipelines/` names it: relative to that folder, unless it is far off."""
    split, place = parse_data_item(item)
    if Path(place).is_absolute() and Path(place).is_relative_to(Path.cwd().parent):
        place = Path(os.path.relpath(place, Path.cwd() / "pipelines")).as_posix()
    return place if split is None else f"{split}={place}"
