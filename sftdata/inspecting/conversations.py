"""Read the conversations of a dataset again from its sources.

Ids don't say where a turn, a call or a reasoning starts, so text decoded from them is not the
conversation. The recorded spec and the recorded rows give it back exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sftdata.base.conversation import Conversation, wanted_turns
from sftdata.base.reasons import Reason, Status
from sftdata.examples.conversations.fitter import without_first
from sftdata.examples.conversations.ledger_details import read_left_out, read_untaught
from sftdata.loading.conversations import ConversationRow, SourceRow, place_rows
from sftdata.loading.dataset import Dataset
from sftdata.reading.row_reader import read_source, row_reader
from sftdata.reading.sources.resolve import Source
from sftdata.spec.fields import MESSAGES
from sftdata.spec.load import spec_from_json
from sftdata.spec.model import Spec
from sftdata.writing.ledger import read_ledger
from sftdata.writing.manifest import PARTS, Manifest, read_manifest
from sftdata.writing.recorded_sources import find_recorded_sources

_Key = tuple[str, str]  # id and file:line of a row; a dropped row may have the id of a kept one


def read_conversations(data: Dataset) -> Iterator[ConversationRow]:
    """The rows that are conversations, in the order of the sources.

    Raises `SftdataError` where a source is not there as it was, before the first row.
    """
    parts = list(_list_parts(data.manifest))
    rows = ((part.spec.task, row) for part in parts for row in _read_part(part))
    yield from place_rows(data, rows, of_templates=False)


@dataclass(frozen=True, slots=True)
class _Part:
    """A dataset of conversations; of a mixture, the part of one source."""

    manifest: Manifest
    spec: Spec
    sources: tuple[Source, ...]

    @classmethod
    def of(cls, manifest: Manifest, spec: Spec) -> _Part:
        return cls(manifest, spec, find_recorded_sources(manifest, spec))


def _list_parts(manifest: Manifest) -> Iterator[_Part]:
    spec = spec_from_json(manifest["spec"])
    if isinstance(spec, Spec):
        yield _Part.of(manifest, spec)
        return
    for source in spec.sources:
        if source.spec.is_messages:
            yield _Part.of(read_manifest(manifest.directory / PARTS / source.name), source.spec)


@dataclass(frozen=True)
class _LedgerFacts:
    """The ledger lines of a part about its conversations."""

    dropped: set[_Key] = field(default_factory=set)
    left_out: dict[_Key, int] = field(default_factory=dict)  # turns, of a long conversation
    untaught: dict[_Key, frozenset[int]] = field(default_factory=dict)  # turns, by index

    @classmethod
    def read(cls, manifest: Manifest) -> _LedgerFacts:
        facts = cls()
        for line in read_ledger(manifest).to_pylist():
            key = line["row_id"], line["source"]
            if line["status"] == Status.DROPPED:
                facts.dropped.add(key)
            elif line["reason"] == Reason.FEWER_TURNS:
                facts.left_out[key] = read_left_out(line["detail"])
            elif line["reason"] == Reason.NOT_TAUGHT:
                facts.untaught[key] = read_untaught(line["detail"])
        return facts


def _read_part(part: _Part) -> Iterator[SourceRow]:
    """Id, conversation and taught turns of the rows that were not dropped."""
    facts = _LedgerFacts.read(part.manifest)
    reader = row_reader(part.spec, part.sources)
    for index, entry in enumerate(part.manifest["sources"]):
        for chunks in read_source(reader, index):
            rows = reader.parse(list(chunks))
            columns = (rows.batch.column(name).to_pylist() for name in ("row_id", MESSAGES))
            for row_id, text, line in zip(*columns, rows.line.tolist(), strict=True):
                key = row_id, f"{entry['path']}:{line}"
                if key in facts.dropped:
                    continue
                whole = Conversation.from_json(text)
                conversation = without_first(whole, facts.left_out.get(key, 0))
                taught = wanted_turns(conversation.turns, part.spec.loss == "all")
                yield row_id, conversation, frozenset(taught) - facts.untaught.get(key, frozenset())
