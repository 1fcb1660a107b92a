"""Templates with equal semantics digests render every row alike."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sftdata.rendering.template import Template, parse_template

# Several spellings of few meanings, so that equal digests are frequent.
fragment = st.sampled_from(
    [
        "a", "b", "ab", "{# c #}", "{# c #}a", "{{ 'a' }}", "{{ \"a\" }}", "{% raw %}a{% endraw %}",
        "{{ x }}", "{{x}}", "{{- x }}", "{{ x|trim }}", "{{ x | trim }}", " ", "\n", "{{ ' ' }}",
        "{% if x %}a{% endif %}", "{%if x%}{{ 'a' }}{%endif%}", "{% if x %}a{% else %}b{% endif %}",
        "{% for y in x %}{{ y }}{% endfor %}", "{% for y in x %}{{y}}{# c #}{% endfor %}",
    ]
)  # fmt: skip
body = st.lists(fragment, max_size=3).map("".join)


def parse(text: str) -> Template:
    return parse_template(
        "t/t",
        f"{{% block prompt %}}.{text}.\n{{% endblock %}}"
        "{% block target %}{{ x }}{% endblock %}",
    )


@settings(max_examples=150, deadline=None)
@given(one=body, other=body, x=st.text(max_size=5))
@example(one="a{# c #}b", other="{{ 'ab' }}", x="")
@example(one="a\n{% if x %}\na{% endif %}", other="a\n{% if x %}a{% endif %}", x=" ")
def test_equal_digests_mean_equal_text(one: str, other: str, x: str) -> None:
    first, second = parse(one), parse(other)
    if first.semantics_sha256 == second.semantics_sha256:
        row = {"x": x}
        assert first.render_block("prompt", row) == second.render_block("prompt", row)
