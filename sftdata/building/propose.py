"""Propose a spec for rows of any kind: of the task that they fit, or of one of their own."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sftdata.base.content import bundled_root
from sftdata.base.escaping import escape
from sftdata.building.recognize import read_first_rows
from sftdata.errors import SpecError, did_you_mean
from sftdata.reading.column_check import ReadPath, suggest, suggest_usual
from sftdata.spec.fields import ID, MESSAGES
from sftdata.spec.paths import path_of
from sftdata.spec.shapes import Shape, find_shapes, known_shapes
from sftdata.versioning.scaffold import write_start

# Names of columns with the text to learn, the surest first; any other is the last column.
_TARGETS = (
    "target", "completion", "response", "output", "answer", "summary", "translation", "corrected",
    "correction", "rewritten", "label", "labels", "category", "class", "reply", "sql", "code",
)  # fmt: skip
# Columns that say something about a row rather than being a part of its text.
_ABOUT = re.compile(
    r"(.*_)?(id|uid|uuid|guid|key|index|url|uri|link|date|time|timestamp|created_at|updated_at|"
    r"author|license|split|hash|sha256|score|source_url|unnamed.*)",
    re.IGNORECASE,
)
_SHOWN = 12
_MOST_BY_CHANCE = 4  # so many numbers may count up without being row numbers


@dataclass(frozen=True)
class Proposal:
    """What to build from some rows, and what was seen in them."""

    sees: str  # for people
    base: str | None  # the task whose spec is taken over; None: all is in `values`
    values: dict[str, Any]  # keys of a spec
    template: str | None = None  # the text of a template of its own


def propose(data: Sequence[str], name: str, task: str | None = None) -> Proposal:
    """A spec for the rows in `data`: of `task`, of the task that they fit, or of a new one, `name`.

    Raises `SpecError` where they fit more than one task, or hold no two texts.
    """
    source, rows, columns = read_first_rows(data)
    shown = ", ".join(map(escape, columns[:_SHOWN])) + (", …" if len(columns) > _SHOWN else "")
    file = source.name.rstrip("/").rpartition("/")[2]
    has = f"{file} has the columns {shown}"
    if task is not None:
        return _of_task(task, rows, columns, has)
    # A killed `init` may have left the spec of this very task.
    shapes = [shape for shape in find_shapes(rows) if shape.task != name]
    if len(shapes) > 1:
        tasks = dict.fromkeys(shape.task for shape in shapes)
        raise SpecError(
            f"{has}, which can mean more than one thing.",
            "Say which: " + " or ".join(f"--task {name}" for name in tasks),
            code="E404",
        )
    if shapes:
        return _of_shape(shapes[0], has)
    if found := _usual_task(columns):
        base, maps = found
        said = ", ".join(f"{field} = {escape(column)}" for field, column in maps.items())
        sees = f"{has}: taken for rows of the task {base}, with {said}"
        return Proposal(sees, base, {"fields": _to_paths(maps)})
    return _of_own(name, rows, columns, has)


def _of_shape(shape: Shape, has: str) -> Proposal:
    return Proposal(f"{has}: taken for {shape.name}", shape.task, shape.values)


def _of_task(
    task: str, rows: Sequence[dict[str, Any]], columns: Sequence[str], has: str
) -> Proposal:
    """The spec of a task for these rows, also where a column can only be guessed."""
    own = {shape.task: shape for shape in known_shapes() if not shape.rules}
    if task not in own and task != "chat":
        raise SpecError(
            f"There is no task '{task}'.", did_you_mean(task, [*own, "chat"]), code="E402"
        )
    for shape in find_shapes(rows):
        if shape.task == task:
            return _of_shape(shape, has)
    needed = own[task].needed if task in own else (MESSAGES,)
    maps = suggest([ReadPath(path, path) for path in needed], columns)
    if missing := [path for path in needed if path not in maps]:
        raise SpecError(
            f"{has}; the task {task} also needs {', '.join(missing)}.",
            "Leave --task out: then the project gets a task and a template of its own.",
            code="E404",
        )
    said = ", ".join(f"{field} = {escape(column)}" for field, column in maps.items())
    return Proposal(f"{has}: read as {said}", task, {"fields": _to_paths(maps)})


def _to_paths(columns: Mapping[str, str]) -> dict[str, str]:
    return {field: path_of(column) for field, column in columns.items()}


def _usual_task(columns: Sequence[str]) -> tuple[str, dict[str, str]] | None:
    """The one task whose fields all have a column with a usual name for it."""
    found = []
    for shape in known_shapes():
        if not shape.rules and (bundled_root() / f"pipelines/{shape.task}.toml").is_file():
            maps = suggest_usual([ReadPath(path, path) for path in shape.needed], columns)
            if len(maps) == len(shape.needed):
                found.append((shape.task, maps))
    most = max((len(maps) for _, maps in found), default=0)
    best = [each for each in found if len(each[1]) == most]
    return best[0] if len(best) == 1 else None


def _of_own(
    name: str, rows: Sequence[dict[str, Any]], columns: Sequence[str], has: str
) -> Proposal:
    """A task of its own: one column is the text to learn, the others are in the prompt."""
    values = {column: [row.get(column) for row in rows] for column in columns}
    texts = [
        column
        for column, found in values.items()
        if not _ABOUT.fullmatch(column.strip()) and _is_text(found) and _is_path(column)
    ]
    counts = [c for c in texts if c.lower() not in _TARGETS and _counts_rows(values[c])]
    texts = [column for column in texts if column not in counts]
    if len(texts) < 2:
        raise SpecError(
            f"{has}; an example needs two texts, one to read and one to learn.",
            "Write each row with both, such as prompt and completion, or with turns (messages).",
            code="E404",
        )
    target = _find_target(texts)
    inputs = [column for column in texts if column != target]
    fields: dict[str, Any] = {}
    if ID in columns and all(value not in (None, "") for value in values[ID]):
        fields[ID] = ID
    names = {}
    for column in [*inputs, target]:
        names[column] = _field_name(column, {*fields})
        fields[names[column]] = _rule(column, values[column], is_target=column == target)
    optional = {n for n, rule in fields.items() if isinstance(rule, dict) and "optional" in rule}
    template_id = f"{name}/plain"
    # The longest input is the one that may be cut, and that checks compare with the target.
    needed = [column for column in inputs if names[column] not in optional] or inputs
    longest = names[max(needed, key=lambda column: _length(values[column]))]
    source = write_start(template_id, [names[c] for c in inputs], names[target], optional, longest)
    sees = (
        f"{has}, which fit no task; so the task {name} and the template {template_id} are new: "
        f"{', '.join(map(escape, inputs))} in the prompt, {escape(target)} to learn"
    )
    if counts:
        sees += f"; {', '.join(map(escape, counts))} only counts the rows and is left out"
    new = {"templates": [template_id], "fields": fields}
    new |= {"source_field": longest, "target_field": names[target]}
    return Proposal(sees, None, new, source)


def _is_text(values: Sequence[Any]) -> bool:
    return any(value not in (None, "") for value in values) and all(
        value is None or isinstance(value, (str, int, float, bool)) for value in values
    )


def _counts_rows(values: Sequence[Any]) -> bool:
    """Whether the values count the rows from 0 or 1; a few rows do not tell."""
    if len(values) <= _MOST_BY_CHANCE:
        return False
    try:
        numbers = [int(str(value)) for value in values]
    except ValueError:
        return False
    start = numbers[0]
    return start in (0, 1) and numbers == list(range(start, start + len(numbers)))


def _length(values: Sequence[Any]) -> int:
    return sum(len(str(value)) for value in values if value is not None)


def _is_path(column: str) -> bool:
    """Whether a path can name the column: it has no quotation mark."""
    return bool(column) and '"' not in column


def _find_target(columns: Sequence[str]) -> str:
    by_name = {column.strip().lower(): column for column in columns}
    return next((by_name[name] for name in _TARGETS if name in by_name), columns[-1])


def _field_name(column: str, taken: set[str]) -> str:
    """The column's name as a variable of a template."""
    name = re.sub(r"\W+", "_", column.strip().lower()).strip("_") or "field"
    if name[0].isdigit() or keyword.iskeyword(name) or name in {ID, MESSAGES, *_JINJA}:
        name = f"field_{name}"
    number = 2
    unique = name
    while unique in taken:
        unique, number = f"{name}_{number}", number + 1
    return unique


_JINJA = {"true", "false", "none", "loop", "self", "namespace", "dict", "range", "cycler", "joiner"}


def _rule(column: str, values: Sequence[Any], *, is_target: bool) -> Any:
    rule: dict[str, Any] = {"path": path_of(column)}
    if not is_target and any(value is None or not str(value).strip() for value in values):
        rule["optional"] = True
    if any(value is not None and not isinstance(value, str) for value in values):
        rule["type"] = "text"  # say that the number, or true, is meant as text
    return rule if len(rule) > 1 else rule["path"]
