"""Hooks of mkdocs: fill the reference pages, and add pages from files beside docs/.

A line `<!-- generated: NAME -->` of a page stands for Markdown that is made from the code, so the
reference is never out of date.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import reference_commands
import reference_keys
import reference_lists

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
GENERATED: Mapping[str, Callable[[], str]] = {
    "commands": reference_commands.list_commands,
    "command-sections": reference_commands.describe_commands,
    "spec-keys": reference_keys.list_spec_keys,
    "field-keys": partial(reference_keys.list_table_keys, "FieldRule"),
    "template-keys": partial(reference_keys.list_table_keys, "TemplateChoice"),
    "check-keys": partial(reference_keys.list_table_keys, "CheckRule"),
    "mixture-keys": reference_keys.list_mixture_keys,
    "source-keys": reference_keys.list_source_keys,
    "recipe-keys": reference_keys.list_recipe_keys,
    "reasons": reference_lists.list_reasons,
    "row-checks": reference_lists.list_row_checks,
    "doctor-checks": reference_lists.list_doctor_checks,
    "tasks": reference_lists.list_tasks,
    "presets": reference_lists.list_presets,
}
# Files of the repository that are pages of the site as well: where they are → the page.
BESIDE = {
    "train/README.md": "train-stage.md",
    "tests/bench/results.md": "benchmark-results.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
}
_MARK = re.compile(r"^<!-- generated: ([\w-]+) -->$", re.MULTILINE)
_LINK = re.compile(r"(?<=\]\()([^)\s#:]+)(?=[)#])")


def fill(markdown: str) -> str:
    """The page with the generated parts in their places."""
    return _MARK.sub(lambda mark: GENERATED[mark[1]](), markdown)


def relink(markdown: str, page: str) -> str:
    """Links between files, in and out of docs/, as links between pages."""
    places = {f"docs/{place}": file for file, place in BESIDE.items()}
    here = places.get(f"docs/{page}", f"docs/{page}")

    def to_page(link: re.Match[str]) -> str:
        file = posixpath.normpath(posixpath.join(posixpath.dirname(here), link[0]))
        place = BESIDE.get(file, file.removeprefix("docs/"))
        if place == file:  # neither a page nor a file of docs/
            return link[0]
        return posixpath.relpath(place, posixpath.dirname(page))

    return _LINK.sub(to_page, markdown)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that lie beside docs/."""
    from mkdocs.structure.files import File

    for file, page in BESIDE.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / file)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fills a page, and mends its links."""
    return relink(fill(markdown), page.file.src_uri)
