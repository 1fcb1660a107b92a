"""Dry run: the checks of a build, and its first examples, without writing anything."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from sftdata.base.content import in_project
from sftdata.base.ledger_line import LedgerLine
from sftdata.base.stores import is_address
from sftdata.building.drops import warn_of_faults
from sftdata.building.find_spec import find_spec_to_build
from sftdata.building.inputs import no_rows
from sftdata.building.maker import example_maker
from sftdata.building.plan import Plan, make_plan
from sftdata.building.result_warnings import describe_result
from sftdata.building.workforce import automatic_number
from sftdata.examples.maker import BlockExamples, BlockRequest
from sftdata.reading.row_reader import read_source
from sftdata.reading.tables.types import ColumnsAsText, describe_columns_as_text
from sftdata.reading.unread import merge_unread
from sftdata.spec.model import Mixture
from sftdata.tokenizing.engine_cache import EngineCache
from sftdata.writing.ownership import check_ownership
from sftdata.writing.publish import folder_to_write, look_at


@dataclass(frozen=True)
class DryRun:
    """The result of a dry run."""

    examples: list[BlockExamples]  # of the first rows of each source
    ledger: list[LedgerLine]
    unread: dict[str, list[str]]  # by source, the columns that nothing reads
    notes: list[str]  # that a build would print
    warnings: list[str]  # of so many unusable rows that a build would fail
    workers: int  # processes that a build would take by itself


def dry_run(
    task: str | None = None,
    *,
    spec: Path | str | None = None,
    out: Path | str | None = None,
    frozen: bool = False,
    **options: Any,
) -> DryRun:
    """Checks everything a build checks before its first row, and makes the first examples.

    Writes nothing, also not in `out`, which must be a folder that a build may write to. Raises
    `SftdataError` as `build` does.
    """
    notes: list[str] = []
    file = None if spec is None else Path(spec)
    loaded = find_spec_to_build(task, file, notes.append, **options)
    if out is not None and is_address(str(out)):
        look_at(folder_to_write(str(out)))
    else:
        check_ownership(Path(out) if out is not None else in_project(f"data/{loaded.task}"))
    specs = [s.spec for s in loaded.sources] if isinstance(loaded, Mixture) else [loaded]
    plans = [make_plan(one, frozen=frozen) for one in specs]
    runs = [_try_plan(plan) for plan in plans]
    sources = [[source.name for source in plan.sources] for plan in plans]
    notes += [note for run in runs for note in run.notes]
    notes += describe_result(
        dict.fromkeys(label for plan in plans for label in plan.labels),
        plans[0].tokenizer.name,
        chain.from_iterable(sources),
    )
    return DryRun(
        [examples for run in runs for examples in run.examples],
        [line for run in runs for line in run.ledger],
        merge_unread(zip(sources, [run.unread for run in runs], strict=True)),
        [*dict.fromkeys(notes)],
        [warning for run in runs for warning in run.warnings],
        max(run.workers for run in runs),
    )


def _try_plan(plan: Plan) -> DryRun:
    engines = EngineCache()
    maker = example_maker(
        plan, lambda: engines.choose_encoder(plan.tokenizer, lambda line: None).encoder
    )
    made: list[BlockExamples] = []
    ledger: list[LedgerLine] = []
    notes = [*plan.notes]
    unread: dict[str, list[str]] = {}
    as_text: dict[str, ColumnsAsText] = {}
    templates = tuple(range(len(plan.block_keys)))
    for index in range(len(plan.sources)):
        for chunks in islice(read_source(maker.reader, index, unread=unread, as_text=as_text), 1):
            notes += chunks.notes
            tried = chunks[:4]
            made.append(maker.make([BlockRequest(chunk, templates) for chunk in tried]))
            ledger += [
                line.in_source(plan.sources[index].name, tried[at // len(templates)].first_row)
                for at, line in made[-1].blocks.ledger
            ]
    if not made:
        raise no_rows(plan.sources)
    if note := describe_columns_as_text(as_text):
        notes.append(note)
    rows = sum(int(examples.blocks.rows_in.sum()) for examples in made)
    warning = warn_of_faults(ledger, rows, plan.spec.max_dropped)
    return DryRun(made, ledger, unread, notes, [warning] if warning else [], automatic_number(plan))
