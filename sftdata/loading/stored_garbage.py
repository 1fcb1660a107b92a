"""Find the files in an object store that the manifest of the dataset there does not refer to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sftdata.base.stores import StoredFolder
from sftdata.errors import SftdataError
from sftdata.writing.dataset_files import list_paths
from sftdata.writing.manifest import MANIFEST, PARTS
from sftdata.writing.ownership import is_build_file
from sftdata.writing.publish import parse_manifest

# A build that is being uploaded has no manifest yet; no upload takes longer than this.
_SETTLED = timedelta(days=1)


def find_stored_garbage(folder: StoredFolder, settled: timedelta = _SETTLED) -> dict[str, int]:
    """Files of earlier and killed builds, and their sizes; younger ones than `settled` stay.

    A file stays, too, if the store gives no date for it.

    Raises `SftdataError` where there is no dataset, or its manifest cannot be read.
    """
    kept = set(_list_kept(folder, ""))
    before = datetime.now(UTC) - settled
    return {
        name: file.bytes
        for name, file in sorted(folder.list_files().items())
        if is_build_file(name)
        and name not in kept
        and file.changed is not None
        and file.changed.astimezone(UTC) < before
    }


def _list_kept(folder: StoredFolder, below: str) -> Iterator[str]:
    manifest = parse_manifest(folder, folder.read(f"{below}{MANIFEST}"))
    if manifest is None:
        raise SftdataError(
            f"{folder}/{below}{MANIFEST} is missing or damaged.",
            "Build the dataset again; then its files can be told from others.",
            code="E702",
        )
    yield from (f"{below}{name}" for name in list_paths(manifest))
    for part in manifest.part_names:
        yield from _list_kept(folder, f"{below}{PARTS}/{part}/")
