"""Find pipelines and templates: in the user's folders first, then among the bundled ones.

A wheel has the bundled content in `sftdata/content/`; an editable install reads the source tree.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def bundled_root() -> Path:
    """The folder that holds the bundled `pipelines/` and `templates/`."""
    packaged = _PACKAGE / "content"
    return packaged if packaged.is_dir() else _PACKAGE.parent


def content_folders(kind: str) -> list[Path]:
    """The existing folders named `kind` ("pipelines" or "templates"), in search order."""
    folders = [Path.cwd() / kind, bundled_root() / kind]
    unique = {folder.resolve(): folder for folder in folders if folder.is_dir()}
    return list(unique.values())


def find_content(kind: str, relative: str) -> Path | None:
    """The first file or folder called `relative` in the folders of `kind`, or None."""
    for folder in content_folders(kind):
        candidate = folder / relative
        if candidate.exists():
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
