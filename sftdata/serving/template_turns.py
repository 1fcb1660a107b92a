"""Read the rows that templates rendered again from their sources, as turns.

Ids don't say where the system text of a plain prompt ends, so text decoded from them is not enough.
The recorded spec, templates and ledger give each text back exactly, shortened ones too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sftdata.base.arrow import numbers
from sftdata.base.conversation import ASSISTANT, SYSTEM, USER, Conversation, Turn
from sftdata.base.reasons import Status
from sftdata.examples.layout import BLANK_LINE, Shots
from sftdata.loading.conversations import ConversationRow, SourceRow, place_rows
from sftdata.loading.dataset import Dataset
from sftdata.reading.outcomes import RowOutcomes
from sftdata.reading.row_reader import read_source
from sftdata.reading.rows import Rows
from sftdata.rendering.render import Rendered, render_batch
from sftdata.rendering.template import Template
from sftdata.serving.load import load_prompt_renderer
from sftdata.serving.prompt import PromptRenderer
from sftdata.spec.load import spec_from_json
from sftdata.spec.model import Spec
from sftdata.writing.ledger import read_ledger
from sftdata.writing.manifest import PARTS, Manifest, read_manifest
from sftdata.writing.recorded_sources import find_recorded_sources

_Places = npt.NDArray[np.int64]


def read_template_rows(data: Dataset) -> Iterator[ConversationRow]:
    """The rows that templates rendered: a system turn, the turns of shots, a question, an answer.

    The shots of a plain prompt are a part of its question. The last answer is in the loss.
    Raises `SftdataError` where a source or a template is not there as it was, before the first row.
    """
    parts = list(_list_parts(data.manifest))
    rows = ((part.renderer.plan.spec.task, row) for part in parts for row in part.rows())
    yield from place_rows(data, rows, of_templates=True)


def _list_parts(manifest: Manifest) -> Iterator[_Part]:
    spec = spec_from_json(manifest["spec"])
    if isinstance(spec, Spec):
        yield _Part.of(manifest.directory)
        return
    for source in spec.sources:
        if not source.spec.is_messages:
            yield _Part.of(manifest.directory / PARTS / source.name)


@dataclass(frozen=True)
class _Part:
    """A dataset of templates; of a mixture, the part of one source."""

    manifest: Manifest
    renderer: PromptRenderer

    @classmethod
    def of(cls, directory: Path) -> _Part:
        manifest = read_manifest(directory)
        spec = spec_from_json(manifest["spec"])
        assert isinstance(spec, Spec)
        find_recorded_sources(manifest, spec)
        return cls(manifest, load_prompt_renderer(directory))

    def rows(self) -> Iterator[SourceRow]:
        """The rows that were not dropped, in the order of the sources."""
        dropped, cut = self._read_ledger()
        maker = self.renderer.maker
        for index, entry in enumerate(self.manifest["sources"]):
            for chunks in read_source(maker.reader, index):
                rows = maker.reader.parse(list(chunks))
                ids = rows.batch.column("row_id").to_pylist()
                keys = [(n, f"{entry['path']}:{x}") for n, x in zip(ids, rows.line, strict=True)]
                kept = np.array([key not in dropped for key in keys], np.bool_)
                is_cut = np.array([key in cut for key in keys], np.bool_)
                chosen = maker.choose_template(rows.hashes)
                found: list[tuple[int, Conversation]] = []
                for number, template in enumerate(maker.templates):
                    places = np.flatnonzero(kept & (chosen == number))
                    found += self._read_turns(rows, places, is_cut, template)
                for place, talk in sorted(found, key=lambda item: item[0]):
                    yield ids[place], talk, frozenset([len(talk.turns) - 1])

    def _read_turns(
        self, rows: Rows, places: _Places, is_cut: npt.NDArray[np.bool_], template: Template
    ) -> Iterator[tuple[int, Conversation]]:
        # Rows without shots that are not cut need no tokens to be counted.
        fitted = places if max(self.renderer.plan.spec.shots) else places[is_cut[places]]
        whole = np.setdiff1d(places, fitted)
        if len(whole):
            rendered = render_batch(rows.batch.take(numbers(whole)), template)
            yield from zip(whole.tolist(), self._join(rendered, None), strict=True)
        if len(fitted):
            yield from self._fit(rows, fitted, template)

    def _fit(
        self, rows: Rows, places: _Places, template: Template
    ) -> Iterator[tuple[int, Conversation]]:
        fitter, outcomes = self.renderer.maker.fitter(), RowOutcomes(rows.batch.num_rows)
        for encoded in fitter.fit(rows, places, template, outcomes):
            talks = self._join(encoded.rendered, encoded.shots)
            for place, talk, kept in zip(encoded.places, talks, encoded.kept, strict=True):
                if kept:
                    yield int(place), talk

    def _join(self, rendered: Rendered, shots: Shots | None) -> Iterator[Conversation]:
        """The turns of each row; their texts are stripped, as in a chat."""
        prompts, targets = rendered.prompt.to_pylist(), rendered.target.to_pylist()
        systems = [""] * len(prompts) if rendered.system is None else rendered.system.to_pylist()
        pool = [] if shots is None else [*_pairs(shots.pool)]
        drawn = [] if shots is None else shots.index.tolist()
        for row, (system, prompt, target) in enumerate(zip(systems, prompts, targets, strict=True)):
            turns = []
            solved = [pool[at] for at in drawn[row]] if drawn else []
            if self.renderer.plan.chat is None:
                prompt = "".join(f"{a}{b}{BLANK_LINE}" for a, b in solved) + prompt
                solved = []
            if system.strip():
                turns.append(Turn(SYSTEM, system.strip()))
            for question, answer in [*solved, (prompt, target)]:
                turns += [Turn(USER, question.strip()), Turn(ASSISTANT, answer.strip())]
            yield Conversation(tuple(turns))

    def _read_ledger(self) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
        """Id and place of the dropped rows, and of the cut rows."""
        keys: dict[str, set[tuple[str, str]]] = {Status.DROPPED: set(), Status.CUT: set()}
        for line in read_ledger(self.manifest).to_pylist():
            if line["status"] in keys:
                keys[line["status"]].add((line["row_id"], line["source"]))
        return keys[Status.DROPPED], keys[Status.CUT]


def _pairs(pool: Rendered) -> Iterator[tuple[str, str]]:
    """Question and answer of each row of a pool of shots."""
    return zip(pool.prompt.to_pylist(), pool.target.to_pylist(), strict=True)
