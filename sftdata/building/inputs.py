"""Readers and screens of a build's rows, and the shots drawn before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from sftdata.base.sizes import DEFAULT_SIZES, Sizes
from sftdata.errors import GoldenSetError
from sftdata.examples.shots import PoolBuilder, ShotPool
from sftdata.reading.chunks import Chunk, Chunks, read_chunks
from sftdata.reading.conversations.read import ConversationReader
from sftdata.reading.conversations.repairs import Repairs
from sftdata.reading.given_splits import all_splits
from sftdata.reading.outcomes import RowOutcomes
from sftdata.reading.outline import Outline
from sftdata.reading.rows import RowReader
from sftdata.reading.screening.contamination import EvaluationTexts
from sftdata.reading.screening.screen import Screen
from sftdata.reading.sources import Source
from sftdata.reading.splits import assign_splits
from sftdata.reading.table_types import ColumnsAsText, find_columns_as_text
from sftdata.spec.fields import BESIDE_MESSAGES, ID
from sftdata.spec.model import Spec
from sftdata.spec.split_names import training_split


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


def row_screen(spec: Spec, evaluation: EvaluationTexts | None) -> Screen:
    """Drops or flags suspect rows and, with `evaluation`, rows that stand in evaluation files."""
    return Screen(spec.checks, spec.source_field, spec.target_field, evaluation)


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


def sample_texts(reader: RowReader, chunks: Sequence[Chunk]) -> pa.LargeStringArray:
    """Texts of some rows, to check an engine on."""
    rows = reader.parse(chunks[:4])
    return pa.concat_arrays([rows.batch.column(name) for name in reader.fields])


def no_rows(sources: tuple[Source, ...]) -> GoldenSetError:
    """The error for sources without a row."""
    names = ", ".join(source.name for source in sources)
    return GoldenSetError(
        f"{names}: no rows.", "Check that the file is not empty, and holds more than a header."
    )


def draw_pool(
    spec: Spec, sources: tuple[Source, ...], evaluation: EvaluationTexts | None = None
) -> ShotPool:
    """The training rows to draw shots from, without those that the screen drops.

    Reads every source once. Raises `GoldenSetError` if there is no such row.
    """
    shares = all_splits(spec.split, sources)
    split = training_split(shares)
    if split is None:
        raise GoldenSetError(
            f"Shots are drawn from the split 'train'; the spec has {', '.join(shares)}.",
            "Name the split of the training rows train, or build without --shots.",
        )
    train = list(shares).index(split)
    reader, screen = row_reader(spec, sources), row_screen(spec, evaluation)
    pool = PoolBuilder(spec.seed)
    for index, source in enumerate(sources):
        for chunks in read_source(reader, index):
            rows = reader.parse(chunks)
            outcomes = RowOutcomes(rows.batch.num_rows)
            screen.inspect(rows, source.name, outcomes)
            splits = assign_splits(rows.group_hashes, shares, spec.seed, rows.given_splits)
            taken = rows.take(np.flatnonzero((splits == train) & ~outcomes.dropped))
            pool.offer(taken.batch, taken.group_hashes)
    drawn = pool.finish()
    if drawn is None:
        raise GoldenSetError(
            "There is no training row to take shots from.", "Build without --shots."
        )
    return drawn
