"""Try templates in child processes, which may die of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any


def try_templates(
    code: str, arguments: Sequence[str], sources: Sequence[tuple[str, str]], batches: int
) -> dict[str, list[Any]]:
    """What `code` prints of each template: how it ended, the message and the seconds.

    `code` reads a batch of names and sources as JSON and prints a line for each. The templates
    after one that kills its process, or takes 90 s, are missing.
    """
    children = []
    for batch in range(batches):
        child = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        children.append((child, json.dumps(sources[batch::batches])))
    found = {}
    for child, given in children:
        try:
            out, _ = child.communicate(given, timeout=90)
        except subprocess.TimeoutExpired:
            child.kill()
            out, _ = child.communicate()
        for line in out.splitlines():
            name, *end = json.loads(line)
            found[name] = end
    return found
