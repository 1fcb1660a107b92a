"""Release: the working copy's text becomes a version that never changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sftdata.base.content import bundled_root, project_root
from sftdata.errors import TemplateError
from sftdata.rendering.source import check_id
from sftdata.rendering.template import Template
from sftdata.versioning.bump import Change, find_changes, level_of
from sftdata.versioning.determinism import find_nondeterministic
from sftdata.versioning.lint import lint
from sftdata.versioning.lockfile import Release, locked, write_lock
from sftdata.versioning.probes import behaviour_sha256
from sftdata.versioning.releases import (
    TemplatesFolder,
    find_home,
    history,
    released_path,
    write_release,
)
from sftdata.versioning.versions import FIRST, LEVELS, Level


@dataclass(frozen=True)
class ReleaseOutcome:
    """The result of `release`. `release` is the earlier one if nothing had changed."""

    release: Release
    is_new: bool
    changes: tuple[Change, ...]
    path: Path


def release(template_id: str, at_least: Level | None = None) -> ReleaseOutcome:
    """Freezes the working copy of a template under the version its changes ask for.

    `at_least` may raise the bump, never lower it. A working copy that equals the latest release
    gives that one. Raises `TemplateError` for one that lint refuses, or that is not the user's.
    """
    home = _writable(template_id)
    with locked(home.folder):
        home = TemplatesFolder(home.folder)  # another release may have just ended
        template = home.draft(template_id)
        previous = _previous(template_id)
        changes = find_changes(previous, template) if previous is not None else []
        if previous is not None and not changes:
            latest = history(template_id)[-1][1]
            path = home.folder / released_path(template_id, latest.version)
            return ReleaseOutcome(latest, False, (), path)
        _check(template)
        entry = _entry(template, previous, changes, at_least)
        path = home.folder / released_path(template_id, entry.version)
        if path.exists() and path.read_bytes() != template.source.encode():
            raise TemplateError(
                f"{path} is there, but {entry.label} is not in the lock.",
                "If its line was removed, bring it back; if a release was interrupted, remove the "
                "file.",
                rule="LOCK_EDITED",
            )
        write_release(home.folder, template, entry.version)
        write_lock(home.folder, [*home.releases, entry])
        TemplatesFolder(home.folder).released(entry)  # raises if the files are not what was read
        return ReleaseOutcome(entry, True, tuple(changes), path)


def _writable(template_id: str) -> TemplatesFolder:
    """The project's folder, if the template's working copy is there."""
    check_id(template_id)
    home = find_home(template_id)
    own = project_root() / "templates"
    if home.folder.resolve() != own.resolve():
        raise TemplateError(
            f"'{template_id}' is a bundled template (in {bundled_root() / 'templates'}).",
            f"Make a copy of your own, edit and release that: sftdata template new {template_id} "
            f"--from {template_id}",
        )
    if not home.has_draft(template_id):
        raise TemplateError(
            f"'{template_id}' has no working copy to release.",
            f"Make one: sftdata template new {template_id} --from {template_id}",
        )
    return home


def _previous(template_id: str) -> Template | None:
    releases = history(template_id)
    if not releases:
        return None
    home, latest = releases[-1]
    return home.released(latest)


def _check(template: Template) -> None:
    faults = [finding for finding in lint(template) if finding.level == "error"]
    faults = faults or find_nondeterministic([template])
    if faults:
        lines = [f"  {f.rule} {f.where}: {f.message}. {f.hint}" for f in faults]
        raise TemplateError(
            f"'{template.id}' cannot be released:\n" + "\n".join(lines), rule=faults[0].rule
        )


def _entry(
    template: Template,
    previous: Template | None,
    changes: Sequence[Change],
    at_least: Level | None,
) -> Release:
    if previous is None:
        version, bump = FIRST, "first"
    else:
        computed = level_of(changes)
        if at_least is not None and LEVELS.index(at_least) < LEVELS.index(computed):
            reasons = "; ".join(f"{c.rule} ({c.where}): {c.detail}" for c in changes)
            raise TemplateError(
                f"'{template.id}' changed by {computed.upper()}, and --{at_least} would hide it: "
                f"{reasons}.",
                f"Release it without --{at_least}.",
            )
        bump = at_least or computed
        version = history(template.id)[-1][1].number.raised(bump)
    return Release(
        id=template.id,
        version=str(version),
        previous="" if previous is None else previous.version,
        bump=bump,
        rules=tuple(dict.fromkeys(change.rule for change in changes)),
        source_sha256=template.source_sha256,
        semantics_sha256=template.semantics_sha256,
        behaviour_sha256=behaviour_sha256(template),
        fields=tuple(sorted(template.fields)),
        target_fields=tuple(sorted(template.target_fields)),
        shorten=template.shorten or "",
        includes=tuple(sorted(template.included)),
    )
