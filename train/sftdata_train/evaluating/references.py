"""All accepted answers of a row: those of the list whose first item is the target.

A field with the path `answers.text[0]` has its other right answers beside it, in the golden set.
The dataset holds the first alone, so the golden rows are read again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sftdata.base.reporting import Report
from sftdata.base.typed_text import to_values
from sftdata.base.wording import count
from sftdata.errors import SftdataError
from sftdata.loading.dataset import Dataset, Example
from sftdata.reading.row_reader import read_source, row_reader
from sftdata.reading.sources.resolve import resolve_sources
from sftdata.rendering.template import Template
from sftdata.spec.fields import FieldRule
from sftdata.spec.load import spec_from_json
from sftdata.spec.model import Mixture, Spec

_FIRST = "[0]"
_MOST = 32  # accepted answers of a row
_Key = tuple[str, str]  # task, row id


def read_references(
    data: Dataset,
    examples: Sequence[Example],
    targets: Sequence[str],
    templates: Mapping[str, Template],
    report: Report = lambda line: None,
) -> list[list[str]]:
    """For each example its target and then the other accepted answers, as its template writes them.

    `targets` are texts without white space around them; so are the answers.
    """
    found: dict[_Key, list[dict[str, Any]]] = {}
    for spec in _list_specs(data):
        fields = _find_lists(spec)
        wanted = {e.row_id for e in examples if e.task in (None, spec.task)}
        if not fields or not wanted:
            continue
        try:
            rows, longer = _read_rows(spec, fields, wanted)
        except (SftdataError, OSError) as error:
            paths = ", ".join(path.removesuffix(_FIRST) for path in fields.values())
            report(
                f"The other accepted answers of '{spec.task}' ({paths}) cannot be read, so the "
                f"first one counts alone: {str(error).splitlines()[0]}"
            )
            continue
        found |= {(spec.task, row_id): of_row for row_id, of_row in rows.items()}
        if longer:
            report(
                f"Of {count(longer, 'row')} of '{spec.task}', the first {_MOST} accepted answers "
                "count; there are more."
            )
    accepted, changed = [], 0
    for example, target in zip(examples, targets, strict=True):
        template = templates.get(example.template)
        of_row = found.get((_task_of_spec(example, data), example.row_id), [])
        texts = [template.render_block("target", row).strip() for row in of_row if template]
        if texts and texts[0] != target:
            texts, changed = [], changed + 1
        accepted.append(list(dict.fromkeys([target, *filter(None, texts)])))
    if changed:
        report(
            f"{count(changed, 'row')} of the golden set changed since the build, so the target "
            "counts alone there."
        )
    if several := sum(len(texts) > 1 for texts in accepted):
        report(
            f"{several:,} of {count(len(accepted), 'row')} accept several answers; the best counts."
        )
    return accepted


def _list_specs(data: Dataset) -> list[Spec]:
    spec = spec_from_json(data.manifest["spec"])
    return [source.spec for source in spec.sources] if isinstance(spec, Mixture) else [spec]


def _task_of_spec(example: Example, data: Dataset) -> str:
    """The task of the spec that made a row, whose template may be of another task."""
    return str(data.manifest["task"]) if example.task is None else example.task


def _find_lists(spec: Spec) -> dict[str, str]:
    """The fields that take the first item of a list, with their paths."""
    rules = spec.rules
    if any("[]" in path for rule in rules.values() for path in rule.paths):
        return {}  # each item is a row of its own
    return {
        name: rule.path
        for name, rule in rules.items()
        if rule.path is not None and rule.path.endswith(_FIRST)
    }


def _read_rows(
    spec: Spec, fields: Mapping[str, str], wanted: set[str]
) -> tuple[dict[str, list[dict[str, Any]]], int]:
    """By row id: the row, then the row with each further item in place of the first.

    And how many rows have more items than are read.
    """
    sources = tuple(resolve_sources(spec.data))
    reader = row_reader(spec, sources)
    further = {
        f"{name}\0{at}": FieldRule(
            path=f"{path.removesuffix(_FIRST)}[{at}]",
            optional=True,
            strip_prefix=spec.rules[name].strip_prefix,
        )
        for name, path in fields.items()
        for at in range(1, _MOST + 1)
    }
    # Ids may be digests of all fields, so a reader of its own reads the further ones.
    beside = replace(reader, fields={**reader.fields, **further})
    found, longer = {}, 0
    for index in range(len(sources)):
        for chunks in read_source(reader, index):
            rows, same = reader.parse(chunks), beside.parse(chunks)
            places = list(zip(same.chunk.tolist(), same.line.tolist(), strict=True))
            by_place = dict(zip(places, same.batch.to_pylist(), strict=True))
            for row, chunk, line in zip(
                rows.batch.to_pylist(), rows.chunk.tolist(), rows.line.tolist(), strict=True
            ):
                if row["row_id"] in wanted and (read := by_place.get((chunk, line))):
                    longer += any(read[f"{name}\0{_MOST}"] for name in fields)
                    substituted = _substitute(row, read, fields)
                    found[row["row_id"]] = [dict(to_values(r, spec.types)) for r in substituted]
    return found, longer


def _substitute(
    row: Mapping[str, str], read: Mapping[str, str], fields: Mapping[str, str]
) -> Iterator[dict[str, str]]:
    """The row itself, then with the other items."""
    yield dict(row)
    for at in range(1, _MOST):
        texts = {name: read[f"{name}\0{at}"] for name in fields}
        if any(texts.values()):
            yield {**row, **{name: text for name, text in texts.items() if text}}
