"""The sources of a dataset, found again and compared with those that were recorded."""

from __future__ import annotations

from sftdata.base.wording import count
from sftdata.errors import GoldenSetError, SftdataError
from sftdata.reading.sources.given_splits import decide_splits
from sftdata.reading.sources.resolve import Source, resolve_sources
from sftdata.spec.model import Spec
from sftdata.writing.manifest import Manifest

_WAY_OUT = "Put the sources back as they were, or build the dataset again."


def find_recorded_sources(manifest: Manifest, spec: Spec) -> tuple[Source, ...]:
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
            f"The sources of {manifest.directory}, from which its rows are read again, are not "
            f"there: {str(error).splitlines()[0]}",
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
