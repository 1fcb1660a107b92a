"""`templates.lock`: a line for each release.

A release is one line of TOML that refers to other lines only by name. So git can merge two branches
with different releases by keeping the lines of both, in any order: `merge=union` in
`.gitattributes` tells it to.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from sftdata.base.files import read_regular, write_atomically
from sftdata.base.toml import parse_toml
from sftdata.errors import TemplateError
from sftdata.versioning.versions import Version, parse_version

FILE = "templates.lock"

_HEAD = """\
# Written by `sftdata template release`: a line for each release, which never changes.
# When branches meet, keep the lines of both.
[releases]
"""
_MARKER = re.compile(r"(<{7}|={7}|>{7}|\|{7})( |$)")
_KEY = re.compile(r'"([^"]+)"\s*=')


@dataclass(frozen=True)
class Release:
    """A released version of a template, as its line in the lock has it."""

    id: str
    version: str
    previous: str  # the version it was compared with, "" for the first
    bump: str  # "first", "major", "minor" or "patch"
    rules: tuple[str, ...]  # why: the ids of the rules that decided the bump
    source_sha256: str
    semantics_sha256: str
    behaviour_sha256: str
    fields: tuple[str, ...]
    target_fields: tuple[str, ...]
    shorten: str  # "" where no field may be cut
    includes: tuple[str, ...]  # files frozen with it

    @property
    def label(self) -> str:
        """`id@version`."""
        return f"{self.id}@{self.version}"

    @property
    def number(self) -> Version:
        """The version, for comparing."""
        number = parse_version(self.version)
        assert number is not None, "checked when the lock is read"
        return number

    @property
    def seal(self) -> str:
        """Digest of the whole entry, written with it so that an edit by hand shows."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


def read_lock(folder: Path) -> list[Release]:
    """The releases in `folder`, sorted by id and version; none where there is no lock.

    Raises `TemplateError` with the rule LOCK_CONFLICT, DUPLICATE_VERSION or LOCK_EDITED.
    """
    path = folder / FILE
    try:
        text = read_regular(path).decode("utf-8")
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        raise _edited(path, f"not UTF-8 at byte {error.start}") from error
    return parse_lock(text, path)


def parse_lock(text: str, path: Path) -> list[Release]:
    """The releases in the text of a lock; messages name it by `path`."""
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if _MARKER.match(line):
            raise TemplateError(
                f"{path}:{number}: LOCK_CONFLICT: a merge left its markers here.",
                "Remove the lines with markers and keep the releases of both sides, in any order.",
                rule="LOCK_CONFLICT",
            )
    keys = Counter(match[1] for line in lines if (match := _KEY.match(line)))
    for key, times in keys.items():
        if times > 1:
            raise TemplateError(
                f"{path}: DUPLICATE_VERSION: {key} stands there {times} times.",
                "Keep the line whose file is in released/, and release the other text again: "
                f"sftdata template release {key.partition('@')[0]}",
                rule="DUPLICATE_VERSION",
            )
    try:
        content = parse_toml(re.sub(r"(?m)^\[releases\]$", "", text)) if keys else {}
    except ValueError as error:
        raise _edited(path, f"not TOML: {error}") from error
    found = [_release(path, key, entry) for key, entry in content.items()]
    return sorted(found, key=lambda release: (release.id, release.number))


def _release(path: Path, key: str, entry: Any) -> Release:
    names = {field.name for field in fields(Release)}
    if not isinstance(entry, dict) or entry.keys() != names | {"seal"}:
        raise _edited(path, f"{key} lacks something or has too much")
    seal = entry.pop("seal")
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
    release = Release(**values)
    if release.label != key or parse_version(str(release.version)) is None or release.seal != seal:
        raise _edited(path, f"the line of {key} is not the one that was released")
    return release


def _edited(path: Path, what: str) -> TemplateError:
    return TemplateError(
        f"{path}: LOCK_EDITED: {what}.",
        f"Take your edit back (git checkout -- {path}) and let `sftdata template release` write "
        "the lock.",
        rule="LOCK_EDITED",
    )


def write_lock(folder: Path, releases: Sequence[Release]) -> None:
    """Replaces the lock in `folder`; a first one brings the merge rule for git with it."""
    attributes = folder / ".gitattributes"
    if not (folder / FILE).exists() and not attributes.exists():
        write_atomically(attributes, f"{FILE} merge=union\n".encode())
    ordered = sorted(releases, key=lambda release: (release.id, release.number))
    text = _HEAD + "".join(f"{_line(release)}\n" for release in ordered)
    write_atomically(folder / FILE, text.encode())


def _line(release: Release) -> str:
    # A JSON string and a JSON list of strings are TOML, too.
    entry = asdict(release) | {"seal": release.seal}
    pairs = (f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in entry.items())
    return f"{json.dumps(release.label)} = {{ {', '.join(pairs)} }}"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lets one process at a time release in a folder; the lock ends with the process."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
