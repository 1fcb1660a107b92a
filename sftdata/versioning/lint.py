"""Lint: things that the format allows and a reviewer would still question."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from jinja2 import nodes

from sftdata.base.escaping import escape
from sftdata.base.typed_text import FieldType
from sftdata.errors import SpecError, TemplateError, did_you_mean
from sftdata.rendering.expected_types import describe_type, expected_types
from sftdata.rendering.sandbox import TemplateEnvironment
from sftdata.rendering.template import Template
from sftdata.spec.load import find_spec
from sftdata.versioning.findings import TemplateFinding, finding_of
from sftdata.versioning.probes import fixed_probes
from sftdata.versioning.releases import find_home, templates_folders

_METADATA = ("author", "description", "language", "license", "notes", "seam", "shorten", "source")
# Text of the control tokens that chat templates use; in a template it would be encoded as text.
_CONTROL = re.compile(
    r"<\|[^|<>\s]+\|>|</?s>|\[/?INST\]|<</?SYS>>|</?(?:bos|eos|pad|unk|start_of_turn|end_of_turn)>"
)


def lint_working_copies(ids: Sequence[str] = ()) -> list[TemplateFinding]:
    """The findings about the working copies of `ids`, or of all, also those that do not parse."""
    chosen = ids or sorted(set[str]().union(*(home.ids() for home in templates_folders())))
    found: list[TemplateFinding] = []
    for template_id in chosen:
        try:
            home = find_home(template_id)
            if home.has_draft(template_id):
                found += lint(home.draft(template_id))
        except TemplateError as error:
            if template_id in ids and error.rule == "LINT_UNKNOWN":
                raise
            found.append(finding_of(error, template_id))
    return found


def lint(template: Template) -> list[TemplateFinding]:
    """The findings about a template, errors first."""
    found = [
        *_metadata(template),
        *_fields(template),
        *_types(template),
        *_names(template),
        *_literals(template),
        *_renderings(template),
    ]
    return sorted(found, key=lambda finding: finding.level)


def spec_fields(task: str) -> frozenset[str] | None:
    """The fields of the task's spec, or None where the task has no spec that can be read."""
    try:
        spec = find_spec(task)
    except SpecError:
        return None
    return None if spec is None else frozenset(spec.fields) - {"id"}


def spec_types(task: str) -> Mapping[str, FieldType] | None:
    """The types of the task's fields that are not text, or None where it has no spec."""
    try:
        spec = find_spec(task)
    except SpecError:
        return None
    return None if spec is None else spec.types


def _metadata(template: Template) -> Iterator[TemplateFinding]:
    if not template.description:
        yield TemplateFinding(
            "LINT_DESCRIPTION", "warning", template.id, "metadata", "it has no description",
            'Add to the first comment: description = "…"',
        )  # fmt: skip
    for key in sorted(template.metadata.keys() - set(_METADATA)):
        yield TemplateFinding(
            "LINT_METADATA", "error", template.id, "metadata",
            f"there is no metadata called '{key}'", did_you_mean(key, _METADATA),
        )  # fmt: skip


def _fields(template: Template) -> Iterator[TemplateFinding]:
    known = spec_fields(template.id.partition("/")[0])
    for field in sorted(template.fields - known) if known is not None else ():
        yield TemplateFinding(
            "LINT_UNDECLARED_FIELD", "warning", template.id, _reading(template, field),
            f"the spec of its task does not map the field '{field}'",
            f"{did_you_mean(field, known or ())} Else map it: in [fields], or --map {field}",
        )  # fmt: skip
    prompt = template.blocks["prompt"].fields
    system = template.blocks["system"].fields if "system" in template.blocks else frozenset()
    for block, read in (("prompt", prompt | system), ("target", template.target_fields)):
        if not read:
            yield TemplateFinding(
                "LINT_NO_FIELD", "error", template.id, block, "it is the same for every row",
                "Print a field in it, for example: {{ text }}",
            )  # fmt: skip
    for field in sorted((prompt | system) & template.target_fields):
        yield TemplateFinding(
            "LINT_TARGET_IN_PROMPT", "warning", template.id, "prompt",
            f"the field '{field}' of the target is read in the prompt, too",
            "Check that the prompt does not give the answer away.",
        )  # fmt: skip


def _types(template: Template) -> Iterator[TemplateFinding]:
    """Fields that are compared with numbers and read as text, which is never equal to a number."""
    known = spec_types(template.id.partition("/")[0])
    for use in expected_types(template):
        if known is None or use.field not in known:
            yield TemplateFinding(
                "LINT_TEXT_AS_NUMBER", "error" if known is not None else "warning", template.id,
                f"`{use.code}`", f"the field '{use.field}' is text unless the spec says otherwise",
                f"In the spec: {describe_type(use.field, use.type)}",
            )  # fmt: skip


def _reading(template: Template, field: str) -> str:
    return ", ".join(name for name, block in template.blocks.items() if field in block.fields)


def _names(template: Template) -> Iterator[TemplateFinding]:
    """Variables, macros and imports that nothing reads."""
    tree = TemplateEnvironment(template.root).parse(template.source)
    read = {name.name for name in tree.find_all(nodes.Name) if name.ctx == "load"}
    made = {(name.name, name.lineno) for name in tree.find_all(nodes.Name) if name.ctx == "store"}
    loops = {n.name for loop in tree.find_all(nodes.For) for n in _targets(loop)}
    made |= {(macro.name, macro.lineno) for macro in tree.find_all(nodes.Macro)}
    made |= {(module.target, module.lineno) for module in tree.find_all(nodes.Import)}
    for name, line in sorted(made, key=lambda item: item[1]):
        if name not in read and name not in loops and not name.startswith("_"):
            yield TemplateFinding(
                "LINT_UNUSED_NAME", "error", template.id, f"line {line}",
                f"'{name}' is made and never used", "Remove it, or use it.",
            )  # fmt: skip


def _targets(loop: nodes.For) -> Iterator[nodes.Name]:
    if isinstance(loop.target, nodes.Name):
        yield loop.target
    yield from loop.target.find_all(nodes.Name)


def _literals(template: Template) -> Iterator[TemplateFinding]:
    for name, source in (("", template.source), *template.included.items()):
        tree = TemplateEnvironment(template.root).parse(source)
        for data in tree.find_all(nodes.TemplateData):
            where = f"{name} line {data.lineno}".strip()
            for marker in _CONTROL.findall(data.data):
                yield TemplateFinding(
                    "LINT_CONTROL_TEXT", "error", template.id, where,
                    f"'{marker}' looks like a control token and would be encoded as plain text",
                    "Remove it: the tokenizer and its chat template add control tokens.",
                )  # fmt: skip
            if escape(data.data.replace("\t", " "), keep_newlines=True) != data.data.replace(
                "\t", " "
            ):
                yield TemplateFinding(
                    "LINT_HIDDEN_CHARACTER", "error", template.id, where,
                    f"a character that is not seen: {escape(data.data.strip()[:60])}",
                    "Remove it, or write it as a field.",
                )  # fmt: skip
            if re.search(r"[ \t]\n", data.data):
                yield TemplateFinding(
                    "LINT_TRAILING_SPACE", "warning", template.id, where,
                    "white space before the end of a line", "Remove it.",
                )  # fmt: skip


def _renderings(template: Template) -> Iterator[TemplateFinding]:
    """Faults that only rendering shows: errors, and the boundary of prompt and target."""
    row = next(fixed_probes(template.fields)).row
    try:
        rendered = {name: template.render_block(name, row) for name in template.blocks}
    except TemplateError as error:
        yield finding_of(error, template.id)
        return
    if template.has_any_seam:
        return
    prompt = rendered["prompt"]
    if not prompt.endswith("\n") or prompt.endswith("\n\n"):
        yield TemplateFinding(
            "LINT_PROMPT_END", "error", template.id, "prompt",
            "it does not end with exactly one newline", "Let every branch end with one newline.",
        )  # fmt: skip
    if rendered["target"][:1].isspace() or not rendered["target"]:
        yield TemplateFinding(
            "LINT_TARGET_START", "error", template.id, "target",
            "it does not start with a visible character", "Start every branch with text.",
        )  # fmt: skip
