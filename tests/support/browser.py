"""Chromium without a window: what a page becomes in it, what it says, and what it asks for."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_PROGRAM = next((path for name in _NAMES if (path := shutil.which(name))), None)
needs_browser = pytest.mark.skipif(_PROGRAM is None, reason=f"none of {_NAMES} is installed")


@dataclass(frozen=True)
class Opened:
    """A page after it was open for a while."""

    dom: str
    console: list[str]  # warnings and errors, and what a script has logged

    @property
    def title(self) -> str:
        found = re.search(r"<title>(.*?)</title>", self.dom, re.DOTALL)
        return found[1] if found else ""


def open_page(page: Path, *flags: str) -> Opened:
    """The page as Chromium has it after its scripts, if it has any, have run."""
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run(
            [
                str(_PROGRAM), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                f"--user-data-dir={profile}", "--enable-logging=stderr", "--v=0",
                "--virtual-time-budget=3000", "--dump-dom", *flags, page.resolve().as_uri(),
            ],
            capture_output=True,
            timeout=60,
            check=True,
        )  # fmt: skip
    log = done.stderr.decode(errors="replace")
    return Opened(done.stdout.decode(), [line for line in log.splitlines() if ":CONSOLE" in line])


@dataclass
class Server:
    """A server on this machine that notes the paths it is asked for."""

    port: int = 0
    asked: list[str] = field(default_factory=list)


@contextmanager
def listening() -> Iterator[Server]:
    """A server that a page must not reach."""
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server.port = http.server_port
        Thread(target=http.serve_forever, daemon=True).start()
        yield server
        http.shutdown()
