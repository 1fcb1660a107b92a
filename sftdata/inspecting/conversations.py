"""Read the conversations of a dataset again from its sources.

Ids don't say where a turn, a call or a reasoning starts, so text decoded from them is not the
conversation. The recorded spec and the recorded rows give it back exactly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.conversation import TEMPLATE_LABEL, Conversation, wanted_turns
from sftdata.base.reasons import Reason, Status
from sftdata.base.wording import count
from sftdata.errors import GoldenSetError, SftdataError
from sftdata.examples.conversations.fitter import without_first
from sftdata.examples.conversations.ledger_details import read_left_out, read_untaught
from sftdata.loading.conversations import ConversationRow
from sftdata.loading.dataset import Dataset
from sftdata.reading.given_splits import decide_splits
from sftdata.reading.row_reader import read_source, row_reader
from sftdata.reading.sources import Source, resolve_sources
from sftdata.spec.fields import MESSAGES
from sftdata.spec.load import spec_from_json
from sftdata.spec.model import Spec
from sftdata.writing.ledger import read_ledger
from sftdata.writing.manifest import PARTS, Manifest, read_manifest

_WAY_OUT = "Put the sources back as they were, or build the dataset again."
_Copies = dict[tuple[str, str], Counter[str]]  # task and id → how often each split has the row
_Key = tuple[str, str]  # id and file:line of a row; a dropped row may have the id of a kept one


def read_conversations(data: Dataset) -> Iterator[ConversationRow]:
    """The rows that are conversations, in the order of the sources.

    Raises `SftdataError` where a source is not there as it was, before the first row.
    """
    copies = _count_copies(data)
    for part in list(_list_parts(data.manifest)):
        for row_id, conversation, taught in _read_part(part):
            # Of rows with one id, a mixture has that of the first part.
            for split, times in copies.pop((part.spec.task, row_id), Counter()).items():
                for _ in range(times):
                    yield ConversationRow(split, row_id, conversation, taught)
    if copies:
        _, row_id = min(copies)
        raise SftdataError(
            f"{count(len(copies), 'row')} of {data.manifest.directory} cannot be found in its "
            f"sources, such as '{row_id}'.",
            "Build the dataset again.",
            code="E708",
        )


@dataclass(frozen=True, slots=True)
class _Part:
    """A dataset of conversations; of a mixture, that of one of its sources."""

    manifest: Manifest
    spec: Spec
    sources: tuple[Source, ...]

    @classmethod
    def of(cls, manifest: Manifest, spec: Spec) -> _Part:
        return cls(manifest, spec, _find_sources(manifest, spec))


def _list_parts(manifest: Manifest) -> Iterator[_Part]:
    spec = spec_from_json(manifest["spec"])
    if isinstance(spec, Spec):
        yield _Part.of(manifest, spec)
        return
    for source in spec.sources:
        if source.spec.is_messages:
            yield _Part.of(read_manifest(manifest.directory / PARTS / source.name), source.spec)


def _find_sources(manifest: Manifest, spec: Spec) -> tuple[Source, ...]:
    """The sources. Raises `SftdataError` if they are not those the dataset was built from."""
    recorded = [(entry["path"], entry["sha256"]) for entry in manifest["sources"]]
    if any(name == "<stdin>" for name, _ in recorded):
        raise SftdataError(
            f"{manifest.directory} was built from standard input, which is not kept.",
            "Put the rows in a file and build from that.",
            code="E708",
        )
    try:
        sources, _ = decide_splits(resolve_sources(spec.data), spec)
    except GoldenSetError as error:
        raise SftdataError(
            f"The sources of {manifest.directory}, from which its conversations are read again, "
            f"are not there: {str(error).splitlines()[0]}",
            _WAY_OUT,
            code="E708",
        ) from error
    if len(recorded) != len(sources):
        raise SftdataError(
            f"{manifest.directory} was built from {count(len(recorded), 'source')}; its spec "
            f"leads to {len(sources)} now.",
            _WAY_OUT,
            code="E708",
        )
    changed = [
        name
        for (name, digest), source in zip(recorded, sources, strict=True)
        if source.sha256 != digest
    ]
    if changed:
        raise SftdataError(
            f"{manifest.directory} was built from other content of: {', '.join(changed)}.",
            _WAY_OUT,
            code="E708",
        )
    return sources


def _count_copies(data: Dataset) -> _Copies:
    copies: _Copies = {}
    for name, split in data.items():
        for batch in split.to_arrow().to_batches():
            is_conversation = pc.equal(batch.column("template").cast(pa.string()), TEMPLATE_LABEL)
            rows = batch.filter(is_conversation)
            tasks = [data.manifest["task"]] * rows.num_rows
            if "task" in rows.schema.names:
                tasks = rows.column("task").to_pylist()
            for key in zip(tasks, rows.column("row_id").to_pylist(), strict=True):
                copies.setdefault(key, Counter())[name] += 1
    return copies


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


def _read_part(part: _Part) -> Iterator[tuple[str, Conversation, frozenset[int]]]:
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
