"""The sandbox: what a template can reach, and what it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from sftdata.errors import TemplateError
from sftdata.rendering import template as template_module
from sftdata.rendering.template import parse_template

ROW = {"article": "text", "summary": "s"}


def render(text: str, root: Path | None = None) -> str:
    """What this text in a prompt gives for one row."""
    source = (
        f"{{% block prompt %}}\n{text}.\n{{% endblock %}}\n"
        "{% block target %}\n{{ summary }}\n{%- endblock %}"
    )
    prompt = parse_template("t/t", source, root=root).render_block("prompt", ROW)
    assert prompt.endswith(".\n")
    return prompt.removesuffix(".\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ article|upper }}", "TEXT"),
        ("{{ article.title() }}", "Text"),
        ("{% for x in [1, 2] %}{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}", "1, 2"),
        ("{{ 'a' ~ article }}", "atext"),
        ("{{ article[:2] }}", "te"),
        ("{{ article|length + 1 }}", "5"),
        ("{{ '<b>' }}", "<b>"),
        ("{{ article.split('e')|join('-') }}", "t-xt"),
    ],
)
def test_what_templates_are_for_works(text: str, expected: str) -> None:
    assert render(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        # Out of the sandbox.
        "{{ article.__class__ }}",
        "{{ article['__class__'] }}",
        "{{ article|attr('__class__') }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ range.__globals__ }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ self.__init__ }}",
        # Operators that multiply text or numbers.
        "{{ article * 3 }}",
        "{{ 3 * article }}",
        "{{ [1] * 3 }}",
        "{{ '%9d' % 3 }}",
        "{{ 2 ** 3 }}",
        # Padding to any width.
        "{{ 'x{:>9}'.format(1) }}",
        "{{ article.format() }}",
        "{{ article['format']() }}",
        "{{ (article|attr('format'))() }}",
        "{{ article.format_map({}) }}",
        "{{ '%9s'|format(article) }}",
        "{{ article.ljust(9) }}",
        "{{ article.rjust(9) }}",
        "{{ article.zfill(9) }}",
        "{{ article.center(9) }}",
        "{{ article|center(9) }}",
        "{{ article.encode().ljust(9) }}",
        "{{ article.expandtabs(9) }}",
        # What is not a function of the row.
        "{{ [1, 2]|random }}",
        "{{ lipsum() }}",
        "{{ article.strip }}",
        "{{ cycler('a') }}",
        "{{ joiner() }}",
        "{{ [article]|map('upper') }}",
        # Changes to a value.
        "{% set x = [] %}{% set _ = x.append(1) %}",
        "{% set x = {} %}{% set _ = x.update(a=1) %}",
        # No files.
        "{{ open('x') }}",
        "{{ import('os') }}",
    ],
)
def test_what_templates_are_not_for_is_refused(text: str) -> None:
    with pytest.raises(TemplateError):
        render(text)


def test_an_output_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_module, "MAX_RENDERED_CHARS", 1000)
    text = "{% for i in range(COUNT) %}0123456789{% endfor %}"
    assert len(render(text.replace("COUNT", "99"))) == 990
    with pytest.raises(TemplateError, match=r"renders to more than 1,000 characters"):
        render(text.replace("COUNT", "100"))


def test_a_loop_without_end_is_refused() -> None:
    with pytest.raises(TemplateError):
        render("{% for i in range(10000000) %}{% endfor %}")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A templates root with a file in it, and a file beside it."""
    (tmp_path / "root" / "parts").mkdir(parents=True)
    (tmp_path / "root" / "parts" / "inside.txt").write_text("inside")
    (tmp_path / "outside.txt").write_text("outside")
    return tmp_path / "root"


@pytest.mark.parametrize(
    "text",
    [
        "{% include 'parts/inside.txt' %}",
        "{% include './parts/inside.txt' %}",
        "{% include 'parts/../parts/inside.txt' %}",
        "{% import 'parts/inside.txt' as part %}inside",
    ],
)
def test_a_file_inside_the_root_can_be_included(text: str, root: Path) -> None:
    assert render(text, root) == "inside"


@pytest.mark.parametrize(
    "name",
    ["../outside.txt", "parts/../../outside.txt", "/etc/hostname", "parts", "parts/none.txt"],
)
def test_no_other_file_can_be_included(name: str, root: Path) -> None:
    with pytest.raises(TemplateError):
        render(f"{{% include '{name}' %}}", root)


def test_a_link_does_not_lead_out_of_the_root(root: Path) -> None:
    (root / "link.txt").symlink_to(root.parent / "outside.txt")
    (root / "folder").symlink_to(root.parent)
    (root / "good.txt").symlink_to(root / "parts" / "inside.txt")
    assert render("{% include 'good.txt' %}", root) == "inside"
    for name in ("link.txt", "folder/outside.txt"):
        with pytest.raises(TemplateError):
            render(f"{{% include '{name}' %}}", root)


def test_a_file_that_includes_itself_is_refused(root: Path) -> None:
    (root / "again.txt").write_text("{% include 'again.txt' %}")
    with pytest.raises(TemplateError):
        render("{% include 'again.txt' %}", root)


def test_without_a_root_nothing_can_be_included() -> None:
    with pytest.raises(TemplateError):
        render("{% include 'x.txt' %}")
