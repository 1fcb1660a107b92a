"""An S3 server in this process, whose answers can be made to fail."""

from __future__ import annotations

import os
import socket
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, NoReturn

import fsspec
import s3fs
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

Fault = Literal["503", "lost", "late", "cut", "unanswered"]
BUCKET = "bucket"
READ_TIMEOUT = 0.5  # seconds
_SLOW_DOWN = (
    b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
)


class S3Server:
    """The requests so far, as `PUT /bucket/name`, the bytes of the answers to them together, and
    what goes wrong with the next ones.

    `choose_fault` gets a request and tells its fault, or None. 503: the server asks to slow down;
    lost: the connection breaks in the middle of the request; late: the answer comes after the
    client's time-out; cut: the connection breaks in the middle of the answer; unanswered: it
    breaks when all is done, before the answer.
    """

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.sent: Counter[str] = Counter()
        self.choose_fault: Callable[[str], Fault | None] = lambda request: None
        self._app = DomainDispatcherApplication(create_backend_app)
        self._stop = threading.Event()
        self._one_at_a_time = threading.Lock()
        self._server = make_server("127.0.0.1", 0, self._answer, True, request_handler=_Silent)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where the server is."""
        return f"http://127.0.0.1:{self._server.port}"

    def close(self) -> None:
        """Stops the server, and forgets its buckets, which all servers of a process share."""
        self._stop.set()
        self.choose_fault = lambda request: None
        urllib.request.urlopen(f"{self.url}/moto-api/reset", data=b"").close()
        self._server.shutdown()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        request = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        self.requests.append(request)
        fault = self.choose_fault(request)
        if fault == "503":
            start_response("503 Slow Down", [("Content-Type", "application/xml")])
            yield _SLOW_DOWN
            return
        if fault == "lost":
            self._break(environ)
        if fault == "late":
            self._stop.wait(READ_TIMEOUT * 1.5)
        with self._one_at_a_time:  # as S3 compares and writes in one step
            answer = b"".join(self._app(environ, start_response))
        if fault == "unanswered":
            self._break(environ)
        self.sent[request] += len(answer)
        yield answer[: len(answer) // 2]
        if fault == "cut":
            self._break(environ)
        yield answer[len(answer) // 2 :]

    @staticmethod
    def _break(environ: dict[str, Any]) -> NoReturn:
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise ConnectionResetError  # werkzeug takes it for a client that left


class _Silent(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """No request is printed."""


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """A server with an empty bucket; `s3://` means it meanwhile, also in child processes."""
    server = S3Server()
    os.environ.update(
        AWS_ENDPOINT_URL=server.url,
        AWS_ACCESS_KEY_ID="key",
        AWS_SECRET_ACCESS_KEY="secret",
        AWS_DEFAULT_REGION="us-east-1",
    )
    # s3fs tries again, too, and waits less than the library below it does.
    few = {"read_timeout": READ_TIMEOUT, "retries": {"max_attempts": 1}}
    fsspec.config.conf["s3"] = {"config_kwargs": few}
    s3fs.S3FileSystem.clear_instance_cache()
    fsspec.filesystem("s3").mkdir(BUCKET)
    try:
        yield server
    finally:
        server.close()
