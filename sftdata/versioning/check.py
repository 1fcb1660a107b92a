"""Check, for CI: releases must be unchanged, and working copies ready for release."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sftdata.errors import TemplateError, did_you_mean
from sftdata.rendering.source import MAX_SOURCE_BYTES, canonical
from sftdata.rendering.template import Template
from sftdata.versioning.bump import Change, find_changes
from sftdata.versioning.determinism import find_nondeterministic
from sftdata.versioning.findings import Level, TemplateFinding, finding_of
from sftdata.versioning.git import find_revision, read_tree
from sftdata.versioning.lint import lint
from sftdata.versioning.lockfile import FILE as LOCK
from sftdata.versioning.lockfile import Release, parse_lock
from sftdata.versioning.releases import TemplatesFolder, released_path, templates_folders
from sftdata.versioning.versions import parse_selector, parse_version


def check(
    ids: Sequence[str] = (), *, against: str | None = None, frozen: bool = False
) -> list[TemplateFinding]:
    """The findings about the user's templates, or the bundled ones where there are no others.

    `ids` limits the check of working copies; releases are always checked. `against` is a commit
    to compare the releases and working copies with, or a version, which the working copies must
    then still behave like. With `frozen` a change that is not released is an error.
    """
    home = _checked_folder()
    try:
        known = home.ids()
    except TemplateError as error:
        return [finding_of(error, LOCK)]
    for template_id in ids:
        if template_id not in known:
            raise TemplateError(
                f"There is no template '{template_id}'.", did_you_mean(template_id, known)
            )
    found = [*_releases(home)]
    chosen = sorted(ids or known)
    drafts: list[Template] = []
    for template_id in chosen:
        found += _working_copy(home, template_id, frozen, drafts)
    found += find_nondeterministic([d for d in drafts if not _has_fault(found, d)])
    if against is not None:
        found += _against(home, against, drafts)
    return list(dict.fromkeys(found))


def _checked_folder() -> TemplatesFolder:
    found = templates_folders()
    if not found:
        raise TemplateError(f"There is no folder 'templates' here ({Path.cwd()}).")
    return found[0]


def _has_fault(found: Iterable[TemplateFinding], template: Template) -> bool:
    return any(f.level == "error" and f.template == template.id for f in found)


def _releases(home: TemplatesFolder) -> Iterator[TemplateFinding]:
    labels = {release.label for release in home.releases}
    known = labels | {r.label for other in templates_folders() for r in other.releases}
    for release in home.releases:
        fault = home.fault(release)
        if fault is not None:
            yield finding_of(fault, release.label)
        if release.previous and f"{release.id}@{release.previous}" not in known:
            yield TemplateFinding(
                "RELEASED_MISSING", "error", f"{release.id}@{release.previous}", LOCK,
                f"{release.label} was released after it, and its line is gone",
                "Bring the line and the file back from the history.",
            )  # fmt: skip
    for path in sorted(home.folder.glob("*/released/*.jinja")):
        label = f"{path.parent.parent.name}/{path.stem}"
        if label not in labels:
            yield TemplateFinding(
                "LOCK_EDITED", "error", label, str(path), f"{label} has no line in {LOCK}",
                f"Bring the line back (git checkout -- {home.folder / LOCK}), or remove the file.",
            )  # fmt: skip


def _working_copy(
    home: TemplatesFolder, template_id: str, frozen: bool, drafts: list[Template]
) -> Iterator[TemplateFinding]:
    try:
        if not home.has_draft(template_id):
            return
        draft = home.draft(template_id)
    except TemplateError as error:
        yield finding_of(error, template_id)
        return
    drafts.append(draft)
    yield from lint(draft)
    releases = home.of(template_id)
    if releases and releases[-1].source_sha256 == draft.source_sha256:
        return
    level: Level = "error" if frozen else "note"
    since = f"since {releases[-1].version}" if releases else "and was never released"
    yield TemplateFinding(
        "UNRELEASED_CHANGE", level, template_id, "", f"the working copy has changed {since}",
        f"sftdata template release {template_id}",
    )  # fmt: skip
    if releases and home.fault(releases[-1]) is None:
        yield from _as_notes(template_id, _changes(home.released(releases[-1]), draft))


def _changes(old: Template, new: Template) -> list[Change]:
    try:
        return find_changes(old, new)
    except TemplateError:
        return []  # one that cannot be rendered is a finding of its own


def _as_notes(template_id: str, changes: Iterable[Change]) -> Iterator[TemplateFinding]:
    for change in changes:
        yield TemplateFinding(change.rule, "note", template_id, change.where, change.detail)


def _against(
    home: TemplatesFolder, against: str, drafts: Sequence[Template]
) -> Iterator[TemplateFinding]:
    template_id, _, version = against.rpartition("@")
    if parse_version(version) is not None:
        yield from _against_version(home, template_id, version, drafts)
        return
    commit = find_revision(home.folder, against)
    if commit is None:
        raise TemplateError(
            f"'{against}' is neither a version nor a commit that git knows in {home.folder}.",
            "Give a version such as 1.2.0, or a commit or branch; a shallow clone may not have it "
            "(git fetch origin BRANCH).",
        )
    yield from _against_files(home, against, read_tree(home.folder, commit))


def _against_version(
    home: TemplatesFolder, template_id: str, version: str, drafts: Sequence[Template]
) -> Iterator[TemplateFinding]:
    """Changes that reach a token since a version: each is an error."""
    if template_id:
        parse_selector(f"{template_id}@{version}")
    compared = False
    for draft in drafts:
        release = next((r for r in home.of(draft.id) if r.version == version), None)
        if release is None or (template_id and draft.id != template_id):
            continue
        compared = True
        if home.fault(release) is None:
            for change in _changes(home.released(release), draft):
                level: Level = "note" if change.level == "patch" else "error"
                yield TemplateFinding(change.rule, level, draft.id, change.where, change.detail)
    if not compared:
        raise TemplateError(f"No working copy that is checked has a version {version}.")


def _against_files(
    home: TemplatesFolder, against: str, files: dict[str, bytes]
) -> Iterator[TemplateFinding]:
    """Releases of a commit that are gone or others now, and what changed in the working copies."""
    try:
        then = parse_lock(files.get(LOCK, b"").decode(errors="replace"), Path(f"{against}:{LOCK}"))
    except TemplateError as error:
        yield finding_of(error, f"{against}:{LOCK}")
        return
    now = {release.label: release for release in home.releases}
    for release in then:
        yield from _same_release(home, against, release, now.get(release.label), files)
    yield from _changed_since(home, files)


def _same_release(
    home: TemplatesFolder, against: str, then: Release, now: Release | None, files: dict[str, bytes]
) -> Iterator[TemplateFinding]:
    path = released_path(then.id, then.version)
    restore = (
        f"Bring it back: git checkout {against} -- {home.folder / path} and its line in {LOCK}"
    )
    if now is None:
        yield TemplateFinding(
            "RELEASED_MISSING", "error", then.label, path,
            f"it was released at {against}, and is not in the lock now", restore,
        )  # fmt: skip
    elif now.source_sha256 != then.source_sha256:
        yield TemplateFinding(
            "RELEASED_EDITED", "error", then.label, path,
            f"it was released with other bytes at {against}", restore,
        )  # fmt: skip
    elif now != then:
        yield TemplateFinding(
            "LOCK_EDITED", "error", then.label, LOCK,
            f"its line was another at {against}", restore,
        )  # fmt: skip


def _changed_since(home: TemplatesFolder, files: dict[str, bytes]) -> Iterator[TemplateFinding]:
    with tempfile.TemporaryDirectory() as folder:
        old = TemplatesFolder(Path(folder))
        for name, content in files.items():
            if len(content) <= MAX_SOURCE_BYTES and "/released/" not in name:
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(canonical(content.decode(errors="replace")), encoding="utf-8")
        for template_id in sorted(i for i in home.ids() if home.has_draft(i)):
            if (Path(folder) / f"{template_id}.jinja").is_file():
                try:
                    changes = _changes(old.draft(template_id), home.draft(template_id))
                except TemplateError:
                    continue
                yield from _as_notes(template_id, changes)
