"""Ctrl-C that comes while Python frees an object, whose errors Python only prints."""

from __future__ import annotations

import _thread
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_SECONDS = 0.01  # by then the object has been freed


def keep_interrupts() -> None:
    """Makes each `KeyboardInterrupt` that Python would drop come again, soon after."""
    sys.unraisablehook = _interrupt_again


def _interrupt_again(dropped: UnraisableHookArgs) -> None:
    if issubclass(dropped.exc_type, KeyboardInterrupt):
        threading.Timer(_SECONDS, _thread.interrupt_main).start()
    else:
        sys.__unraisablehook__(dropped)
