"""Import templates of other collections as working copies, and list the parts not imported."""

from __future__ import annotations

import ast
import json
import re
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sftdata.base.escaping import escape
from sftdata.base.files import is_of_machine, read_regular
from sftdata.base.typed_text import FieldType
from sftdata.base.wording import reason_of
from sftdata.errors import SftdataError, TemplateError
from sftdata.rendering.expected_types import (
    ExpectedType,
    describe_type,
    expected_types,
    widest_types,
)
from sftdata.rendering.template import parse_template
from sftdata.versioning.scaffold import write_working_copy

Collection = Literal["promptsource", "flan"]

_LICENSE = "Apache-2.0"  # of both collections
_SHOWN = 500  # characters of an error, at most
_LONGEST = 100  # characters of a template's name, at most
_CHOICE = re.compile(r"answer_choices\s*\[\s*([\w.]+)\s*\]")
_DRAWS = re.compile(r"\b(choice|most_frequent)\s*\(")
_COMPUTED = {"options_": "the list of answers, which FLAN makes itself", "options": "the answers"}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something of a source template that the working copy does not have."""

    template: str  # as its collection calls it
    what: str


@dataclass(frozen=True)
class Imported:
    """The working copies that were written, id → path, and what could not be carried over."""

    written: dict[str, Path]
    left_out: list[LeftOut]
    fields: dict[str, FieldType]  # of all templates; those that are compared have a type

    @property
    def spec_fields(self) -> str:
        """The fields as a table of a spec."""
        lines = (
            f'{name} = "{name}"' if type_ == "text" else describe_type(name, type_)
            for name, type_ in sorted(self.fields.items())
        )
        return "\n".join(("[fields]", *lines))


@dataclass(frozen=True)
class _Candidate:
    name: str  # as its collection calls it
    id: str
    source: str
    left_out: tuple[str, ...]


def import_templates(collection: Collection, path: Path, task: str | None = None) -> Imported:
    """Writes every template in the file that can be one of ours; `task` is the folder they go to.

    Raises `SftdataError` when the file is not one of the collection.
    """
    try:
        text = read_regular(path).decode("utf-8")
    except FileNotFoundError as error:
        raise SftdataError(f"There is no file '{path}'.", code="E503") from error
    except (OSError, UnicodeDecodeError) as error:
        if is_of_machine(error):
            raise
        raise SftdataError(f"{path}: cannot be read: {reason_of(error)}.", code="E503") from error
    read = _read_promptsource if collection == "promptsource" else _read_flan
    written: dict[str, Path] = {}
    left_out: list[LeftOut] = []
    fields: dict[str, FieldType] = {}
    expected: list[ExpectedType] = []
    for item in read(path, text, task):
        if isinstance(item, LeftOut):
            left_out.append(item)
            continue
        left_out += [LeftOut(item.name, what) for what in item.left_out]
        try:
            item.source.encode()
        except UnicodeEncodeError:
            left_out.append(LeftOut(item.name, "it holds a lone surrogate, which is no text"))
            continue
        try:
            template = parse_template(item.id, item.source)
            written[item.id] = write_working_copy(item.id, item.source)
        except TemplateError as error:
            left_out.append(LeftOut(item.name, str(error).replace("\n", " ")))
            continue
        fields |= dict.fromkeys(template.fields, "text")
        expected += expected_types(template)
    return Imported(written, left_out, fields | widest_types(expected))


def _read_promptsource(path: Path, text: str, task: str | None) -> Iterator[_Candidate | LeftOut]:
    import yaml

    # Plain data only; the two tags of the format are mappings.
    plain: Any = type("_PlainLoader", (yaml.SafeLoader,), {"flatten_mapping": _merge_nothing})
    for tag in ("!Template", "!TemplateMetadata"):
        plain.add_constructor(tag, lambda loader, node: loader.construct_mapping(node, deep=True))
    try:
        content = yaml.load(text, Loader=plain)
        entries = list(content["templates"].values())
        dataset = "_".join(filter(None, (content["dataset"], content.get("subset"))))
    # PyYAML raises its own error for bad syntax, and any of the others for a tag with a bad value.
    except (
        yaml.YAMLError, LookupError, TypeError, AttributeError, ValueError, OverflowError,
        RecursionError,
    ) as error:  # fmt: skip
        raise SftdataError(
            f"{path}: not a promptsource file: {escape(str(error)[:_SHOWN])}",
            "It has 'dataset' and 'templates', each template with the tag !Template.",
            code="E503",
        ) from error
    for entry in entries:
        yield _from_promptsource(entry, dataset, task or _slug(dataset))


def _merge_nothing(loader: Any, node: Any) -> None:
    """In place of YAML's merge key, which makes a few lines a mapping without end."""


def _from_promptsource(entry: Any, dataset: str, task: str) -> _Candidate | LeftOut:
    if not isinstance(entry, dict):
        return LeftOut(dataset, "one of its templates is not a mapping")
    name = _text(entry.get("name", entry.get("id")))
    jinja = _text(entry.get("jinja"))
    parts = [part.strip() for part in jinja.split("|||")]
    if len(parts) != 2 or not all(parts):
        return LeftOut(name, f"it has {len(parts)} parts between '|||', not a prompt and a target")
    if draw := _DRAWS.search(jinja):
        return LeftOut(name, f"it draws at random or counts rows with '{draw[1]}'")
    given = entry.get("metadata")
    details = given if isinstance(given, dict) else {}
    left_out = []
    if metrics := _texts(details.get("metrics")):
        left_out.append(f"its metrics: {', '.join(metrics)}")
    if reference := _text(entry.get("reference")):
        left_out.append(f"its reference: {reference}")
    choices: Sequence[str] | None = _texts(entry.get("answer_choices"))
    if choices and any("{{" in choice for choice in choices):
        if "answer_choices" in jinja:
            return LeftOut(name, f"its answer choices are computed from the row: {choices}")
        left_out.append("its answer choices, which are computed from the row")
        choices = None
    prompt, target = (_with_choices(_as_written(part), choices) for part in parts)
    metadata = {
        "description": f"{name} ({dataset}).",
        "source": f"promptsource:{dataset}/{_text(entry.get('id'))}",
        "license": _LICENSE,
        "language": ", ".join(_texts(details.get("languages"))),
    }
    template_id = f"{task}/{_slug(name)}"
    return _Candidate(name, template_id, _source(metadata, prompt, target), tuple(left_out))


def _text(value: Any) -> str:
    """A text or a number as text; "" for anything else, which YAML may repeat without end."""
    is_short = isinstance(value, int) and value.bit_length() <= 64  # Python refuses long ones
    return str(value) if is_short or isinstance(value, (str, float)) else ""


def _texts(value: Any) -> list[str]:
    """The texts of a list, or in one text with ||| between them."""
    if isinstance(value, str):
        return [part.strip() for part in value.split("|||")]
    return list(map(_text, value)) if isinstance(value, list) else []


def _as_written(jinja: str) -> str:
    """The same text where tags keep the line ends and the indentation around them, as they do in
    promptsource."""
    kept = re.sub(r"\{([%#])(?![-+])", r"{\1+", jinja)
    return re.sub(r"(?<![-+])([%#])\}", r"+\1}", kept)


def _with_choices(part: str, choices: Sequence[str] | None) -> str:
    """Golden fields are text, so a label is made a number where it picks one of the answers."""
    if not choices or "answer_choices" not in part:
        return part
    listed = json.dumps(choices, ensure_ascii=False)
    return f"{{%- set answer_choices = {listed} -%}}\n" + _CHOICE.sub(
        r"answer_choices[\1|int]", part
    )


def _read_flan(path: Path, text: str, task: str | None) -> Iterator[_Candidate | LeftOut]:
    found = False
    for name, value in _flan_patterns(path, text):
        found = True
        if isinstance(value, LeftOut):
            yield value
            continue
        if not isinstance(value, (list, tuple)):
            yield LeftOut(name, "it is not a list of patterns")
            continue
        for number, pattern in enumerate(value, 1):
            label = f"{name}[{number - 1}]"
            if not _is_pair(pattern):
                yield LeftOut(label, "it is not a pair of input and target")
                continue
            given, target = pattern
            yield _from_flan(
                label, f"{task or _slug(name)}/{_slug(name)}-{number:02d}", given, target
            )
    if not found:
        raise SftdataError(
            f"{path}: no patterns found.",
            "A FLAN file is Python with PATTERNS = {name: [(input, target), …]}, or such JSON.",
            code="E503",
        )


def _is_pair(pattern: Any) -> bool:
    return (
        isinstance(pattern, (list, tuple))
        and len(pattern) == 2
        and all(isinstance(part, str) for part in pattern)
    )


def _flan_patterns(path: Path, text: str) -> Iterator[tuple[str, Any]]:
    """The lists of patterns by name. Python is read as data and never run."""
    if path.suffix == ".json":
        try:
            yield from json.loads(text).items()
        except (ValueError, AttributeError, RecursionError) as error:
            raise SftdataError(
                f"{path}: not a JSON object of patterns: {error}", code="E503"
            ) from error
        return
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # nested too deep
        raise SftdataError(f"{path}: not Python: {error}", code="E503") from error
    for node in tree.body:
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)):
            continue
        if not any(isinstance(t, ast.Name) and t.id == "PATTERNS" for t in node.targets):
            continue
        for key, value in zip(node.value.keys, node.value.values, strict=True):
            name = str(key.value) if isinstance(key, ast.Constant) else "?"
            try:
                yield name, ast.literal_eval(value)
            except (ValueError, TypeError, RecursionError):
                yield name, LeftOut(name, "its patterns are computed, not written out")


def _from_flan(label: str, template_id: str, given: str, target: str) -> _Candidate | LeftOut:
    try:
        prompt, fields = _from_format(given.strip())
        answer, more = _from_format(target.strip())
    except ValueError as error:
        return LeftOut(label, str(error))
    left_out = tuple(
        f"its rows need the field '{field}': {_COMPUTED[field]}"
        for field in fields + more
        if field in _COMPUTED
    )
    metadata = {
        "description": f"FLAN pattern {label}.",
        "source": f"flan:{label}",
        "license": _LICENSE,
    }
    return _Candidate(label, template_id, _source(metadata, prompt, answer), left_out)


def _from_format(text: str) -> tuple[str, list[str]]:
    """A format string as Jinja, and its fields."""
    parts, fields = [], []
    for literal, field, form, conversion in string.Formatter().parse(text):
        parts.append(re.sub(r"\{[{%#]", lambda match: f"{{{{ '{match[0]}' }}}}", literal))
        if field is None:
            continue
        if not field.isidentifier() or form or conversion:
            raise ValueError(f"'{{{field}}}' is not the plain name of a field")
        parts.append(f"{{{{ {field} }}}}")
        fields.append(field)
    return "".join(parts), fields


def _source(metadata: dict[str, str], prompt: str, target: str) -> str:
    lines = "".join(
        f"{key} = {json.dumps(value, ensure_ascii=False)}\n"
        for key, value in metadata.items()
        if value
    )
    return (
        f"{{#\n{lines}#}}\n{{% block prompt %}}\n{prompt}\n{{% endblock %}}\n"
        f"{{% block target %}}\n{target}\n{{%- endblock %}}\n"
    )


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-")[:_LONGEST] or "unnamed"
