"""What an edit does to a template's version and to its tokens: a table of edits.

Each edit is made to the same released template; the table says the bump, the rule that decides it,
and what becomes of the tokens of two rows: "none", "prompt" or "target".
"""

# ruff: noqa: E501 - a row of the table is a line

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from sftdata.rendering.template import Template, parse_template
from sftdata.versioning.bump import find_changes, level_of

BASE = """\
{#
description = "Short news."
shorten = "article"
#}
{% block system %}
You are an editor.

{% endblock %}
{% block prompt %}
{% include 'parts/head.txt' %}
{# The text comes first. #}
Article:
{{ article|trim|upper }}
{% if title %}
Title: {{ title }}
{% endif %}
{% for word in words.split() %}
* {{ word }}
{% endfor %}

Summary:
{% endblock %}
{% block target %}
{{ summary }}
{%- endblock %}
"""
HEAD = "Read {{ source }}.\n"
ROWS = [
    {
        "article": " A text with words. ", "title": "T", "words": "b a", "summary": "S one.",
        "source": "this", "topic": "x",
    },
    {
        "article": "Another.", "title": "", "words": "", "summary": " S two", "source": "that",
        "topic": "y",
    },
]  # fmt: skip

# name: (what is replaced, by what, bump, the gravest rule, tokens that change)
EDITS = {
    # Nothing that reaches a token.
    "a comment changed": ("The text comes first.", "It comes first.", "patch", "COMMENT_CHANGED", "none"),
    "a comment removed": ("{# The text comes first. #}\n", "", "patch", "COMMENT_CHANGED", "none"),
    "a comment in the text": ("Article:", "Arti{# here #}cle:", "patch", "COMMENT_CHANGED", "none"),
    "a comment between blocks": ("{% block target", "{# now #}\n{% block target", "patch", "COMMENT_CHANGED", "none"),
    "spaces inside a tag": ("{{ summary }}", "{{summary}}", "patch", "COMMENT_CHANGED", "none"),
    "spaces around a filter": ("article|trim|upper", "article | trim | upper", "patch", "COMMENT_CHANGED", "none"),
    "indentation of a statement": ("{% if title %}", "  {% if title %}", "patch", "COMMENT_CHANGED", "none"),
    "a named end": ("{% endblock %}\n{% block target", "{% endblock prompt %}\n{% block target", "patch", "COMMENT_CHANGED", "none"),
    "literal text as raw": ("Article:", "{% raw %}Arti{% endraw %}cle:", "patch", "COMMENT_CHANGED", "none"),
    "literal text as a constant": ("Article:", "{{ 'Article' }}:", "patch", "COMMENT_CHANGED", "none"),
    "the description": ('"Short news."', '"News."', "patch", "METADATA_CHANGED", "none"),
    "a licence in the metadata": ("shorten =", 'license = "CC0-1.0"\nshorten =', "patch", "METADATA_CHANGED", "none"),
    "filter order without effect": ("trim|upper", "upper|trim", "patch", "LOGIC_REWRITTEN", "none"),
    "a condition turned round": ("{% if title %}\nTitle: {{ title }}\n", "{% if not title %}\n{% else %}\nTitle: {{ title }}\n", "patch", "LOGIC_REWRITTEN", "none"),
    "a variable for a field": ("{{ summary }}", "{% set s = summary %}{{ s }}", "patch", "LOGIC_REWRITTEN", "none"),
    "another loop variable": ("word in words.split() %}\n* {{ word }}", "w in words.split() %}\n* {{ w }}", "patch", "LOGIC_REWRITTEN", "none"),
    # The text the model reads.
    "a word": ("Summary:", "TL;DR:", "minor", "PROMPT_TEXT_CHANGED", "prompt"),
    "a space": ("Summary:", "Summary: ", "minor", "PROMPT_TEXT_CHANGED", "prompt"),
    "an empty line": ("Article:\n", "Article:\n\n", "minor", "PROMPT_TEXT_CHANGED", "prompt"),
    "white space control": ("{% if title %}", "{%- if title %}", "minor", "PROMPT_TEXT_CHANGED", "prompt"),
    "the end of trimming a line": ("{% endif %}\n", "{% endif +%}\n", "minor", "PROMPT_TEXT_CHANGED", "prompt"),
    "the system text": ("an editor", "a writer", "minor", "SYSTEM_TEXT_CHANGED", "prompt"),
    "no system block": ("{% block system %}\nYou are an editor.\n\n{% endblock %}\n", "", "minor", "SYSTEM_TEXT_CHANGED", "prompt"),
    "system text moved to the prompt": ("You are an editor.\n\n{% endblock %}\n{% block prompt %}\n", "{% endblock %}\n{% block prompt %}\nYou are an editor.\n\n", "minor", "SYSTEM_TEXT_CHANGED", "none"),
    "a filter more": ("trim|upper", "trim|upper|title", "minor", "PROMPT_TEXT_CHANGED", "prompt"),
    "a filter less": ("trim|upper", "upper", "minor", "PROMPT_TEXT_CHANGED", "prompt"),
    "filter order with effect": ("trim|upper", "truncate(9, true, 'e')|upper", "minor", "PROMPT_TEXT_CHANGED", "prompt"),
    "the order of fields": ("Article:\n{{ article|trim|upper }}\n{% if title %}\nTitle: {{ title }}\n{% endif %}", "{% if title %}\nTitle: {{ title }}\n{% endif %}\nArticle:\n{{ article|trim|upper }}", "minor", "PROMPT_TEXT_CHANGED", "prompt"),
    "a loop sorted": ("words.split()", "words.split()|sort", "minor", "PROMPT_TEXT_CHANGED", "prompt"),
    "a limit far away": ("{% if title %}", "{% if title and article|length < 3000 %}", "minor", "PROMPT_TEXT_CHANGED", "none"),
    "a rule for one value": ("Title: {{ title }}", "Title: {{ 'None' if title == 'n/a' else title }}", "minor", "PROMPT_TEXT_CHANGED", "none"),
    "the field to shorten": ('shorten = "article"', 'shorten = "words"', "minor", "SHORTEN_CHANGED", "none"),
    "no field to shorten": ('shorten = "article"\n', "", "minor", "SHORTEN_CHANGED", "none"),
    # The contract.
    "a field added": ("Article:\n", "About {{ topic }}.\nArticle:\n", "major", "INPUT_ADDED", "prompt"),
    "a field removed": ("{% if title %}\nTitle: {{ title }}\n{% endif %}\n", "", "major", "INPUT_REMOVED", "prompt"),
    "a field renamed": ("title", "topic", "major", "INPUT_ADDED", "prompt"),
    "a field read in a branch": ("{% if title %}", "{% if title or topic == 'z' %}", "major", "INPUT_ADDED", "none"),
    "another target": ("{{ summary }}", "{{ title }}{{ summary }}", "major", "TARGET_CHANGED", "target"),
    "the target trimmed": ("{{ summary }}", "{{ summary|trim }}", "major", "TARGET_CHANGED", "target"),
    "a word in the target": ("{{ summary }}", "So: {{ summary }}", "major", "TARGET_CHANGED", "target"),
    "a newline after the target": ("{%- endblock %}\n", "{% endblock %}\n", "major", "TARGET_CHANGED", "target"),
    "the target moved to the prompt": ("Summary:\n{% endblock %}\n{% block target %}\n{{ summary }}", "Summary:\n{{ summary }}\n{% endblock %}\n{% block target %}\n{{ title }}!", "major", "TARGET_CHANGED", "target"),
}  # fmt: skip
# The same for an edit of the included file.
INCLUDED_EDITS = {
    "a comment in an included file": ("Read", "{# how #}Read", "patch", "COMMENT_CHANGED", "none"),
    "a word in an included file": ("Read", "Study", "minor", "PROMPT_TEXT_CHANGED", "prompt"),
    "a field in an included file": ("source", "topic", "major", "INPUT_ADDED", "prompt"),
}


def parse(folder: Path, source: str, head: str) -> Template:
    (folder / "parts").mkdir(parents=True)
    (folder / "parts" / "head.txt").write_text(head)
    return parse_template("news/short", source, root=folder)


def changed_tokens(old: Template, new: Template) -> str:
    def texts(template: Template, row: Mapping[str, str]) -> tuple[str, str]:
        prompt = template.render_block("system", row) + template.render_block("prompt", row)
        return prompt, template.render_block("target", row)

    pairs = [(texts(old, row), texts(new, row)) for row in ROWS]
    if any(before[1] != after[1] for before, after in pairs):
        return "target"
    return "prompt" if any(before[0] != after[0] for before, after in pairs) else "none"


def test_the_table_is_long_enough() -> None:
    assert len(EDITS) + len(INCLUDED_EDITS) >= 30


@pytest.mark.parametrize("edit", [*EDITS, *INCLUDED_EDITS])
def test_an_edit_has_its_bump_its_rule_and_its_effect(edit: str, tmp_path: Path) -> None:
    was, becomes, level, rule, tokens = (EDITS | INCLUDED_EDITS)[edit]
    source, head = BASE, HEAD
    if edit in EDITS:
        assert was in source
        source = source.replace(was, becomes)
    else:
        head = head.replace(was, becomes)
    old, new = parse(tmp_path / "old", BASE, HEAD), parse(tmp_path / "new", source, head)
    changes = find_changes(old, new)
    assert (level_of(changes), changes[0].rule) == (level, rule), changes
    assert all(change.where and change.detail for change in changes)
    assert changed_tokens(old, new) == tokens
    if level == "patch" and rule != "LOGIC_REWRITTEN":
        assert old.semantics_sha256 == new.semantics_sha256
    if tokens != "none":
        assert old.semantics_sha256 != new.semantics_sha256


def test_no_edit_is_no_change(tmp_path: Path) -> None:
    assert find_changes(parse(tmp_path / "a", BASE, HEAD), parse(tmp_path / "b", BASE, HEAD)) == []


def test_a_change_says_the_block_the_line_and_the_words(tmp_path: Path) -> None:
    old = parse(tmp_path / "a", BASE, HEAD)
    new = parse(tmp_path / "b", BASE.replace("Summary:", "TL;DR:"), HEAD)
    (change,) = find_changes(old, new)
    line = BASE.splitlines().index("Summary:") + 1
    assert change.where == f"prompt, line {line}"
    assert change.detail == "'Summary:' became 'TL;DR:'"


def test_a_change_in_an_included_file_says_which(tmp_path: Path) -> None:
    new = parse(tmp_path / "b", BASE, HEAD.replace("Read", "Study"))
    (change,) = find_changes(parse(tmp_path / "a", BASE, HEAD), new)
    assert change.where == "prompt, parts/head.txt line 1"
