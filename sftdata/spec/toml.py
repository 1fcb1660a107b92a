"""Read a TOML file that a person wrote."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from sftdata.errors import SpecError


def read_toml(path: Path) -> dict[str, Any]:
    """The table in the file. Raises `SpecError` that names the file and the fault."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpecError(f"{path}: {error.strerror}.", "Give the path of a TOML file.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SpecError(f"{path}: not a TOML file: {error}") from error
