"""The semantics digest: equal for what is spelled differently, different for what may differ."""

from __future__ import annotations

from pathlib import Path

import pytest

from sftdata.rendering.template import Template, parse_template

PROMPT = "{% block prompt %}\nArticle:\n{{ article }}\n{% endblock %}\n"
TARGET = "{% block target %}\n{{ summary }}\n{%- endblock %}\n"
BASE = PROMPT + TARGET


def digest(source: str, root: Path | None = None) -> str:
    return parse_template("news/short", source, root=root).semantics_sha256


def with_prompt(text: str) -> str:
    return f"{{% block prompt %}}\n{text}\n{{% endblock %}}\n{TARGET}"


SAME = {
    "metadata": '{# description = "Short." #}\n' + BASE,
    "a comment in the text": BASE.replace("Article:", "Arti{# why #}cle:"),
    "a comment between the blocks": PROMPT + "{# why #}\n" + TARGET,
    "no spaces in a tag": BASE.replace("{{ article }}", "{{article}}"),
    "literal text as raw": BASE.replace("Article:", "{% raw %}Arti{% endraw %}cle:"),
    "literal text as a constant": BASE.replace("Article:", "{{ 'Arti' }}cle:"),
    "the other order of blocks": TARGET + PROMPT,
    "line ends of another system": BASE.replace("\n", "\r\n"),
    "a named end": BASE.replace("{% endblock %}", "{% endblock prompt %}"),
}
OTHER = {
    "a word": BASE.replace("Article:", "Text:"),
    "a space": BASE.replace("Article:", "Article: "),
    "white space control that eats text": BASE.replace("{{ article }}", "{{- article }}"),
    "another field": BASE.replace("article", "document"),
    "a filter": BASE.replace("article }}", "article|trim }}"),
    "a target": BASE.replace("summary }}", "summary|trim }}"),
    "a system block": "{% block system %}{% endblock %}\n" + BASE,
    "the field to shorten": '{# shorten = "article" #}\n' + BASE,
}


@pytest.mark.parametrize("edit", SAME)
def test_another_spelling_has_the_same_digest(edit: str) -> None:
    assert digest(SAME[edit]) == digest(BASE)


@pytest.mark.parametrize("edit", OTHER)
def test_another_meaning_has_another_digest(edit: str) -> None:
    assert digest(OTHER[edit]) != digest(BASE)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{% if a == 1 %}x{% endif %}", "{% if a == 1.0 %}x{% endif %}"),
        ("{% if a == 1 %}x{% endif %}", "{% if a == true %}x{% endif %}"),
        ("{% if a == '1' %}x{% endif %}", "{% if a == 1 %}x{% endif %}"),
        ("{{ a|trim|upper }}", "{{ a|upper|trim }}"),
        ("{% if a %}x{% else %}y{% endif %}", "{% if a %}y{% else %}x{% endif %}"),
        ("{% if a %}x{% endif %}y", "{% if a %}xy{% endif %}"),
        ("{% for x in a %}{{ x }}{% endfor %}", "{% for x in a[1:] %}{{ x }}{% endfor %}"),
        ("{{ a }}b", "{{ 'a' }}b"),
        ("{{ 'ab' }}", "{{ ['ab'] }}"),
    ],
)
def test_trees_that_differ_anywhere_have_different_digests(one: str, other: str) -> None:
    assert digest(with_prompt(one + ".")) != digest(with_prompt(other + "."))


def test_text_inside_a_branch_is_merged_too() -> None:
    assert digest(with_prompt("{% if a %}x{# why #}y{% endif %}.")) == digest(
        with_prompt("{% if a %}xy{% endif %}.")
    )


def test_an_included_file_counts_by_its_meaning(tmp_path: Path) -> None:
    source = with_prompt("{% include 'head.txt' %}: {{ article }}")
    (tmp_path / "head.txt").write_text("By {{ author }}")
    first = digest(source, tmp_path)
    (tmp_path / "head.txt").write_text("By {# whom #}{{author}}")
    assert digest(source, tmp_path) == first
    (tmp_path / "head.txt").write_text("Of {{ author }}")
    assert digest(source, tmp_path) != first


def test_id_version_and_description_do_not_count() -> None:
    template = parse_template("news/short", BASE)
    other: Template = parse_template("other/name", BASE, version="3.1.4")
    assert template.semantics_sha256 == other.semantics_sha256
