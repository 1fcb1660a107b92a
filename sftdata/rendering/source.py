"""The text of templates and of their includes: found by name, never outside its root.

The canonical form of a source is UTF-8 without a byte order mark and with `\\n` line ends, so that
a checkout on another system has the same digests. Jinja reads every line end as `\\n` anyway.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from sftdata.errors import TemplateError

MAX_SOURCE_BYTES = 100_000  # of a template with everything it includes
_ID = re.compile(r"[A-Za-z0-9_-]+/[A-Za-z0-9_-]+")


def check_id(template_id: str) -> None:
    """Raises `TemplateError` unless the id is `<task>/<name>`; a path is none."""
    if not _ID.fullmatch(template_id):
        raise TemplateError(
            f"'{template_id}' is not the id of a template.",
            "An id is TASK/NAME of letters, digits, _ and -, for example: summarize/article",
        )


def find_inside(root: Path, relative: str) -> Path | None:
    """The file `relative` under `root`, its symbolic links resolved; None where there is none.

    A path that leads out of the root, by `..` or by a link, is none; nor is one that goes out and
    comes in again.
    """
    if Path(relative).is_absolute() or os.path.normpath(relative).split("/")[0] == "..":
        return None
    resolved = root.resolve()
    try:
        path = (resolved / relative).resolve()
        return path if path.is_relative_to(resolved) and path.is_file() else None
    except (OSError, ValueError, RuntimeError):  # too long, a NUL character, links in a circle
        return None


def read_source(path: Path) -> str:
    """The canonical text of a file. Raises `TemplateError` when it is too large, not UTF-8, or
    may not be read."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SOURCE_BYTES + 1)
    except PermissionError as error:  # so that `template list` and `lint` go on with the others
        raise TemplateError(
            f"{path}: cannot be read: {error.strerror}.", "Check the permissions."
        ) from error
    if len(data) > MAX_SOURCE_BYTES:
        raise TemplateError(
            f"{path}: more than {MAX_SOURCE_BYTES:,} bytes; a template is shorter.",
            "Put text that belongs to the rows into the golden set.",
        )
    try:
        return canonical(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise TemplateError(f"{path}: not UTF-8 at byte {error.start}.") from error


def canonical(text: str) -> str:
    """`text` without a byte order mark and with `\\n` line ends."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
