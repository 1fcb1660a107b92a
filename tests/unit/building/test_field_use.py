"""Fields that nothing reads: an error with the name that may be meant, before anything is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sftdata.building.field_use import check_field_types, check_field_use
from sftdata.errors import SpecError
from sftdata.spec.load import load_spec
from sftdata.spec.model import Spec
from sftdata.versioning.releases import load_template

HEAD = 'task = "news"\ndata = ["a.jsonl"]\ntokenizer = "tokenizers/small"\n'


def check(fields_table: str, more: str = 'template = "summarize/article"', **options: Any) -> str:
    """The message of the check; "" where every field is read."""
    Path("spec.toml").write_text(f"{HEAD}{more}\n[fields]\n{fields_table}", encoding="utf-8")
    return check_spec(load_spec(file=Path("spec.toml"), **options))


def check_spec(spec: object) -> str:
    assert isinstance(spec, Spec)
    try:
        check_field_use(spec, [load_template(choice.id) for choice in spec.templates])
    except SpecError as error:
        return str(error)
    return ""


READ = 'id = "id"\narticle = "article"\nsummary = "summary"\n'


@pytest.mark.parametrize("task", ["summarize", "translate", "qa", "grammar", "rewrite"])
def test_the_bundled_specs_map_nothing_in_vain(task: str) -> None:
    assert check_spec(load_spec(task=task)) == ""


def test_a_field_that_nothing_reads_is_named_with_the_one_that_may_be_meant() -> None:
    assert check(READ + 'sumary = "highlights"') == (
        "Nothing reads the field 'sumary'. summarize/article@1.0.0 reads: article, summary.\n"
        "Did you mean 'summary'?\n"
        "Leave it out, or choose a template that reads it: sftdata template list"
    )


def test_all_of_them_are_named_at_once() -> None:
    assert check(READ + 'sumary = "highlights"\nzzz = "z"').splitlines() == [
        "Nothing reads the fields 'sumary', 'zzz'. "
        "summarize/article@1.0.0 reads: article, summary.",
        "Did you mean 'summary'? ('sumary')",
        "Leave them out, or choose a template that reads them: sftdata template list",
    ]


def test_a_map_with_the_column_first_is_turned_around() -> None:
    assert check(READ, fields={"Text": "article", "Kurz": "summary"}).splitlines() == [
        "Nothing reads the fields 'Text', 'Kurz'. summarize/article@1.0.0 reads: article, summary.",
        "The field stands first, then the column: --map article=Text --map summary=Kurz",
    ]


def write_templates() -> None:
    """Two templates of one task, `titled` reads one field more."""
    Path("templates/news").mkdir(parents=True)
    for name, title in (("plain", ""), ("titled", "{{ title }}\n")):
        Path(f"templates/news/{name}.jinja").write_text(
            f"{{% block prompt %}}\n{title}{{{{ article }}}}\n{{% endblock %}}\n"
            "{% block target %}\n{{ summary }}\n{%- endblock %}\n"
        )


def test_a_field_may_be_read_by_another_template_of_the_task() -> None:
    write_templates()
    fields = READ + 'title = "title"'
    assert check(fields, 'template = "news/plain"') == ""
    assert "'title'" in check(fields, 'template = "summarize/article"')


def test_a_field_given_as_an_option_must_be_read_by_the_chosen_templates() -> None:
    write_templates()
    given = {"title": "title"}
    assert "'title'" in check(READ, 'template = "news/plain"', fields=given)
    assert check(READ, 'template = "news/titled"', fields=given) == ""
    assert check(READ, 'templates = ["news/plain", "news/titled"]', fields=given) == ""


@pytest.mark.parametrize(
    ("more", "is_read"),
    [
        ("", False),
        ('source_field = "title"\ntarget_field = "summary"', False),
        (
            'source_field = "title"\ntarget_field = "summary"\nchecks = { placeholder = "flag" }',
            True,
        ),
        ('source_field = "title"\nagainst = ["e.jsonl"]', True),
        ('swap = [["title", "article"]]', True),
    ],
)
def test_a_field_is_read_by_the_checks_the_evaluation_files_or_a_swap(
    more: str, is_read: bool
) -> None:
    message = check(READ + 'title = "title"', f'template = "summarize/article"\n{more}')
    assert (message == "") == is_read


def test_a_conversation_is_read_as_a_whole() -> None:
    assert check('id = "id"\nmessages = "m"', "chat = true") == ""


# --- types ----------------------------------------------------------------------------------------


def write_label_template() -> None:
    Path("templates/nli").mkdir(parents=True)
    Path("templates/nli/label.jinja").write_text(
        "{% block prompt %}\n{{ premise }}\n{% endblock %}\n"
        "{% block target %}\n{{ 'yes' if label == 0 else 'no' }}\n{%- endblock %}\n"
    )


def check_types(label: str) -> str:
    write_label_template()
    fields = f'premise = "premise"\nlabel = {label}\n'
    Path("spec.toml").write_text(f'{HEAD}template = "nli/label"\n[fields]\n{fields}')
    spec = load_spec(file=Path("spec.toml"))
    assert isinstance(spec, Spec)
    try:
        check_field_types(spec, [load_template("nli/label")])
    except SpecError as error:
        return str(error)
    return ""


def test_a_text_that_a_template_compares_with_a_number_is_an_error() -> None:
    assert check_types('"label"') == (
        "nli/label@draft says `label == 0`: the spec reads 'label' as text, which no number is "
        "equal to.\n"
        "Declare the type in [fields], for example:\n"
        'label = { path = "label", type = "int" }'
    )


@pytest.mark.parametrize("type_", ["int", "float", "bool"])
def test_a_field_with_a_type_may_be_compared_with_a_number(type_: str) -> None:
    assert check_types(f'{{ path = "label", type = "{type_}" }}') == ""


def test_the_type_is_shown_in_the_rule_as_it_is() -> None:
    assert '{ path = "x", optional = true, type = "int" }' in check_types(
        '{ path = "x", optional = true, type = "text" }'
    )


def test_only_text_can_be_cut() -> None:
    fields = 'article = { path = "a", type = "int" }\nsummary = "summary"'
    Path("spec.toml").write_text(f'{HEAD}template = "summarize/article"\n[fields]\n{fields}')
    spec = load_spec(file=Path("spec.toml"))
    assert isinstance(spec, Spec)
    with pytest.raises(SpecError, match="Only text can be cut"):
        check_field_types(spec, [load_template("summarize/article")])
