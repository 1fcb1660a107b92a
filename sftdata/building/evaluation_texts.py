"""Read the evaluation files of a spec (`against`): the texts that must not be in the dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from sftdata.base.conversation import Conversation
from sftdata.base.wording import count
from sftdata.errors import GoldenSetError
from sftdata.reading.peek import peek_rows
from sftdata.reading.row_reader import read_source, row_reader
from sftdata.reading.rows import RowFault, RowReader
from sftdata.reading.screening.contamination import EvaluationTexts, index_texts
from sftdata.reading.screening.user_texts import user_texts
from sftdata.reading.sources.resolve import Source
from sftdata.spec.fields import BESIDE_MESSAGES, ID, MESSAGES, FieldRule
from sftdata.spec.model import Spec
from sftdata.spec.paths import parse_path, path_of


def index_evaluation(spec: Spec, sources: tuple[Source, ...]) -> tuple[EvaluationTexts, list[str]]:
    """The texts of every row of the evaluation files, which are the `sources` here, and notes.

    The text of a row is its source field, and that of a conversation the turns of the user. A file
    that has neither is read in all its columns of text. The notes name such a file, and rows that
    cannot be read.
    """
    texts: list[str] = []
    notes: list[str] = []
    for source in sources:
        found: list[RowFault] = []
        reader = _reader(spec, source)
        texts += _read_texts(reader, source, found)
        if not spec.is_messages and str(spec.source_field) not in reader.fields:
            columns = ", ".join(f"'{name}'" for name in reader.fields)
            notes.append(
                f"{source.name} has no column for '{spec.source_field}', so the rows are compared "
                f"with its columns of text: {columns}."
            )
        if found:
            reasons = ", ".join(f"{n} {r}" for r, n in Counter(f.reason for f in found).items())
            notes.append(
                f"{source.name}: {count(len(found), 'row')} of this evaluation file cannot be "
                f"compared: {reasons}; the first is line {found[0].line}: {found[0].detail}."
            )
    return index_texts(texts, spec.against_overlap), notes


def _read_texts(reader: RowReader, source: Source, faults: list[RowFault]) -> Iterator[str]:
    for chunks in read_source(reader, 0):
        rows = reader.parse(chunks)
        faults += rows.faults
        for name in reader.fields:
            for text in rows.batch.column(name).to_pylist():
                if name == MESSAGES:
                    yield from user_texts(Conversation.from_json(text))
                elif text:
                    yield text


def _reader(spec: Spec, source: Source) -> RowReader:
    """Reads from an evaluation file the fields that are compared, and no others."""
    reader = replace(
        row_reader(spec, (source,)), where={}, split_path=None, required=frozenset(), id_path=None,
        group_path=None,
    )  # fmt: skip
    columns = _text_columns(source)
    if not spec.is_messages:
        field = str(spec.source_field)
        rule = reader.fields[field]
        if any(str(parse_path(path)[0]) in columns for path in rule.paths):
            return replace(reader, fields={field: rule})
        return replace(reader, fields=_all_texts(source, columns))
    places = [spec.rules[name] for name in (MESSAGES, *BESIDE_MESSAGES[:2]) if name in spec.rules]
    names = {str(parse_path(path)[0]) for rule in places for path in rule.paths}
    if names & columns.keys() and not all(columns.get(name, True) for name in names):
        talks = replace(reader.conversations, any_order=True, unroll=False)
        return replace(reader, conversations=talks)
    return replace(reader, fields=_all_texts(source, columns), beside={})


def _all_texts(source: Source, columns: dict[str, bool]) -> dict[str, FieldRule]:
    """A field for each column that holds text, named by the column."""
    names = [name for name, is_text in columns.items() if is_text]
    fields = {name: FieldRule(path=path_of(name), optional=True) for name in names}
    if not fields:
        raise GoldenSetError(
            f"{source.name} has neither conversations nor a column of text to compare; its "
            f"columns: {', '.join(columns) or 'none'}.",
            "Name another evaluation file in `against`.",
            code="E205",
        )
    return fields


def _text_columns(source: Source) -> dict[str, bool]:
    """The columns of the first rows but the id, and whether they hold texts alone."""
    columns: dict[str, bool] = {}
    for row in peek_rows(source):
        for name, value in row.items():
            if name != ID and value is not None:
                columns[name] = columns.get(name, True) and isinstance(value, str)
    return columns
