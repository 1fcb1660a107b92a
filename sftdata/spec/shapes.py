"""Shapes of rows: the columns by which the task of a file is recognized."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sftdata.base.content import list_content, project_root
from sftdata.errors import SpecError
from sftdata.spec.fields import ID, MESSAGES, FieldRule
from sftdata.spec.load import find_spec
from sftdata.spec.paths import EACH, MISSING, follow, parse_path
from sftdata.spec.presets import Preset, load_presets

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """Rows of a known kind: the task that takes them, and the path of each field."""

    task: str
    name: str  # for people
    needed: tuple[str, ...]  # paths that rows of this kind have
    read: tuple[str, ...]  # paths, also those that a row may lack
    rules: Mapping[str, FieldRule] = field(default_factory=dict)  # of fields read elsewhere
    preset: Preset | None = None
    preset_name: str = ""

    @property
    def options(self) -> str:
        """The options of `sftdata build` that say the same."""
        if self.preset is not None:
            return f"--task {self.task} --preset {self.preset_name}"
        maps = (f" --map {name}={rule.paths[0]}" for name, rule in self.rules.items())
        return f"--task {self.task}{''.join(maps)}"

    @property
    def values(self) -> dict[str, Any]:
        """The keys of a spec that say the same. The facts of a preset are about its own rows."""
        fields = {name: rule.to_json() for name, rule in self.rules.items()}
        if self.preset is None:
            return {"fields": fields} if fields else {}
        group = {} if self.preset.group is None else {"group": self.preset.group}
        return (
            {"fields": fields} | ({"where": self.preset.where} if self.preset.where else {}) | group
        )

    def fits(self, rows: Sequence[Row]) -> bool:
        """Whether each needed path leads to a value in some row."""
        return all(_leads(rows, path) for path in self.needed)

    def count_read(self, rows: Sequence[Row]) -> int:
        """How many of its paths lead to a value in some row."""
        return sum(_leads(rows, path) for path in self.read)


# Rows of a bundled task under other names: the name, the task, and its fields that others name.
_OTHER_NAMES: tuple[tuple[str, str, Mapping[str, str]], ...] = (
    ("Dolly rows", "instruct", {"input": "context", "output": "response"}),
    (
        "OpenOrca rows",
        "instruct",
        {"instruction": "question", "output": "response", "system": "system_prompt"},
    ),
    ("instructions with responses", "instruct", {"output": "response"}),
    ("questions with responses", "instruct", {"instruction": "question", "output": "response"}),
    ("prompts with responses", "completion", {"completion": "response"}),
)
_TURNS = ("messages", "conversations", "prompt")
_BESIDE_TURNS = ("completion", "tools", "system", "documents")


def find_shapes(rows: Sequence[Row]) -> list[Shape]:
    """The shapes that read the most of these first rows of a file; one for each meaning."""
    turns = [name for name in _TURNS if any(_is_turns(row.get(name)) for row in rows)]
    if turns:
        paths = (*turns[:1], *_BESIDE_TURNS)
        return [Shape("chat", "conversations", paths[:1], paths)]
    fitting = [_fit_group(shape, rows) for shape in known_shapes() if shape.fits(rows)]
    counts = [shape.count_read(rows) for shape in fitting]
    best = [s for s, n in zip(fitting, counts, strict=True) if n == max(counts)]
    first = {(shape.task, shape.needed): shape for shape in reversed(best)}
    return [shape for shape in best if first[shape.task, shape.needed] is shape]


def _fit_group(shape: Shape, rows: Sequence[Row]) -> Shape:
    """The shape; as maps alone where the rows lack the column that its preset groups by."""
    if shape.preset is None or shape.preset.group is None or _leads(rows, shape.preset.group):
        return shape
    there = {
        name: rule
        for name, rule in shape.rules.items()
        if any(_leads(rows, path) for path in rule.paths)
    }
    return replace(shape, preset=None, rules=there)


def _is_turns(value: Any) -> bool:
    """Whether a value is a list of turns, or the JSON of one."""
    if isinstance(value, str):
        return value.lstrip()[:2] in ("[{", "[[")
    return isinstance(value, (list, tuple)) and bool(value) and not isinstance(value[0], str)


def _leads(rows: Sequence[Row], path: str) -> bool:
    steps = tuple(0 if step is EACH else step for step in parse_path(path))
    return any(follow(row, steps) not in (MISSING, None) for row in rows)


def known_shapes() -> Iterator[Shape]:
    """The shape of each task's own fields, of the same under other names, and of each preset."""
    rules = dict(_task_rules())
    for task, own in rules.items():
        yield _shape(task, f"rows of the task {task}", own)
    for name, task, paths in _OTHER_NAMES:
        if task in rules:
            others = {n: _renamed(rules[task][n], path) for n, path in paths.items()}
            shape = _shape(task, name, rules[task] | others)
            # A column under another name is what tells this shape from the task's own.
            needed = tuple(dict.fromkeys((*shape.needed, *paths.values())))
            yield replace(shape, needed=needed, rules=others)
    for name, preset in load_presets().items():
        shape = _shape(preset.task, f"rows as in {name}", preset.fields)
        yield replace(shape, rules=preset.fields, preset=preset, preset_name=name)


def _renamed(rule: FieldRule, path: str) -> FieldRule:
    return rule.model_copy(update={"path": path, "first": ()})


def _task_rules() -> Iterator[tuple[str, dict[str, FieldRule]]]:
    for task in list_content("pipelines", "*.toml"):
        try:
            spec = None if task == "presets" else find_spec(task)
        except SpecError:
            continue  # `find_faulty_specs` names it
        if spec is not None and MESSAGES not in spec.fields:
            yield task, dict(spec.fields)


def find_faulty_specs() -> Iterator[SpecError]:
    """The faults of specs in the project's `pipelines/`, which rows are not compared with."""
    for path in sorted((project_root() / "pipelines").glob("*.toml")):
        try:
            if path.stem != "presets":
                find_spec(path.stem)
        except SpecError as error:
            yield error


def _shape(task: str, name: str, rules: Mapping[str, FieldRule]) -> Shape:
    needed = [n for n, rule in rules.items() if rule.paths and not rule.optional and n != ID]
    return Shape(
        task=task,
        name=name,
        needed=tuple(path for field in needed for path in rules[field].paths[:1]),
        read=tuple(path for rule in rules.values() for path in rule.paths),
    )
