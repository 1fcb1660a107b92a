"""Probes: rows that show what a template does, also with numbers."""

from __future__ import annotations

from sftdata.rendering.template import Template, parse_template
from sftdata.versioning.probes import constant_probes, render_probe


def parse(target: str) -> Template:
    return parse_template(
        "t/t",
        "{% block prompt %}\n{{ text }}\n{% endblock %}\n"
        f"{{% block target %}}\n{target}\n{{%- endblock %}}\n",
    )


def test_a_change_behind_a_comparison_with_a_number_is_seen() -> None:
    old = parse("{{ 'yes' if label == 7 else 'no' }}")
    new = parse("{{ 'Yes' if label == 7 else 'no' }}")
    differ = [
        probe.name
        for probe in constant_probes(old.fields, [old, new])
        if render_probe(old, probe) != render_probe(new, probe)
    ]
    assert differ == ["the number 7 in 'label'"]
