"""Files at addresses: https:// and object stores (s3://, gs://, hf://), copied into the cache.

Each build asks again whether the file has changed, and fetches it if so. A copy is kept under the
digest of its bytes, so what is built from it is known by content, as for any other file.
"""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any

from sftdata.base.escaping import escape
from sftdata.base.stores import open_store
from sftdata.base.version import __version__
from sftdata.base.wording import reason_of
from sftdata.errors import GoldenSetError
from sftdata.reading.sources.fetched_copies import KnownCopy, find_copy, store_copy

_TIMEOUT_SECONDS = 30
_WEB = ("http://", "https://")
_LOCAL = "file://"
_GLOB = ("*", "?", "[")


@dataclass(frozen=True, slots=True)
class Copy:
    """A local copy of the file at `address`. `note`: for the user."""

    address: str
    path: Path
    note: str | None = None


def fetch(address: str) -> list[Copy]:
    """Copies of the files at an address, in the order of their names; several for a glob.

    Where the file cannot be reached, the copy of an earlier build is used, and its note says so.
    Raises `GoldenSetError` where there is no such file, or nothing has been fetched before.
    """
    if address.startswith(_LOCAL):
        path = urllib.request.url2pathname(urllib.parse.urlsplit(address).path)
        return [Copy(address, Path(path))]
    if address.startswith(_WEB):
        return [_fetch_web(address)]
    return _fetch_store(address)


# --- https:// ------------------------------------------------------------------------------------


def _fetch_web(address: str) -> Copy:
    try:
        parts = urllib.parse.urlsplit(address)
        host = parts.hostname
    except ValueError as error:
        raise GoldenSetError(
            f"'{escape(address)}': {error}.", "Check the address.", code="E202"
        ) from error
    if not host:
        raise GoldenSetError(
            f"'{escape(address)}' names no host.", "Check the address.", code="E202"
        )
    if "@" in parts.netloc:
        raise GoldenSetError(
            f"The address of {host} holds a user or a password, and the dataset would record it.",
            "Download the file, and give its path.",
            code="E202",
        )
    known = find_copy(address)
    quoted = urllib.parse.quote(address, safe="/:?&=%#+,;@~!$'()*[]")
    request = urllib.request.Request(quoted, headers={"User-Agent": f"sftdata/{__version__}"})
    if known is not None:
        for header, value in (("If-None-Match", known.etag), ("If-Modified-Since", known.modified)):
            if value:
                request.add_header(header, value)
    try:
        with closing(urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)) as response:
            size = response.headers.get("Content-Length")
            path = store_copy(
                address,
                response,
                int(size) if size and size.isdecimal() else None,
                etag=response.headers.get("ETag", ""),
                modified=response.headers.get("Last-Modified", ""),
            )
            return Copy(address, path)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == HTTPStatus.NOT_MODIFIED and known is not None:
                return Copy(address, known.path)
            if error.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                return _use_known(address, known, f"the server answers {_status(error)}")
        raise _refused(address, error) from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        said = reason_of(reason) if isinstance(reason, Exception) else str(reason)
        return _use_known(address, known, said or type(error).__name__)


def _status(error: urllib.error.HTTPError) -> str:
    return f"{error.code} {error.reason}".strip()


def _refused(address: str, error: urllib.error.HTTPError) -> GoldenSetError:
    if error.code in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return _no_file(address)
    if error.code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return GoldenSetError(
            f"'{escape(address)}' may not be read: the server answers {_status(error)}.",
            "It needs a login. Download the file, and give its path.",
            code="E202",
        )
    return GoldenSetError(
        f"'{escape(address)}' cannot be fetched: the server answers {_status(error)}.",
        "Check the address, or download the file and give its path.",
        code="E202",
    )


# --- object stores -------------------------------------------------------------------------------


def _fetch_store(address: str) -> list[Copy]:
    store, path = open_store(address, GoldenSetError)
    if not any(mark in path for mark in _GLOB):
        return [_fetch_object(address, store, path)]
    try:
        found = sorted(str(name) for name in store.glob(path))
    except Exception as error:
        raise _unreachable(address, error) from error
    if not found:
        raise _no_file(address)
    return [_fetch_object(str(store.unstrip_protocol(name)), store, name) for name in found]


def _fetch_object(address: str, store: Any, path: str) -> Copy:
    known = find_copy(address)
    try:
        store.invalidate_cache()
        info = store.info(path)
        if info.get("type") == "directory":
            raise GoldenSetError(
                f"'{escape(address)}' is a folder.",
                f"Name its files, for example: --data '{escape(address.rstrip('/'))}/*.jsonl'",
                code="E201",
            )
        version = str(store.ukey(path))
        if known is not None and known.version == version:
            return Copy(address, known.path)
        with store.open(path, "rb") as stream:
            return Copy(address, store_copy(address, stream, info.get("size"), version=version))
    except GoldenSetError:
        raise
    except FileNotFoundError as error:
        raise _no_file(address) from error
    except PermissionError as error:
        raise GoldenSetError(
            f"'{escape(address)}' may not be read: {escape(str(error))}.",
            "Check the login that the store's library uses.",
            code="E202",
        ) from error
    except Exception as error:  # each store has its own library, with its own errors
        return _use_known(address, known, f"{type(error).__name__}: {error}")


# --- errors ---------------------------------------------------------------------------------------


def _use_known(address: str, known: KnownCopy | None, reason: str) -> Copy:
    if known is None:
        raise GoldenSetError(
            f"'{escape(address)}' cannot be fetched: {escape(reason.rstrip('.'))}.",
            "Check the connection and the address.",
            code="E202",
        )
    path = known.path
    day = datetime.fromtimestamp(path.stat().st_mtime).date()
    return Copy(
        address,
        path,
        f"Not fetched again: {escape(address)} ({escape(reason)}). The copy of {day} is used.",
    )


def _unreachable(address: str, error: Exception) -> GoldenSetError:
    return GoldenSetError(
        f"'{escape(address)}' cannot be fetched: {type(error).__name__}: {escape(str(error))}.",
        "Check the connection, the address and the login.",
        code="E202",
    )


def _no_file(address: str) -> GoldenSetError:
    return GoldenSetError(
        f"There is no file at '{escape(address)}'.", "Check the address.", code="E201"
    )
