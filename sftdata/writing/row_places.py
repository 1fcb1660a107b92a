"""Row places: where in its sources each example comes from, as the journal of its build says."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from sftdata.base.hashing import hash_texts
from sftdata.errors import SftdataError
from sftdata.examples.blocks import ID_HASH
from sftdata.writing.journal import BlocksLine, read_block_lines
from sftdata.writing.manifest import PARTS, Manifest, read_manifest, shards_path


def find_row_places(manifest: Manifest, row_ids: Collection[str]) -> dict[str, str]:
    """The place in the sources, file:line, of examples by their ids.

    Rows of a dataset without a journal have none. A mixture has the journals of its parts.
    """
    names = sorted(set(row_ids))
    if not names:
        return {}
    digests = [tuple(own) for own in hash_texts([name.encode() for name in names]).tolist()]
    wanted = dict(zip(digests, names, strict=True))
    firsts = np.array([first for first, _ in wanted], np.uint64)
    places: dict[str, str] = {}
    for one in (manifest, *_parts(manifest)):
        sources = [source["path"] for source in one["sources"]]
        for line in read_block_lines(one.directory / shards_path(one["build"])):
            hashes = line.hashes[:, ID_HASH]
            for at in np.flatnonzero(np.isin(hashes[:, 0], firsts)).tolist():
                row_id = wanted.get(tuple(hashes[at].tolist()))
                if row_id is not None and line.source < len(sources):
                    places.setdefault(row_id, f"{sources[line.source]}:{_line_of(line, at)}")
    return places


def _parts(manifest: Manifest) -> Iterator[Manifest]:
    for folder in sorted((manifest.directory / PARTS).glob("*")):
        try:
            yield read_manifest(folder)
        except SftdataError:
            continue  # a part that is damaged or gone names no row


def _line_of(line: BlocksLine, at: int) -> int:
    """The line in the source of the example `at`; a line's examples go by block, then by split."""
    block = int(np.searchsorted(np.cumsum(line.rows.sum(axis=1)), at, side="right"))
    return int(line.first_rows[block // line.templates]) + int(line.lines[at])
