"""A Hugging Face Hub on this machine: the few routes that a push asks, kept in memory."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

LARGE = (".arrow", ".parquet", ".safetensors")  # sent to the large file storage


@dataclass
class Repo:
    """A repository: `revisions` are its commits, each with all files by path."""

    private: bool | None
    revisions: list[dict[str, bytes]] = field(default_factory=lambda: [{".gitattributes": b""}])

    @property
    def files(self) -> dict[str, bytes]:
        """The files that a reader sees."""
        return {path: data for path, data in self.revisions[-1].items() if path != ".gitattributes"}

    @property
    def sha(self) -> str:
        return f"{len(self.revisions):040x}"


@dataclass
class FakeHub:
    """The state of the Hub: its files, the requests so far, and the faults it must show."""

    url: str = ""
    repos: dict[str, Repo] = field(default_factory=dict)  # by "datasets/user/name"
    stored: dict[str, bytes] = field(default_factory=dict)  # large files by sha256
    asked: list[str] = field(default_factory=list)  # "POST /api/repos/create"
    tokens: set[str] = field(default_factory=set)  # of the requests
    refuse: dict[str, int] = field(default_factory=dict)  # part of a path → status
    drop: dict[str, int] = field(default_factory=dict)  # part of a request → after so many of them
    stall: str = ""  # part of a request that is not answered
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, part: str) -> int:
        """The number of requests with `part` in them."""
        return sum(part in one for one in self.asked)


@contextmanager
def serve() -> Iterator[FakeHub]:
    hub = FakeHub()

    class Handler(_Handler):
        state = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def logged_in() -> Iterator[FakeHub]:
    """A Hub that huggingface_hub takes for the real one, in this process."""
    constants = "huggingface_hub.constants"
    with serve() as hub, pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{constants}.ENDPOINT", hub.url)  # they are read when it is imported
        patch.setattr(f"{constants}.HF_HUB_OFFLINE", False)
        patch.setattr(f"{constants}.HF_HUB_DISABLE_XET", True)
        patch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)
        patch.setenv("HF_TOKEN", "hf_mine")
        yield hub


class _Handler(BaseHTTPRequestHandler):
    state: FakeHub

    def do_GET(self) -> None:
        self._handle("GET")

    def do_POST(self) -> None:
        self._handle("POST")

    def do_PUT(self) -> None:
        self._handle("PUT")

    def log_message(self, *args: object) -> None:
        """Nothing on stderr."""

    def _handle(self, method: str) -> None:
        hub, path = self.state, urlsplit(self.path).path
        asked = f"{method} {path}"
        with hub.lock:  # files are sent by several threads
            if any(part in asked and hub.count(part) >= left for part, left in hub.drop.items()):
                self.close_connection = True
                return None
            hub.asked.append(asked)
        hub.tokens.add(self.headers.get("Authorization", ""))
        body = self._read_body()
        if hub.stall and hub.stall in asked:
            self.rfile.read(1)  # until the other side is gone
            return None
        for part, status in hub.refuse.items():
            if part in asked:
                return self._answer({"error": "not for you"}, status)
        parts = path.strip("/").split("/")
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path == "/api/validate-yaml":
            return self._answer({"errors": [], "warnings": []})
        if parts[0] == "lfs":
            assert hashlib.sha256(body).hexdigest() == parts[1]
            hub.stored[parts[1]] = body
            return self._answer({})
        if path.endswith("/info/lfs/objects/batch"):
            return self._batch(json.loads(body))
        key = "/".join(parts[1:4])
        if key not in hub.repos:
            return self._answer({"error": "Repository not found"}, 404, "RepoNotFound")
        return self._ask_repo(hub.repos[key], key, parts[4:], body)

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _ask_repo(self, repo: Repo, key: str, rest: list[str], body: bytes) -> None:
        if not rest:
            info = {"id": key.partition("/")[2], "sha": repo.sha, "private": bool(repo.private)}
            return self._answer({**info, "tags": [], "downloads": 0, "likes": 0})
        if rest[0] == "tree":
            return self._answer([_entry(*item) for item in repo.revisions[-1].items()])
        if rest[0] == "preupload":
            return self._answer(
                {
                    "files": [
                        {
                            "path": file["path"],
                            "uploadMode": "lfs" if file["path"].endswith(LARGE) else "regular",
                            "shouldIgnore": False,
                        }
                        for file in json.loads(body)["files"]
                    ]
                }
            )
        assert rest[0] == "commit"
        return self._commit(repo, key, [json.loads(line) for line in body.splitlines()])

    def _create(self, wanted: dict[str, Any]) -> None:
        key = f"{wanted.get('type', 'model')}s/{wanted['organization']}/{wanted['name']}"
        is_private = wanted.get("private") or wanted.get("visibility") == "private"
        self.state.repos[key] = Repo(True if is_private else None)  # None: nothing was said
        self._answer({"url": f"{self.state.url}/{key.removeprefix('models/')}"})

    def _batch(self, wanted: dict[str, Any]) -> None:
        objects = []
        for one in wanted["objects"]:
            link = {"href": f"{self.state.url}/lfs/{one['oid']}", "header": {}}
            actions = {} if one["oid"] in self.state.stored else {"actions": {"upload": link}}
            objects.append({"oid": one["oid"], "size": one["size"], **actions})
        self._answer({"transfer": "basic", "objects": objects})

    def _commit(self, repo: Repo, key: str, lines: list[dict[str, Any]]) -> None:
        files = dict(repo.revisions[-1])
        for line in lines:
            value = line["value"]
            if line["key"] == "header" and value["parentCommit"] != repo.sha:
                return self._answer({"error": "a newer commit is there"}, 412)
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.state.stored[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        repo.revisions.append(files)
        url = f"{self.state.url}/{key.removeprefix('models/')}/commit/{repo.sha}"
        return self._answer({"commitUrl": url, "commitOid": repo.sha})

    def _answer(self, content: Any, status: int = 200, code: str = "") -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _entry(path: str, data: bytes) -> dict[str, Any]:
    blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    entry: dict[str, Any] = {"type": "file", "path": path, "size": len(data), "oid": blob}
    if path.endswith(LARGE):
        digest = hashlib.sha256(data).hexdigest()
        entry["lfs"] = {"oid": digest, "size": len(data), "pointerSize": 130}
    return entry
