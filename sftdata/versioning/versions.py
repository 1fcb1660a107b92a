"""Version numbers and selectors: `summarize/headline@1.2` and the release that it picks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from sftdata.errors import TemplateError
from sftdata.rendering.source import check_id
from sftdata.rendering.template import DRAFT

Level = Literal["major", "minor", "patch"]

LEVELS: tuple[Level, ...] = ("patch", "minor", "major")  # from the least to the most

_VERSION = re.compile(r"(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})")
_PREFIX = re.compile(r"\d{1,9}(\.\d{1,9}){0,2}")
_DIGEST = re.compile(r"sha256:([0-9a-f]{4,64})")


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A released version. Compares by number: 1.10.0 comes after 1.9.0."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    def raised(self, level: Level) -> Version:
        """The next version of this level."""
        if level == "major":
            return Version(self.major + 1, 0, 0)
        if level == "minor":
            return Version(self.major, self.minor + 1, 0)
        return Version(self.major, self.minor, self.patch + 1)


FIRST = Version(1, 0, 0)


def parse_version(text: str) -> Version | None:
    """The version that `text` writes in full, or None."""
    match = _VERSION.fullmatch(text)
    return Version(*map(int, match.groups())) if match else None


@dataclass(frozen=True, slots=True)
class Selector:
    """An id and which text of it: at most one of `prefix`, `digest` and `draft` is set."""

    id: str
    prefix: str | None = None  # "1", "1.2" or "1.2.0"
    digest: str | None = None  # the first hexadecimal digits of a source digest
    draft: bool = False

    def takes(self, version: Version) -> bool:
        """Whether the selector allows a release of this version."""
        return self.prefix is None or f"{version}.".startswith(f"{self.prefix}.")


def parse_selector(text: str) -> Selector:
    """The selector that `text` writes. Raises `TemplateError` when it is none."""
    template_id, at, which = text.partition("@")
    check_id(template_id)
    if not at:
        return Selector(template_id)
    if which == DRAFT:
        return Selector(template_id, draft=True)
    if digest := _DIGEST.fullmatch(which):
        return Selector(template_id, digest=digest[1])
    if _PREFIX.fullmatch(which):
        return Selector(template_id, prefix=which)
    raise TemplateError(
        f"'{which}' does not select a version of '{template_id}'.",
        f"Write {template_id} alone for the latest release, or with @1, @1.2, @1.2.0, @draft or "
        "@sha256:DIGITS (at least four).",
    )
