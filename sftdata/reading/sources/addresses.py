"""Files at addresses: https:// and object stores (s3://, gs://, hf://), copied into the cache.

Each build asks again whether the file has changed, and fetches it if so. A copy is kept under the
digest of its bytes, so what is built from it is known by content, as for any other file. A manifest
records the version of a file (ETag and size), so that a machine without the copy need not fetch
what has not changed.
"""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
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
_QUOTE = '"'


@dataclass(frozen=True, slots=True)
class Copy:
    """A local copy of the file at `address`. `note`: for the user.

    `version`: another content has another one; None where the server gives none that says so.
    """

    address: str
    path: Path
    version: str | None = None
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


def find_unchanged(address: str, versions: Mapping[str, str]) -> list[str] | None:
    """The addresses of the files at an address, if each has the version that is recorded of it.

    None where a file has another version or none, or where that cannot be known.
    """
    if address.startswith(_LOCAL):
        return None
    if address.startswith(_WEB):
        recorded = versions.get(address)
        return [address] if recorded is not None and _has_version(address, recorded) else None
    try:
        store, path = open_store(address, GoldenSetError)
        store.invalidate_cache()
        found = {address: path}
        if _is_glob(path):
            found = {str(store.unstrip_protocol(name)): name for name in sorted(store.glob(path))}
        for each, name in found.items():
            version = _version_of(store.info(name))
            if version is None or version != versions.get(each):
                return None
    except Exception:  # `fetch` tells it
        return None
    return list(found) or None


def read_range(address: str, start: int, end: int) -> bytes:
    """The bytes of a file from `start` to `end`; fewer if it ends before.

    Raises `OSError`, or an error of the store's own library.
    """
    if address.startswith(_WEB):
        request = _request(address)
        request.add_header("Range", f"bytes={start}-{end - 1}")
        with closing(urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)) as response:
            if response.status != HTTPStatus.PARTIAL_CONTENT:
                raise OSError("the server sends whole files only")
            content: bytes = response.read()
            return content
    store, path = open_store(address, GoldenSetError)
    found: bytes = store.cat_file(path, start=start, end=end)
    return found


def _is_glob(path: str) -> bool:
    return any(mark in path for mark in _GLOB)


def _join_version(etag: str | None, size: Any) -> str | None:
    """A weak ETag stands for contents that are equal only to some purpose."""
    if not etag or etag.startswith("W/") or size is None:
        return None
    return f"{etag.strip(_QUOTE)} {size}"


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
    request = _request(address)
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
            version = _join_version(response.headers.get("ETag"), path.stat().st_size)
            return Copy(address, path, version)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == HTTPStatus.NOT_MODIFIED and known is not None:
                version = _join_version(known.etag, known.path.stat().st_size)
                return Copy(address, known.path, version)
            if error.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                return _use_known(address, known, f"the server answers {_status(error)}")
        raise _refused(address, error) from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        said = reason_of(reason) if isinstance(reason, Exception) else str(reason)
        return _use_known(address, known, said or type(error).__name__)


def _request(address: str) -> urllib.request.Request:
    quoted = urllib.parse.quote(address, safe="/:?&=%#+,;@~!$'()*[]")
    return urllib.request.Request(quoted, headers={"User-Agent": f"sftdata/{__version__}"})


def _has_version(address: str, version: str) -> bool:
    """Whether the server says that the file is still the one with this version."""
    request = _request(address)
    request.add_header("If-None-Match", f'"{version.rpartition(" ")[0]}"')
    try:
        with closing(urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)):
            return False  # it would send the file
    except urllib.error.HTTPError as error:
        with error:
            return error.code == HTTPStatus.NOT_MODIFIED
    except (OSError, HTTPException, ValueError):  # `fetch` tells it
        return False


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
    if not _is_glob(path):
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
            return Copy(address, known.path, _version_of(info))
        with store.open(path, "rb") as stream:
            copy = store_copy(address, stream, info.get("size"), version=version)
        return Copy(address, copy, _version_of(info))
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


def _version_of(info: Mapping[str, Any]) -> str | None:
    """The version of an object, from its entry in the store."""
    etag = info.get("ETag") or info.get("etag")
    return _join_version(etag if isinstance(etag, str) else None, info.get("size"))


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
        note=f"Not fetched again: {escape(address)} ({escape(reason)}). The copy of {day} is used.",
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
