"""`sftdata build` after all imports; prints the seconds as JSON.

    python build_inside.py ARGUMENTS OF THE COMMAND

Calls the command itself, to get its memory settings too.
"""

from __future__ import annotations

import os

# As the command does, before Arrow is loaded.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

import json
import sys
import time
from importlib import import_module
from importlib.metadata import version

from sftdata.cli.build import command

# Modules that a build imports late.
_LATE = (
    "gigatoken",
    "numpy.ma",
    "pyarrow.compute",
    "pyarrow.json",
    "rich.console",
    "sftdata.building.run",
    "sftdata.building.build",
    "sftdata.building.mixture.mix",
    "sftdata.versioning.lockfile",
    "sftdata.versioning.releases",
)
_MAX_LATE = 20  # small modules of the standard library may still be imported


def import_all() -> None:
    """Import all modules of a build."""
    for name in _LATE:
        import_module(name)
    version("gigatoken")  # the first call imports a parser


def main() -> None:
    """Build, and print the seconds. Fails when modules were imported meanwhile."""
    import_all()
    loaded = set(sys.modules)
    started = time.perf_counter()
    command.main(sys.argv[1:], standalone_mode=False)
    seconds = time.perf_counter() - started
    late = sorted(set(sys.modules) - loaded)
    if len(late) > _MAX_LATE or any(name.startswith("sftdata") for name in late):
        raise SystemExit(f"imported while the clock ran: {', '.join(late)}")
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
