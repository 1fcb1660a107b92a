"""A web server on this machine, for tests of addresses."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Web:
    """Serves `files` by path; `asked` has the path and status of each request."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | int] = {}  # a number is answered as a status
        self.asked: list[tuple[str, int]] = []
        self.weak = False  # whether the ETags are: they stand for nearly the same content
        self.cut = 0  # bytes that are promised and never come
        self.url = ""


@contextmanager
def serve() -> Iterator[Web]:
    web = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = web.files.get(self.path, 404)
            if isinstance(content, int):
                self._answer(content, b"")
                return
            tag = "W/" * web.weak + f'"{hashlib.sha256(content).hexdigest()}"'
            if self.headers.get("If-None-Match") == tag:
                self._answer(304, b"")
                return
            if part := re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", "")):
                self._answer(206, content[int(part[1]) : int(part[2]) + 1], tag)
                return
            self._answer(200, content, tag)

        def _answer(self, status: int, content: bytes, tag: str = "") -> None:
            web.asked.append((self.path, status))
            self.send_response(status)
            if tag:
                self.send_header("ETag", tag)
            self.send_header("Content-Length", str(len(content) + web.cut))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            """Nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
