"""Find the sources that `data` names: files, folders, addresses, Hub datasets, standard input."""

from __future__ import annotations

import atexit
import contextlib
import difflib
import glob
import hashlib
import os
import re
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, BinaryIO

from sftdata.base.cache import are_settled, read_digest, write_digest
from sftdata.base.content import content_folders
from sftdata.base.escaping import escape
from sftdata.base.file_systems import flush
from sftdata.base.files import Stamp, expand_home, stamp
from sftdata.base.pickling import PicklesFieldsOnly
from sftdata.base.stores import is_address
from sftdata.errors import GoldenSetError
from sftdata.reading.files.compression import Compression
from sftdata.reading.files.containers import Format, inspect_file
from sftdata.reading.files.read_meter import ReadMeter
from sftdata.reading.json.shape import ROW_A_LINE, JsonLayout
from sftdata.reading.sources.data_folders import list_data_files
from sftdata.reading.sources.hub import load_hub_splits
from sftdata.reading.sources.saved_datasets import list_files, list_splits
from sftdata.spec.data_items import SHEET_MARK, parse_data_item, split_sheet
from sftdata.spec.presets import HUB, is_hub_item, parse_hub_item

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
# Larger blocks leave the processor's cache before they are hashed; smaller ones wait more often for
# the interpreter lock.
_BLOCK_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Source(PicklesFieldsOnly):
    """One file (or Hub dataset) of golden rows. Messages and ledgers show its `name`."""

    name: str
    format: Format
    files: tuple[Path, ...]  # read one after another; several only for a saved `datasets` folder
    compression: Compression | None = None
    split: str | None = None  # that all its rows are given
    member: str | None = None  # its split in a dataset of several
    rows: tuple[int, int] | None = None  # first, and the one after the last; None: all
    sheet: str | None = None  # of a workbook; None: the first
    layout: JsonLayout = ROW_A_LINE  # of a JSON file
    note: str | None = None  # for the user, before the first row
    address: str | None = None  # of the file that was fetched
    version: str | None = None  # of the file at the address, see `addresses.Copy`
    # Size and sha256 of a file that has not been fetched; then there are no `files`.
    unfetched: tuple[int, str] | None = None

    @property
    def stamps(self) -> list[Stamp]:
        """Stamps of the files, taken at first use and before the files are read."""
        return self._first_look[1]

    @cached_property
    def _first_look(self) -> tuple[float, list[Stamp]]:
        """When the stamps were taken, and the stamps."""
        for path in self.files:
            flush(path)
        return time.time(), [stamp(path) for path in self.files]

    def has(self, stamps: Sequence[Stamp]) -> bool:
        """Whether the files are still those that had these stamps.

        Where the stamps cannot tell, the files are read and digested again.
        """
        now = [stamp(path) for path in self.files]
        if [each[:-1] for each in now] != [before[:-1] for before in stamps]:
            return False
        # The ctime is also moved by a new link, which changes no byte.
        is_unchanged = now == stamps and are_settled(self.files, *self._first_look)
        return is_unchanged or self._read_digest() == self._digest

    def id_prefix(self, option: str | None) -> str:
        """The prefix that the option puts before each id of the source: `NAME/`, or nothing.

        "file" is the name of the file, without its folder and its endings, so the ids of a moved
        file stay. Any other option is put there as it is.
        """
        if option != "file":
            return f"{option}/" if option else ""
        name = self.name.rstrip("/").rpartition("/")[2]
        return f"{name.partition('.')[0] or name}/"

    @cached_property
    def meter(self) -> ReadMeter:
        """What has been read of the files."""
        return ReadMeter()

    @property
    def size(self) -> int:
        """Bytes of the files together."""
        if self.unfetched is not None:
            return self.unfetched[0]
        return sum(size for _, _, size, _, _ in self.stamps)

    @cached_property
    def sha256(self) -> str:
        """Digest of the bytes of the files, in order, and of the choice of their rows."""
        if self.sheet is not None:
            return hashlib.sha256(f"{self._digest} #{self.sheet}".encode()).hexdigest()
        if self.rows is None:
            return self._digest
        first, end = self.rows
        return hashlib.sha256(f"{self._digest} {first}:{end}".encode()).hexdigest()

    @cached_property
    def _digest(self) -> str:
        if self.unfetched is not None:
            return self.unfetched[1]
        known = read_digest(self.files, self.stamps)
        if known is not None:
            return known
        digest = self._read_digest()
        write_digest(self.files, self.stamps, digest, self._first_look[0])
        return digest

    def _read_digest(self) -> str:
        digest = hashlib.sha256()
        block = memoryview(bytearray(min(self.size + 1, _BLOCK_BYTES)))
        for path in self.files:
            with path.open("rb", buffering=0) as file:
                while read := file.readinto(block):
                    digest.update(block[:read])
        return digest.hexdigest()


def resolve_sources(
    data: Sequence[str], recorded: Sequence[Mapping[str, Any]] = ()
) -> list[Source]:
    """The sources that `data` names, in order: files, globs, folders, addresses, `-`, `hf:` names.

    An item may name the split of its rows before the place: `test=a.jsonl`. `recorded`: sources in
    a manifest; a file at an address that has the version recorded there is not fetched.

    A relative path is looked up in the working directory first, then beside the specs.
    Raises `GoldenSetError` for a path that does not exist or has no known format.
    """
    return [source for item in data for source in _resolve(item, recorded)]


def _resolve(item: str, recorded: Sequence[Mapping[str, Any]]) -> list[Source]:
    split, place = parse_data_item(item)
    if not place.strip():  # else it is the working directory, and all files in it
        raise GoldenSetError(
            "A path of rows is empty.",
            "Give a file, or . for all files here; is a variable of the shell not set?",
            code="E201",
        )
    if split is None:
        return _find_unfetched(item, recorded) or _resolve_place(item)
    if not _find_paths(item):
        sources = _find_unfetched(place, recorded) or _resolve_place(place)
        return [replace(source, split=split, member=None) for source in sources]
    if _find_paths(place):
        raise GoldenSetError(
            f"'{escape(item)}' is a file, and so is '{escape(place)}' without its split.",
            f"For the file write ./{escape(item)}; for the split write {split}=./{escape(place)}.",
            code="E203",
        )
    return _resolve_place(item)


def _resolve_place(item: str) -> list[Source]:
    if item == "-":
        return [_file("<stdin>", _spool(sys.stdin.buffer))]
    if is_hub_item(item):
        return _hub_dataset(item)
    if is_address(item):
        return _fetched(item)
    if paths := _find_paths(item):
        return [source for name, path in paths for source in _resolve_path(name, path)]
    file, sheet = split_sheet(item)
    if sheet is not None and (paths := _find_paths(file)):
        return [_sheet(name, path, sheet) for name, path in paths]
    near = _nearest_file(item)
    hint = near + (
        "Check the path: in a spec it is relative to the spec's file, on the command line to the "
        "working directory."
    )
    if _HUB_NAME.fullmatch(item) and not Path(item).suffix:
        hint = f"For a dataset on the Hugging Face Hub write: --data {HUB}{item}"
    raise GoldenSetError(f"There is no file '{escape(item)}'.", hint, code="E201")


def _nearest_file(item: str) -> str:
    """A sentence that suggests a file of nearly the same name; "" if there is none."""
    path = Path(item)
    with contextlib.suppress(OSError):  # no such folder
        names = [file.name for file in path.parent.iterdir()]
        found = difflib.get_close_matches(path.name, names, n=1, cutoff=0.75)
        if found:
            return f"Did you mean '{escape(str(path.parent / found[0]))}'? "
    return ""


def _resolve_path(name: str, path: Path) -> list[Source]:
    if not path.is_dir():
        return [_file(name, path)]
    if any((path / file).is_file() for file in ("state.json", "dataset_dict.json")):
        return _saved_dataset(name, path)
    files, note = list_data_files(name, path)
    sources = [_file(f"{name.rstrip('/')}/{file}", path / file) for file in files]
    return [replace(sources[0], note=note), *sources[1:]]


def _find_paths(item: str) -> list[tuple[str, Path]]:
    """The file or folder of this name, or those that a glob matches, with their names in order."""
    for folder in (Path(), *content_folders("pipelines")):
        path = folder / expand_home(item)
        if path.exists():
            return [(item, path)]
        # Path.glob takes no absolute pattern.
        if matches := sorted(glob.glob(str(path), recursive=True)):  # noqa: PTH207
            return [(match, Path(match)) for match in matches]
    return []


def _file(name: str, path: Path) -> Source:
    if not path.is_file():
        raise _not_a_file(escape(name), path)
    container = inspect_file(escape(name), path)
    return Source(
        escape(name), container.format, (path,), container.compression, layout=container.layout
    )


def _fetched(item: str) -> list[Source]:
    """The files at an address, or a sheet of each."""
    from sftdata.reading.sources.addresses import fetch  # the libraries for it load slowly

    address, sheet = split_sheet(item)
    sources = []
    for copy in fetch(address):
        source = (
            _file(copy.address, copy.path)
            if sheet is None
            else _sheet(copy.address, copy.path, sheet)
        )
        sources.append(replace(source, note=copy.note, address=copy.address, version=copy.version))
    return sources


def _find_unfetched(item: str, recorded: Sequence[Mapping[str, Any]]) -> list[Source]:
    """The files at an address that are as recorded; none where one may not be, or of a sheet."""
    known = {entry["path"]: entry for entry in recorded if "version" in entry}
    if not known or not is_address(item) or is_hub_item(item) or split_sheet(item)[1] is not None:
        return []
    from sftdata.reading.sources.addresses import find_unchanged  # the libraries load slowly

    versions = {name: str(entry["version"]) for name, entry in known.items()}
    return [
        Source(
            escape(address),
            "jsonl",  # nothing is read of it
            (),
            version=versions[address],
            unfetched=(known[address]["bytes"], known[address]["sha256"]),
        )
        for address in find_unchanged(item, versions) or ()
    ]


def _sheet(name: str, path: Path, sheet: str) -> Source:
    source = _file(name, path)
    if source.format != "xlsx":
        raise GoldenSetError(
            f"{source.name} is no Excel workbook, so it has no sheet '{escape(sheet)}'.",
            "Give the file alone.",
            code="E203",
        )
    return replace(source, name=f"{source.name}{SHEET_MARK}{escape(sheet)}", sheet=sheet)


def _not_a_file(name: str, path: Path) -> GoldenSetError:
    if path.is_symlink() and not path.exists():
        target = escape(str(path.readlink()))
        return GoldenSetError(
            f"{name}: a symbolic link to '{target}', which does not exist.",
            "Mend the link.",
            code="E201",
        )
    return GoldenSetError(
        f"{name}: a pipe or a device, not a file.",
        "Pipe the rows into the build: … | sftdata build --data -",
        code="E203",
    )


def _saved_dataset(name: str, folder: Path) -> list[Source]:
    """A folder written by `datasets.save_to_disk`: one set, or a dictionary of them by split."""
    splits = list_splits(folder)
    if splits is None:
        return [Source(escape(name), "arrow", list_files(name, folder))]
    found = [s for split in splits for s in _saved_dataset(f"{name}/{split}", folder / split)]
    # One split alone divides nothing.
    members = splits if len(splits) > 1 else [None]
    return [replace(source, member=member) for source, member in zip(found, members, strict=True)]


def _hub_dataset(item: str) -> list[Source]:
    found = load_hub_splits(item)
    # A split that the item names is a choice of rows.
    are_members = len(found) > 1 and not parse_hub_item(item)[2]
    return [
        Source(
            part.name,
            "hub",
            part.files,
            member=part.split if are_members else None,
            rows=part.rows,
        )
        for part in found
    ]


@cache
def _spool(stream: BinaryIO) -> Path:
    """Standard input in a temporary file: it is read several times, for its digest and its rows."""
    handle, name = tempfile.mkstemp(prefix="sftdata-stdin-")
    path = Path(name)
    atexit.register(path.unlink, missing_ok=True)
    with os.fdopen(handle, "wb") as file:
        while block := stream.read(1 << 20):
            file.write(block)
    if not path.stat().st_size:
        raise GoldenSetError(
            "<stdin>: nothing came.",
            "Pipe the rows into it: … | sftdata build --data -",
            code="E207",
        )
    return path
