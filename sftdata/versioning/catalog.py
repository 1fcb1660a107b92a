"""List templates, their versions, and the datasets that were built with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sftdata.base.content import bundled_root
from sftdata.errors import SftdataError, TemplateError
from sftdata.rendering.template import DRAFT
from sftdata.versioning.git import added_at
from sftdata.versioning.releases import (
    TemplatesFolder,
    find_home,
    history,
    released_path,
    templates_folders,
)
from sftdata.writing.manifest import MANIFEST, read_manifest


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the list of templates."""

    id: str
    task: str
    name: str
    description: str
    latest: str | None  # release
    draft: str  # "none", "new" (never released), "changed" or "unchanged"
    bundled: bool
    fields: tuple[str, ...]
    target_fields: tuple[str, ...]
    built: tuple[str, ...]  # datasets, as DIRECTORY (VERSION)
    fault: str | None  # why it cannot be read

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class LogLine:
    """A release in the log of a template."""

    version: str
    bump: str
    rules: tuple[str, ...]
    date: str | None  # from git
    source_sha256: str
    built: tuple[str, ...]  # directories of datasets

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def list_templates(data_root: Path) -> list[Entry]:
    """Every template, the user's in place of bundled ones of the same id."""
    built = find_built(data_root)
    homes: dict[str, TemplatesFolder] = {}
    for home in reversed(templates_folders()):
        homes |= dict.fromkeys(home.ids(), home)
    return [_entry(template_id, homes[template_id], built) for template_id in sorted(homes)]


def _entry(template_id: str, home: TemplatesFolder, built: dict[str, list[str]]) -> Entry:
    releases = home.of(template_id)
    task, _, name = template_id.partition("/")
    draft, template, fault = "none", None, None
    try:
        if home.has_draft(template_id):
            template = home.draft(template_id)
            draft = "new"
            if releases:
                same = template.source_sha256 == releases[-1].source_sha256
                draft = "unchanged" if same else "changed"
        else:
            template = home.released(releases[-1])
    except TemplateError as error:
        fault = str(error).split("\n")[0]
        draft = "changed" if releases else "new"
    versions = (v for v in built if v.startswith(f"{template_id}@"))
    return Entry(
        id=template_id,
        task=task,
        name=name,
        description=template.description if template else "",
        latest=releases[-1].version if releases else None,
        draft=draft,
        bundled=home.folder.resolve() == (bundled_root() / "templates").resolve(),
        fields=tuple(sorted(template.fields)) if template else (),
        target_fields=tuple(sorted(template.target_fields)) if template else (),
        built=tuple(f"{d} ({v.partition('@')[2]})" for v in versions for d in built[v]),
        fault=fault,
    )


def read_log(template_id: str, data_root: Path) -> list[LogLine]:
    """A draft that differs from the latest release, then the releases, the latest first."""
    find_home(template_id)  # an unknown id is an error with the nearest name
    built = find_built(data_root)
    lines = []
    for home, release in reversed(history(template_id)):
        path = released_path(template_id, release.version)
        lines.append(
            LogLine(
                version=release.version,
                bump=release.bump,
                rules=release.rules,
                date=added_at(home.folder, path),
                source_sha256=release.source_sha256,
                built=tuple(built.get(release.label, ())),
            )
        )
    return [*_draft_line(find_home(template_id), template_id, built), *lines]


def _draft_line(
    home: TemplatesFolder, template_id: str, built: dict[str, list[str]]
) -> Iterator[LogLine]:
    if not home.has_draft(template_id):
        return
    try:
        digest = home.draft(template_id).source_sha256
    except TemplateError:
        digest = ""
    if digest not in {release.source_sha256 for _, release in history(template_id)[-1:]}:
        directories = tuple(built.get(f"{template_id}@{DRAFT}", ()))
        yield LogLine(DRAFT, "", (), None, digest, directories)


def find_built(root: Path) -> dict[str, list[str]]:
    """The datasets under `root` by the `id@version` of the templates they were built with."""
    built: dict[str, list[str]] = defaultdict(list)
    for path in sorted(root.rglob(MANIFEST)) if root.is_dir() else ():
        try:
            labels = read_manifest(path.parent)["template"]
        except SftdataError:
            continue  # another program's manifest
        for label in labels:
            built[label].append(str(path.parent))
    return dict(built)
