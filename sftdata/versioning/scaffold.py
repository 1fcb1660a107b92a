"""A new working copy: made of a task's fields, or of another template's text."""

from __future__ import annotations

from pathlib import Path

from sftdata.base.content import in_project, list_content
from sftdata.errors import SpecError, TemplateError
from sftdata.rendering.source import check_id
from sftdata.rendering.template import Template, parse_template
from sftdata.versioning.lint import spec_fields
from sftdata.versioning.releases import find_home, load_template, templates_folders


def new_template(template_id: str, source_selector: str | None = None) -> Path:
    """Writes `templates/<task>/<name>.jinja` of the project and gives its path.

    The text is that of `source_selector`, or a start made of the fields of the task's spec.
    Raises `TemplateError` when there is such a file, `SpecError` when there is no such task.
    """
    check_id(template_id)
    if source_selector is not None:
        template = load_template(source_selector)
        source, included = template.source, template.included
    else:
        source, included = _start(template_id), {}
    written = write_working_copy(template_id, source)
    for name, text in included.items():
        path = in_project(f"templates/{name}")
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return written


def write_working_copy(template_id: str, source: str) -> Path:
    """Writes a new working copy in the project; `TemplateError` if one is there."""
    path = in_project(f"templates/{template_id}.jinja")
    if path.exists() or path.is_symlink():
        raise TemplateError(f"{path} is there already.", "Choose another name, or edit that file.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8", newline="\n")
    return path


def _start(template_id: str) -> str:
    task = template_id.partition("/")[0]
    fields = spec_fields(task)
    if fields is None:
        known = ", ".join(list_content("pipelines", "*.toml")) or "none"
        raise SpecError(
            f"There is no task '{task}', so its fields are not known.",
            f"Known tasks: {known}. Write pipelines/{task}.toml, or copy a template with --from.",
        )
    target = _target_field(task, fields)
    inputs = sorted(fields - {target})
    lines = "".join(
        f"{name.replace('_', ' ').capitalize()}:\n{{{{ {name} }}}}\n\n" for name in inputs
    )
    shorten = f'shorten = "{inputs[0]}"\n' if inputs else ""
    source = (
        f'{{#\ndescription = "{task.capitalize()}."\n{shorten}#}}\n'
        f"{{% block prompt %}}\n{lines}{_heading(target)}:\n{{% endblock %}}\n"
        f"{{% block target %}}\n{{{{ {target} }}}}\n{{%- endblock %}}\n"
    )
    parse_template(template_id, source)
    return source


def _heading(field: str) -> str:
    return field.replace("_", " ").capitalize()


def _target_field(task: str, fields: frozenset[str]) -> str:
    """The field that the task's templates have as their target; without any, the last one."""
    for template in _templates_of(task):
        for field in sorted(template.target_fields & fields):
            return field
    return sorted(fields)[-1]


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
