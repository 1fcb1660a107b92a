"""`sftdata build` in a process whose imports are done; prints the seconds as JSON.

    python build_inside.py ARGUMENTS OF THE COMMAND

The command itself is called, so that what it sets up for a build is set up here, too.
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

# What a build imports only when it comes to it.
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
_MAY_BE_LATE = 20  # small modules of the standard library


def import_all() -> None:
    """Imports what a build will need."""
    for name in _LATE:
        import_module(name)
    version("gigatoken")  # the first look at a version imports a parser


def main() -> None:
    """Builds, and prints the seconds. Fails where more than a trifle was imported meanwhile."""
    import_all()
    loaded = set(sys.modules)
    started = time.perf_counter()
    command.main(sys.argv[1:], standalone_mode=False)
    seconds = time.perf_counter() - started
    late = sorted(set(sys.modules) - loaded)
    if len(late) > _MAY_BE_LATE or any(name.startswith("sftdata") for name in late):
        raise SystemExit(f"imported while the clock ran: {', '.join(late)}")
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
