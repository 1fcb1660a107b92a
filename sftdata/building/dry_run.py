"""Dry run: the checks of a build, and its first examples, without writing anything."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

from sftdata.building.inputs import no_rows, read_source
from sftdata.building.maker import example_maker
from sftdata.building.plan import Plan, make_plan
from sftdata.examples.maker import BlockExamples, BlockRequest
from sftdata.spec.load import load_spec
from sftdata.spec.model import Mixture
from sftdata.tokenizing.engine_cache import EngineCache


def dry_run(
    task: str | None = None,
    *,
    spec: Path | str | None = None,
    frozen: bool = False,
    **options: Any,
) -> list[BlockExamples]:
    """Checks everything a build checks before its first row; the first examples of each source.

    Writes nothing. Raises `SftdataError` as `build` does.
    """
    loaded = load_spec(task=task, file=None if spec is None else Path(spec), **options)
    specs = [s.spec for s in loaded.sources] if isinstance(loaded, Mixture) else [loaded]
    return [examples for one in specs for examples in _try_plan(make_plan(one, frozen=frozen))]


def _try_plan(plan: Plan) -> list[BlockExamples]:
    engines = EngineCache()
    maker = example_maker(
        plan, lambda: engines.choose_encoder(plan.tokenizer, lambda line: None).encoder
    )
    made = []
    templates = tuple(range(len(plan.block_keys)))
    for index in range(len(plan.sources)):
        for chunks in islice(read_source(maker.reader, index), 1):
            made.append(maker.make([BlockRequest(chunk, templates) for chunk in chunks[:4]]))
    if not made:
        raise no_rows(plan.sources)
    return made
