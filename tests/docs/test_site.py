"""The pages of the site: their generated parts, and links that lead out of docs/ or into it."""

from __future__ import annotations

import re

from site_hooks import GENERATED, relink
from support.places import ROOT

DOCS = ROOT / "docs"


def test_everything_generated_stands_on_a_page() -> None:
    pages = [path.read_text(encoding="utf-8") for path in DOCS.rglob("*.md")]
    for name in GENERATED:
        assert sum(page.count(f"<!-- generated: {name} -->") for page in pages) == 1, name


def test_a_link_to_a_file_beside_the_docs_leads_to_its_page() -> None:
    assert relink("[a](../train/README.md#x)", "faq.md") == "[a](train-stage.md#x)"
    assert relink("[a](../../train/README.md)", "guides/a.md") == "[a](../train-stage.md)"
    assert relink("[a](../docs/specs.md)", "train-stage.md") == "[a](specs.md)"
    assert relink("[a](specs.md#x), [b](https://x.org/a.md)", "faq.md") == (
        "[a](specs.md#x), [b](https://x.org/a.md)"
    )


def test_links_and_pictures_of_the_readme_are_there() -> None:
    text = (ROOT / "README.md").read_text(
        encoding="utf-8"
    )  # no page of the site, so no build looks
    links = [link or picture for link, picture in re.findall(r'\]\(([^)#\s]+)|src="([^"]+)"', text)]
    assert "docs/images/row.png" in links
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_links_between_pages_also_lead_to_files_where_they_are_read_without_the_site() -> None:
    dead = []
    for page in DOCS.rglob("*.md"):
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        links = re.findall(r"\]\(([^)#\s]+)", text)
        files = [link for link in links if "://" not in link]
        dead += [f"{page.name}: {link}" for link in files if not (page.parent / link).exists()]
    assert dead == []
