"""Released templates: their frozen bytes, and the text that a selector picks.

    templates/<task>/<name>.jinja                       the working copy
    templates/<task>/released/<name>@<version>.jinja    a release, byte for byte as it was
    templates/<task>/released/<name>@<version>.parts/   what it includes, under the same names
    templates/templates.lock                            what was released

A release holds everything it includes, so it renders from these files alone.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from sftdata.base.content import content_folders
from sftdata.base.files import write_atomically
from sftdata.errors import TemplateError, did_you_mean
from sftdata.rendering.source import find_inside, read_source
from sftdata.rendering.template import Template, parse_template
from sftdata.versioning.lockfile import Release, read_lock
from sftdata.versioning.versions import Selector, Version, parse_selector


@dataclass(frozen=True)
class TemplatesFolder:
    """A `templates/` folder with its working copies and its lock."""

    folder: Path

    @cached_property
    def releases(self) -> list[Release]:
        """Its releases, sorted. Raises `TemplateError` for a lock that cannot be trusted."""
        return read_lock(self.folder)

    def ids(self) -> set[str]:
        """Ids of its working copies and its releases."""
        paths = (path.relative_to(self.folder) for path in self.folder.glob("*/*.jinja"))
        return {path.with_suffix("").as_posix() for path in paths} | {r.id for r in self.releases}

    def of(self, template_id: str) -> list[Release]:
        """The releases of one template, the latest last."""
        return [release for release in self.releases if release.id == template_id]

    def has(self, template_id: str) -> bool:
        """Whether it has a working copy or a release of the template."""
        return self.has_draft(template_id) or bool(self.of(template_id))

    def has_draft(self, template_id: str) -> bool:
        """Whether it has a working copy. Raises `TemplateError` for anything but a file inside."""
        name = f"{template_id}.jinja"
        if find_inside(self.folder, name) is not None:
            return True
        if (self.folder / name).is_symlink() or (self.folder / name).parent.is_symlink():
            raise TemplateError(
                f"{self.folder / name} leads out of the templates folder.",
                "Put the file itself there.",
                rule="LINT_LINK",
            )
        if (self.folder / name).exists():
            raise TemplateError(f"{self.folder / name}: a folder or a pipe, not a file of text.")
        return False

    def draft(self, template_id: str) -> Template:
        """The working copy, which must be there."""
        return parse_template(template_id, self.draft_source(template_id), root=self.folder)

    def draft_source(self, template_id: str) -> str:
        """The text of the working copy, which must be there."""
        path = find_inside(self.folder, f"{template_id}.jinja")
        assert path is not None
        return read_source(path)

    def released(self, release: Release) -> Template:
        """A release. Raises `TemplateError` (RELEASED_MISSING, RELEASED_EDITED) when its bytes
        are not the released ones."""
        fault = self.fault(release)
        if fault is not None:
            raise fault
        source = read_source(self.folder / released_path(release.id, release.version))
        parts = self.folder / parts_path(release.id, release.version)
        return parse_template(release.id, source, version=release.version, root=parts)

    def fault(self, release: Release) -> TemplateError | None:
        """The fault in the bytes of a release, or None."""
        path = released_path(release.id, release.version)
        parts = self.folder / parts_path(release.id, release.version)
        found = find_inside(self.folder, path)
        included = {name: find_inside(parts, name) for name in release.includes}
        missing = [f"{parts}/{name}" for name, file in included.items() if file is None]
        if found is None or missing:
            return _missing(release, missing[0] if found else str(self.folder / path))
        try:
            digest = hashlib.sha256(read_source(found).encode())
            for name, file in sorted(included.items()):
                assert file is not None
                digest.update(f"\0{name}\0{read_source(file)}".encode())
            same = digest.hexdigest() == release.source_sha256
        except TemplateError:  # too long, or not UTF-8: not what was released
            same = False
        return None if same else _edited(release, self.folder / path)


def released_path(template_id: str, version: str) -> str:
    """Path of a release in its templates folder."""
    task, _, name = template_id.partition("/")
    return f"{task}/released/{name}@{version}.jinja"


def parts_path(template_id: str, version: str) -> str:
    """Path of the included files of a release in its templates folder."""
    return released_path(template_id, version).removesuffix(".jinja") + ".parts"


def templates_folders() -> list[TemplatesFolder]:
    """The templates folders, the user's first, the bundled one second."""
    return [TemplatesFolder(folder) for folder in content_folders("templates")]


def find_home(template_id: str) -> TemplatesFolder:
    """The first folder with a working copy or release of the template.

    Raises `TemplateError` if there is none.
    """
    known: set[str] = set()
    for home in templates_folders():
        if home.has(template_id):
            return home
        known |= home.ids()
    task = template_id.partition("/")[0]
    hint = did_you_mean(template_id, known)
    if not any(name.startswith(f"{task}/") for name in known):
        # A new task: the names of all other templates would be a long list.
        near = f"{hint} Or write" if hint.startswith("Did") else "Write"
        hint = f"{near} it: sftdata template new {template_id}"
    raise TemplateError(
        f"There is no template '{template_id}'.",
        hint,
        rule="LINT_UNKNOWN",
    )


def history(template_id: str) -> list[tuple[TemplatesFolder, Release]]:
    """Every release of a template, the latest last.

    A copy that a user made of a bundled template goes on from the bundled releases; where both
    have a version, the user's counts.
    """
    found: dict[Version, tuple[TemplatesFolder, Release]] = {}
    for home in reversed(templates_folders()):
        found |= {release.number: (home, release) for release in home.of(template_id)}
    return [found[number] for number in sorted(found)]


def load_template(text: str) -> Template:
    """The template that a selector names: an id, alone or with `@` and a version.

    `summarize/article` is the latest release, or the working copy where nothing was released;
    `@1`, `@1.2` and `@1.2.0` the latest release that begins so, `@draft` the working copy, and
    `@sha256:ab12` the text with that source digest. The user's templates come before the bundled.
    Raises `TemplateError`, also when released bytes were changed.
    """
    selector = parse_selector(text)
    home = find_home(selector.id)
    if selector.draft:
        return _draft(selector.id)
    if selector.digest is not None:
        return _by_digest(selector)
    if selector.prefix is not None:
        fitting = [pair for pair in history(selector.id) if selector.takes(pair[1].number)]
        if not fitting:
            raise _no_version(selector, text)
        home, release = fitting[-1]
        return home.released(release)
    releases = home.of(selector.id)
    if not releases:
        return home.draft(selector.id)
    template = home.released(releases[-1])
    return replace(template, note=_unreleased_changes(home, template))


def _unreleased_changes(home: TemplatesFolder, latest: Template) -> str | None:
    if not home.has_draft(latest.id):
        return None
    try:
        if not latest.included and home.draft_source(latest.id) == latest.source:
            return None  # as nearly always, and to parse it takes a while
        if home.draft(latest.id).source_sha256 == latest.source_sha256:
            return None
    except TemplateError:
        pass  # a working copy that does not parse differs from what was released
    return (
        f"Note: {latest.label} is used; the working copy has changes that are not released "
        f"({latest.id}@draft builds them)."
    )


def _draft(template_id: str) -> Template:
    for home in templates_folders():
        if home.has_draft(template_id):
            return home.draft(template_id)
    raise TemplateError(
        f"'{template_id}' has no working copy.",
        f"Make one from the latest release: sftdata template new {template_id} --from "
        f"{template_id}",
    )


def _by_digest(selector: Selector) -> Template:
    assert selector.digest is not None
    fitting: dict[str, Template] = {}
    for home in templates_folders():
        for release in home.of(selector.id):
            if release.source_sha256.startswith(selector.digest):
                fitting.setdefault(release.source_sha256, home.released(release))
        draft = home.draft(selector.id) if home.has_draft(selector.id) else None
        if draft is not None and draft.source_sha256.startswith(selector.digest):
            fitting.setdefault(draft.source_sha256, draft)
    if len(fitting) == 1:
        return next(iter(fitting.values()))
    if fitting:
        digests = " and ".join(f"sha256:{digest[:16]}" for digest in sorted(fitting))
        raise TemplateError(
            f"'{selector.id}@sha256:{selector.digest}' can be {digests}.", "Give more digits."
        )
    raise _no_version(selector, f"{selector.id}@sha256:{selector.digest}")


def _no_version(selector: Selector, text: str) -> TemplateError:
    versions = [release.version for _, release in history(selector.id)]
    if not versions:
        return TemplateError(
            f"There is no '{text}': '{selector.id}' was never released.",
            f"Release it: sftdata template release {selector.id}",
        )
    return TemplateError(
        f"There is no '{text}'.", did_you_mean(selector.prefix or selector.digest or "", versions)
    )


def _missing(release: Release, path: str) -> TemplateError:
    return TemplateError(
        f"{path}: RELEASED_MISSING: {release.label} was released, and its file is gone.",
        f"Bring it back (git checkout -- {path}); datasets were built with it.",
        rule="RELEASED_MISSING",
    )


def _edited(release: Release, path: Path) -> TemplateError:
    return TemplateError(
        f"{path}: RELEASED_EDITED: these are not the bytes that were released as {release.label}.",
        f"Take the edit back (git checkout -- {path}). To change the template, edit its working "
        f"copy, then: sftdata template release {release.id}",
        rule="RELEASED_EDITED",
    )


def write_release(folder: Path, template: Template, version: str) -> None:
    """Writes a template's text and what it includes as the files of a release."""
    path = folder / released_path(template.id, version)
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = folder / parts_path(template.id, version)
    for name, text in template.included.items():
        file = parts / os.path.normpath(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, text.encode())
    write_atomically(path, template.source.encode())
