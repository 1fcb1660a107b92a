"""Find pipelines and templates: in the user's folders first, then among the bundled ones.

A wheel has the bundled content in `sftdata/content/`; an editable install reads the source tree.
"""

from __future__ import annotations

import os
from pathlib import Path

from sftdata.base.files import exists

_PACKAGE = Path(__file__).resolve().parents[1]
# What makes a folder a project. Another program may have a folder of these names, too.
_SIGNS = ("pipelines/*.toml", "templates/templates.lock", "templates/*/*.jinja")


SMALL_TOKENIZER = "tokenizers/small"  # bundled, for tests and the first look


def bundled_root() -> Path:
    """The folder that holds the bundled `pipelines/` and `templates/`."""
    packaged = _PACKAGE / "content"
    return packaged if packaged.is_dir() else _PACKAGE.parent


def project_root() -> Path:
    """The root of the user's project: the nearest folder upwards that has specs or templates.

    Without any, or if the working directory has a folder `pipelines` or `templates`, it is that.
    """
    here = Path.cwd()
    if (here / "pipelines").is_dir() or (here / "templates").is_dir():
        return here
    for folder in here.parents:
        if any(next(folder.glob(sign), None) for sign in _SIGNS):
            return folder
    return here


def in_project(relative: str) -> Path:
    """A path in the project, as one relative to the working directory."""
    root = project_root()
    return Path(relative) if root == Path.cwd() else Path(os.path.relpath(root)) / relative


def content_folders(kind: str) -> list[Path]:
    """The existing folders named `kind` ("pipelines" or "templates"), in search order."""
    folders = [project_root() / kind, bundled_root() / kind]
    unique = {folder.resolve(): folder for folder in folders if folder.is_dir()}
    return list(unique.values())


def find_content(kind: str, relative: str) -> Path | None:
    """The first file or folder called `relative` in the folders of `kind`, or None."""
    for folder in content_folders(kind):
        candidate = folder / relative
        if exists(candidate):
            return candidate
    return None


def list_content(kind: str, pattern: str) -> list[str]:
    """Names, without suffix, of all files in the folders of `kind` that match `pattern`."""
    found = {
        path.relative_to(folder).with_suffix("").as_posix()
        for folder in content_folders(kind)
        for path in folder.glob(pattern)
    }
    return sorted(found)


def shown_path(path: Path) -> str:
    """The path as messages show it: from the working directory, or in the bundled content."""
    if path.is_relative_to(bundled_root()) and not Path.cwd().is_relative_to(bundled_root()):
        return f"the bundled {path.relative_to(bundled_root())}"
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
