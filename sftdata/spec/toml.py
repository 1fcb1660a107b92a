"""Read a TOML file that a person wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sftdata.base.files import is_of_machine, read_regular
from sftdata.base.toml import parse_toml
from sftdata.errors import SpecError

_MAX_BYTES = 1_000_000


def read_toml(path: Path) -> dict[str, Any]:
    """The table in the file. Raises `SpecError` that names the file and the fault."""
    try:
        data = read_regular(path, _MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise SpecError(
                f"{path}: not a spec: it has more than {_MAX_BYTES:,} bytes.",
                "Give the path of a TOML file.",
                code="E403",
            )
        return parse_toml(data.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n"))
    except OSError as error:
        if is_of_machine(error):
            raise
        raise SpecError(
            f"{path}: {error.strerror}.", "Give the path of a TOML file.", code="E403"
        ) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise SpecError(
            f"{path}: not a TOML file: line {line} has a byte that is not UTF-8.",
            "Save the file as UTF-8.",
            code="E403",
        ) from error
    except ValueError as error:
        raise SpecError(
            f"{path}: not a TOML file: {error}",
            'Each key stands once, as key = value, and texts stand in quotes: task = "summarize"',
            code="E403",
        ) from error
