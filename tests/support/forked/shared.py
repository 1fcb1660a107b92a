"""The servers that all tests of one process share, started when they are first asked for."""

from __future__ import annotations

import functools
from contextlib import ExitStack

from support.forked.python import DATA_MODULES, TRAIN_MODULES, ForkingPython, forking_python

_servers = ExitStack()


@functools.cache
def data_python() -> ForkingPython:
    """Python that has imported what the commands on data need."""
    return _servers.enter_context(forking_python(DATA_MODULES))


@functools.cache
def train_python() -> ForkingPython:
    """The same with torch and the train stage."""
    return _servers.enter_context(forking_python([*DATA_MODULES, *TRAIN_MODULES]))


def close_servers() -> None:
    """Ends those that were started."""
    _servers.close()
    data_python.cache_clear()
    train_python.cache_clear()
