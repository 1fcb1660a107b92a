"""The Python of a page: runs blocks in one namespace, in a process of its own.

Blocks come as JSON on descriptor 3, each ended by a zero byte; exit codes go to descriptor 4.
"""

from __future__ import annotations

import json
import os
import traceback
from typing import Any


def run(request: dict[str, Any], namespace: dict[str, Any]) -> int:
    """Run one block; 0, or 1 after an exception, whose traceback is printed."""
    os.chdir(request["folder"])
    # Empty lines before the code, so that a traceback has the numbers of the page.
    code = "\n" * (request["line"] - 1) + request["code"]
    try:
        exec(compile(code, request["page"], "exec"), namespace)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def main() -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    with os.fdopen(3, "rb") as requests, os.fdopen(4, "wb", buffering=0) as reports:
        received = b""
        while byte := requests.read(1):
            if byte != b"\0":
                received += byte
                continue
            code = run(json.loads(received), namespace)
            reports.write(f"{code}\n\0".encode())
            received = b""


if __name__ == "__main__":
    main()
