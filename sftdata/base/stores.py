"""Folders in object stores (`s3://…`, `gs://…`), through fsspec and the package of each store.

A store replaces an object in one step, so a reader sees the old bytes or the new ones. The store's
own package tries again after time-outs, lost connections and answers that ask to slow down.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from sftdata.base.escaping import escape
from sftdata.errors import SftdataError

PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs",
            "abfs": "adlfs", "abfss": "adlfs"}  # fmt: skip
_EXTRAS = {"s3fs": "'sftdata[s3]'", "gcsfs": "'sftdata[gcs]'"}
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://.", re.IGNORECASE)  # C:// is a drive
_S3 = ("s3", "s3a")


def is_address(place: str) -> bool:
    """Whether the place is an address such as `https://…` or `s3://…`, not a path."""
    return _ADDRESS.match(place) is not None


def open_store(address: str, error_type: type[SftdataError] = SftdataError) -> tuple[Any, str]:
    """The fsspec file system of an address, and the path in it. Raises `error_type`."""
    import fsspec

    scheme = address.partition("://")[0].lower()
    try:
        store, path = fsspec.core.url_to_fs(address)
    except ImportError as error:
        package = PACKAGES.get(scheme)
        raise error_type(
            f"'{escape(address)}': {scheme}:// needs a package that is not installed.",
            f"Install it: pip install {_EXTRAS.get(package, package)}" if package else f"{error}.",
            code="E104",
        ) from error
    except ValueError as error:
        raise error_type(
            f"'{escape(address)}': {scheme}:// is no known kind of address.",
            "Known: https, s3, gs, hf, file, and what fsspec knows.",
            code="E202",
        ) from error
    except Exception as error:  # of the store's own library
        raise error_type(
            f"'{escape(address)}' cannot be reached: {type(error).__name__}: {escape(str(error))}.",
            "Check the connection, the address and the login.",
            code="E202",
        ) from error
    return store, path


class ReplacedError(SftdataError):
    """Another process wrote an object since it was looked at."""

    code = "E106"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An object in a folder."""

    bytes: int
    changed: datetime | None  # None: the store does not say


class StoredFolder:
    """A folder in an object store. Its methods raise `SftdataError` where the store refuses."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")

    def __str__(self) -> str:
        return self.address

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        store, path = open_store(self.address)
        if "file" in store.protocol:  # a file system replaces no file in one step
            raise SftdataError(
                f"'{escape(self.address)}' is a folder of this machine, not of an object store.",
                f"Give its path: {escape(path)}",
                code="E202",
            )
        return store, path

    def list_files(self) -> dict[str, StoredFile]:
        """Every object below the folder, by its path in it."""
        store, root = self._opened
        with self._naming_faults("listed"):
            store.invalidate_cache()
            found = store.find(root, detail=True)
        start = len(store.unstrip_protocol(root)) + 1
        return {
            store.unstrip_protocol(path)[start:]: StoredFile(int(info["size"]), _changed(info))
            for path, info in found.items()
        }

    def read(self, name: str) -> bytes | None:
        """The content of an object; None if there is none."""
        store, root = self._opened
        with self._naming_faults("read", name):
            try:
                content: bytes = store.cat_file(f"{root}/{name}")
            except FileNotFoundError:
                return None
        return content

    def read_range(self, name: str, start: int, end: int) -> bytes:
        """The bytes of an object from `start` to `end`."""
        store, root = self._opened
        with self._naming_faults("read", name):
            content: bytes = store.cat_file(f"{root}/{name}", start=start, end=end)
            if len(content) != end - start:
                raise OSError(f"{len(content):,} of {end - start:,} bytes came")
        return content

    @contextmanager
    def open(self, name: str) -> Iterator[Any]:
        """A binary stream of an object."""
        store, root = self._opened
        with self._naming_faults("read", name), store.open(f"{root}/{name}", "rb") as stream:
            yield stream

    def upload(self, path: Path, name: str) -> None:
        """Puts a file in the place of the object."""
        store, root = self._opened
        with self._naming_faults("written", name):
            store.put_file(str(path), f"{root}/{name}")

    def replace(self, name: str, content: bytes, before: bytes | None) -> None:
        """Puts `content` in the place of `before` (None: of no object), and of nothing else.

        S3 compares and writes in one step. Other stores do so where there is no object yet; to
        replace one, they are asked for its content right before.
        Raises `ReplacedError` when another process was faster.
        """
        store, root = self._opened
        path = f"{root}/{name}"
        options: dict[str, Any] = {"mode": "create"}
        with self._naming_faults("written", name):
            if before is not None:
                tag, now = self._tag(path), self.read(name)
                if now == content:
                    return
                if now != before:
                    raise self._replaced(name)
                options = {"IfMatch": tag} if tag else {}
            try:
                store.pipe_file(path, content, **options)
            except OSError as error:  # also of a condition that does not hold
                now = self.read(name)
                if now == content:  # by an attempt whose answer was lost, or by another process
                    return
                if now != before:
                    raise self._replaced(name) from error
                raise

    def _tag(self, path: str) -> str | None:
        """The tag of an object's content, by which S3 compares it."""
        store, _ = self._opened
        store.invalidate_cache()
        if self.address.partition("://")[0].lower() not in _S3 or not store.exists(path):
            return None
        tag: str | None = store.info(path).get("ETag")
        return tag

    def remove(self, name: str) -> None:
        """Removes an object."""
        store, root = self._opened
        with self._naming_faults("removed", name):
            store.rm_file(f"{root}/{name}")

    def _replaced(self, name: str) -> ReplacedError:
        return ReplacedError(
            f"{self}/{name}: another process wrote it meanwhile.",
            "Run the same command again: it starts from what is there now.",
        )

    @contextmanager
    def _naming_faults(self, done: str, name: str = "") -> Iterator[None]:
        place = escape(f"{self}/{name}" if name else str(self))
        try:
            yield
        except SftdataError:
            raise
        except PermissionError as error:
            raise SftdataError(
                f"'{place}' may not be {done}: {escape(str(error))}.",
                "Check the login that the store's library uses, and its rights.",
                code="E202",
            ) from error
        except Exception as error:  # each store has its own library, with its own errors
            raise SftdataError(
                f"'{place}' cannot be {done}: {type(error).__name__}: {escape(str(error))}.",
                "Check the connection, the address and the login, and run the same command again.",
                code="E202",
            ) from error


def _changed(info: dict[str, Any]) -> datetime | None:
    changed = info.get("LastModified") or info.get("created") or info.get("updated")
    return changed if isinstance(changed, datetime) else None
