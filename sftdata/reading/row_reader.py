"""Readers of the rows of a spec: its sources in, chunks and golden fields out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa

from sftdata.base.sizes import DEFAULT_SIZES, Sizes
from sftdata.reading.chunks import Chunk, Chunks, read_chunks
from sftdata.reading.conversations.read import ConversationReader
from sftdata.reading.conversations.repairs import Repairs
from sftdata.reading.outline import Outline
from sftdata.reading.rows import RowReader
from sftdata.reading.sources.given_splits import all_splits
from sftdata.reading.sources.resolve import Source
from sftdata.reading.tables.types import ColumnsAsText, find_columns_as_text
from sftdata.spec.fields import BESIDE_MESSAGES, ID
from sftdata.spec.model import Spec


def row_reader(spec: Spec, sources: tuple[Source, ...]) -> RowReader:
    """Turns chunks of the sources into golden fields."""
    fields = dict(sorted(spec.rules.items()))
    id_rule = fields.pop(ID, None)
    required = spec.mapped
    if id_rule is not None and (spec.id_prefix is not None or not id_rule.optional):
        required |= {ID}
    beside = {n: fields.pop(n) for n in BESIDE_MESSAGES if n in fields} if spec.is_messages else {}
    return RowReader(
        sources=sources,
        fields=fields,
        beside=beside,
        conversations=_conversation_reader(spec),
        id_path=id_rule.path if id_rule is not None else None,
        group_path=spec.group,
        keep_nul=spec.nul == "keep",
        quoting=spec.quoting,
        where=spec.where,
        split_path=spec.split_column,
        splits=tuple(all_splits(spec.split, sources)),
        required=required,
        id_prefix=spec.id_prefix,
    )


def _conversation_reader(spec: Spec) -> ConversationReader:
    return ConversationReader(
        Repairs(spec.drop_trailing_user, spec.drop_leading_assistant, spec.merge_same_role),
        unroll=spec.unroll,
        all_turns=spec.loss == "all",
        ignored=frozenset(spec.ignore_turn_keys),
    )


def read_source(
    reader: RowReader,
    index: int,
    foresee: Callable[[Chunk], Iterator[Outline]] = lambda chunk: iter(()),
    sizes: Sizes = DEFAULT_SIZES,
    unread: dict[str, list[str]] | None = None,
    as_text: dict[str, ColumnsAsText] | None = None,
) -> Iterator[Chunks]:
    """The chunks of a source of `reader`, by its index, once the columns have been checked.

    See `read_chunks` for `foresee`. The columns that nothing reads are put into `unread`, by the
    name of the source; those of a table that are read as text, into `as_text`.
    Raises `GoldenSetError` if a field is not in the source.
    """
    source = reader.sources[index]
    pieces = read_chunks(source, index, foresee, sizes, reader.columns, reader.quoting)
    for number, chunks in enumerate(pieces):
        if number == 0:
            reader.check_columns(chunks)
            beside = reader.sources[index].layout.unread
            columns = [*beside, *reader.unread_columns(chunks)] if unread is not None else []
            if unread is not None and columns:
                unread[source.name] = columns
            if as_text is not None and isinstance(chunks.data, pa.RecordBatch):
                as_text[source.name] = find_columns_as_text(chunks.data, reader.fields)
        yield chunks
