"""`sftdata build` in a process whose imports are done; prints the seconds as JSON.

    python build_inside.py ARGUMENTS OF THE COMMAND

The command itself is called, so that what it sets up for a build is set up here, too.
"""

from __future__ import annotations

import os

os.environ.setdefault("MIMALLOC_PURGE_DELAY", "-1")  # as the command does, before Arrow is loaded

import json
import sys
import time
from importlib.metadata import version

# What a build imports only when it comes to it. The list of what was imported all the same is
# printed, so that a module that is missing here can be seen.
import awkward  # noqa: F401
import gigatoken  # noqa: F401
import numpy.ma  # noqa: F401
import pyarrow.json  # noqa: F401
import rich.console  # noqa: F401

from sftdata.cli.build import command


def main() -> None:
    """Builds, and prints the seconds."""
    version("gigatoken")  # the first look at a version imports a parser
    loaded = set(sys.modules)
    started = time.perf_counter()
    command.main(sys.argv[1:], standalone_mode=False)
    seconds = time.perf_counter() - started
    late = sorted(set(sys.modules) - loaded)
    print(json.dumps({"seconds": seconds, "imported": late}))


if __name__ == "__main__":
    main()
