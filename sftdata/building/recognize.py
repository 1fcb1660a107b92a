"""Recognize the task of a file by its columns, where only one task has them."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NoReturn

from sftdata.base.content import list_content
from sftdata.base.escaping import escape
from sftdata.building.inputs import no_rows
from sftdata.errors import SpecError
from sftdata.reading.chunks import read_chunks
from sftdata.reading.column_check import ReadPath, map_option, suggest
from sftdata.reading.parsing import parse_chunks
from sftdata.reading.peek import peek_rows
from sftdata.reading.sources.resolve import Source, resolve_sources
from sftdata.spec.load import find_spec
from sftdata.spec.shapes import Shape, find_shapes, known_shapes


def recognize(data: Sequence[str], mapped: Collection[str] = ()) -> Shape:
    """The shape of the rows in `data`. `mapped`: fields that the user has mapped himself.

    Raises `SpecError` where no shape fits, or more than one.
    """
    source, rows, columns = read_first_rows(data)
    # A field that is mapped counts as a column of its name.
    given = dict.fromkeys(mapped, "")
    shapes = find_shapes([{**given, **row} for row in rows] or [given])
    if len(shapes) == 1:
        return shapes[0]
    noun = "column" if len(columns) == 1 else "columns"
    has = f"{escape(source.name)} has the {noun} {', '.join(map(escape, columns)) or 'none'}"
    if shapes:
        files = escape(" ".join(map(shlex.quote, data)))
        ways = "\n".join(f"  sftdata build {files} {s.options}  ({s.name})" for s in shapes)
        raise SpecError(
            f"{has}, which can mean more than one thing.", f"Say which:\n{ways}", code="E404"
        )
    if {"chosen", "rejected"} <= set(columns):
        raise SpecError(
            f"{has}: pairs of a better and a worse answer. sftdata teaches one answer.",
            f"To teach the chosen ones: {_teach_chosen(rows, columns)}",
            code="E404",
        )
    if len(columns) == 1:
        raise SpecError(
            f"{has}. A prompt and a target need two: nothing says where in a text the target "
            "starts.",
            "Divide the texts, for example into the columns prompt and completion.",
            code="E404",
        )
    # A mixture takes no --data.
    tasks = [n for n in list_content("pipelines", "*.toml") if n != "presets" and find_spec(n)]
    raise SpecError(
        f"{has}, which fit no task.",
        f"Name the task and map its fields, for example: {_example(columns)}\n"
        f"Tasks: {', '.join(tasks)}.\n"
        "Or have a spec and a template written for them: sftdata init DIR --data PATH",
        code="E404",
    )


def read_first_rows(data: Sequence[str]) -> tuple[Source, list[dict[str, Any]], list[str]]:
    """The first source, its first rows, and the names of their columns.

    Raises `GoldenSetError` where there are no rows, or they cannot be read.
    """
    source = resolve_sources(data)[0]
    rows = peek_rows(source)
    if not rows:
        _refuse(source)
    return source, rows, list(dict.fromkeys(name for row in rows for name in row))


def _refuse(source: Source) -> NoReturn:
    """Raises the error of a source whose first rows cannot be read, or that has none."""
    for chunks in read_chunks(source, 0):
        parse_chunks(chunks, {"": "row"}, source)
    raise no_rows((source,))


def _teach_chosen(rows: Sequence[Mapping[str, Any]], columns: Collection[str]) -> str:
    if any(isinstance(row.get("chosen"), list) for row in rows):
        return "--task chat --map messages=chosen"
    prompt = "" if "prompt" in columns else " --map prompt=COLUMN"
    return f"--task completion{prompt} --map completion=chosen"


def _example(columns: Sequence[str]) -> str:
    """The task that the columns fit best under other names, with its fields mapped to them."""
    best: dict[str, str] = {}
    task = "instruct"
    for shape in known_shapes():
        if shape.rules:
            continue
        needed = [ReadPath(path, path) for path in shape.needed]
        found = suggest(needed, columns)
        if len(found) == len(needed) > len(best):
            best, task = found, shape.task
    maps = best or {"instruction": "COLUMN", "output": "COLUMN"}
    return f"--task {task} " + escape(" ".join(map_option(n, c) for n, c in maps.items()))
