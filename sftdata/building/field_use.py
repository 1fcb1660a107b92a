"""Check that each field of a spec is read, and as the type that the templates expect.

That is known before anything is read or written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from sftdata.base.typed_text import FieldType
from sftdata.errors import SpecError, TemplateError, did_you_mean
from sftdata.rendering.expected_types import expected_types, widest_types
from sftdata.rendering.template import Template
from sftdata.spec.check_rules import CHECKS
from sftdata.spec.fields import BESIDE_MESSAGES, ID, MESSAGES
from sftdata.spec.model import Spec
from sftdata.versioning.releases import load_template, templates_folders


def check_field_use(spec: Spec, templates: Sequence[Template]) -> None:
    """Raises `SpecError` that names every field nothing reads, with the field that may be meant.

    A spec may map fields that only other templates of the task read. A field that was given with
    `--map` is meant for this build.
    """
    read = _find_read(spec, templates)
    unread = [name for name in spec.fields if name not in read]
    if unread and not spec.is_messages:
        elsewhere = _read_by_task(templates)
        unread = [n for n in unread if n in spec.mapped or n not in elsewhere]
    if not unread:
        return
    names = ", ".join(f"'{name}'" for name in unread)
    readers = " and ".join(template.label for template in templates) or "A conversation"
    fields = ", ".join(sorted(read - {ID}))
    raise SpecError(
        f"Nothing reads the field{'s' if len(unread) > 1 else ''} {names}. {readers} "
        f"{'read' if len(templates) > 1 else 'reads'}: {fields}.",
        "\n".join(_ways_out(spec, unread, sorted(read))),
        code="E405",
    )


def check_field_types(spec: Spec, templates: Sequence[Template]) -> None:
    """Raises `SpecError` for every field that is text and that a template uses as a number.

    A text is never equal to a number, so the template would say the same for every row.
    """
    uses = {
        (use.field, use.code): (template, use)
        for template in templates
        for use in expected_types(template)
        if use.field not in spec.types
    }
    if uses:
        found = list(uses.values())
        types = widest_types(use for _, use in found)
        raise SpecError(
            "; ".join(f"{template.label} says `{use.code}`" for template, use in found)
            + f": the spec reads {' and '.join(map(repr, sorted(types)))} as text, which no number "
            "is equal to.",
            "Declare the type in [fields], for example:\n"
            + "\n".join(_with_type(spec, name, type_) for name, type_ in sorted(types.items())),
            code="E405",
        )
    for template in templates:
        if template.shorten in spec.types:
            raise SpecError(
                f"{template.label} may cut the field '{template.shorten}' to fit max_length, and "
                f"its type is {spec.types[template.shorten]}.",
                "Only text can be cut.",
                code="E405",
            )


def _with_type(spec: Spec, name: str, type_: FieldType) -> str:
    """The line of the spec with a type for the field."""
    rule = spec.rules[name].to_json()
    rule = ({"path": rule} if isinstance(rule, str) else rule) | {"type": type_}
    return f"{name} = {{ {', '.join(f'{k} = {json.dumps(v)}' for k, v in rule.items())} }}"


def _ways_out(spec: Spec, unread: Sequence[str], read: Sequence[str]) -> Iterator[str]:
    meant = {name: did_you_mean(name, read) for name in unread}
    near = {name: known for name, known in meant.items() if known.startswith("Did you mean")}
    paths = {name: spec.rules[name].to_json() for name in unread if name in spec.mapped}
    if paths and not near and all(path in read for path in paths.values()):
        maps = " ".join(f"--map {path}={name}" for name, path in paths.items())
        yield f"The field stands first, then the column: {maps}"
        return
    for name, known in near.items():
        yield f"{known} ('{name}')" if len(unread) > 1 else known
    them = "them" if len(unread) > 1 else "it"
    yield f"Leave {them} out, or choose a template that reads {them}: sftdata template list"


def _find_read(spec: Spec, templates: Sequence[Template]) -> set[str]:
    """The names that the templates, the checks and the spec itself read."""
    read = {ID}.union(*(template.fields for template in templates))
    if spec.is_messages:
        read |= {MESSAGES, *BESIDE_MESSAGES}
    if spec.checks and not spec.is_messages:
        read |= {str(spec.source_field), str(spec.target_field)}
        read |= set().union(*(CHECKS[name].fields for name in spec.checks))
    if spec.against:
        read.add(str(spec.source_field))
    for pair in spec.swap:
        if not read.isdisjoint(pair):
            read |= set(pair)
    return read


def _read_by_task(templates: Sequence[Template]) -> set[str]:
    """The fields that any template in the folders of these templates reads."""
    tasks = {template.id.partition("/")[0] for template in templates}
    ids = {i for home in templates_folders() for i in home.ids() if i.partition("/")[0] in tasks}
    read: set[str] = set()
    for template_id in sorted(ids):
        for selector in (template_id, f"{template_id}@draft"):
            try:
                read |= load_template(selector).fields
            except TemplateError:
                continue  # one that does not parse, or was never released, says nothing
    return read
