"""A new working copy: made of a task's fields, or of another template's text."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from sftdata.base.content import in_project, list_content
from sftdata.base.files import write_atomically
from sftdata.errors import SpecError, TemplateError, did_you_mean
from sftdata.rendering.source import check_id
from sftdata.rendering.template import Template, parse_template
from sftdata.spec.task_fields import find_task_fields
from sftdata.versioning.releases import find_home, load_template, templates_folders


def new_template(
    template_id: str, source_selector: str | None = None, *, spec: Path | None = None
) -> Path:
    """Writes `templates/<task>/<name>.jinja` of the project and gives its path.

    The text is that of `source_selector`, or a start made of the fields of the task: of those in
    the spec file `spec`, or else in the spec that names the task or the template.
    Raises `TemplateError` when there is such a file, `SpecError` when there is no such task.
    """
    check_id(template_id)
    if source_selector is not None:
        template = load_template(source_selector)
        source, included = template.source, template.included
    else:
        source, included = _start(template_id, spec), {}
    _check_is_new(template_id)
    for name, text in included.items():
        path = in_project(f"templates/{name}")
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, text.encode())
    return write_working_copy(template_id, source)  # last: the same command goes on after a kill


def write_working_copy(template_id: str, source: str) -> Path:
    """Writes a new working copy in the project; `TemplateError` if one is there."""
    path = _check_is_new(template_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, source.encode())
    return path


def _check_is_new(template_id: str) -> Path:
    """The path of a working copy that is not there yet."""
    path = in_project(f"templates/{template_id}.jinja")
    if path.exists() or path.is_symlink():
        raise TemplateError(f"{path} is there already.", "Choose another name, or edit that file.")
    return path


def write_start(
    template_id: str,
    inputs: Sequence[str],
    target: str,
    optional: AbstractSet[str],
    shorten: str | None = None,
) -> str:
    """The text of a plain template: each input below its name, then the name of the target.

    `shorten` is the input that may be cut; by default the first that is not optional.
    """
    task = template_id.partition("/")[0]
    sections = []
    for name in inputs:
        section = f"{_heading(name)}:\n{{{{ {name} }}}}\n\n"
        sections.append(
            f"{{% if {name} %}}\n{section}{{% endif %}}\n" if name in optional else section
        )
    if shorten is None:
        shorten = next(iter([n for n in inputs if n not in optional] or inputs), None)
    may_cut = f'shorten = "{shorten}"\n' if shorten else ""
    source = (
        f'{{#\ndescription = "{_heading(task)}."\n{may_cut}#}}\n'
        f"{{% block prompt %}}\n{''.join(sections)}{_heading(target)}:\n{{% endblock %}}\n"
        f"{{% block target %}}\n{{{{ {target} }}}}\n{{%- endblock %}}\n"
    )
    parse_template(template_id, source)
    return source


def _start(template_id: str, spec: Path | None) -> str:
    task = template_id.partition("/")[0]
    fields = find_task_fields(template_id, spec)
    if fields is None:
        if spec is not None:
            raise SpecError(
                f"{spec}: there are no fields that a template could show.",
                "Write [fields] with the fields of the task.",
                code="E402",
            )
        known = [name for name in list_content("pipelines", "*.toml") if name != "presets"]
        raise SpecError(
            f"No spec names the fields of the task '{task}'.",
            f"{did_you_mean(task, known)} Or write pipelines/{task}.toml with its [fields], name "
            "another spec with --spec, or copy a template with --from.",
            code="E402",
        )
    target = fields.target or _target_field(task, fields.names)
    inputs = [name for name in fields.names if name != target]
    return write_start(template_id, inputs, target, fields.optional)


def _heading(field: str) -> str:
    return field.replace("_", " ").replace("-", " ").capitalize()


def _target_field(task: str, fields: Sequence[str]) -> str:
    """The field that the task's templates have as their target; without any, the last one."""
    for template in _templates_of(task):
        for field in fields:
            if field in template.target_fields:
                return field
    return fields[-1]


def _templates_of(task: str) -> list[Template]:
    ids = {i for home in templates_folders() for i in home.ids() if i.startswith(f"{task}/")}
    found = []
    for template_id in sorted(ids):
        home = find_home(template_id)
        try:
            draft = home.has_draft(template_id)
            found.append(home.draft(template_id) if draft else load_template(template_id))
        except TemplateError:
            continue  # a draft that does not parse says nothing about its task
    return found
