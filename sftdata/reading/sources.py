"""Find the sources that `data` names: files of a known format."""

from __future__ import annotations

import atexit
import glob
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from sftdata.base.cache import read_digest, write_digest
from sftdata.base.content import content_folders
from sftdata.base.escaping import escape
from sftdata.base.files import Stamp, stamp
from sftdata.base.pickling import PicklesFieldsOnly
from sftdata.errors import GoldenSetError
from sftdata.spec.presets import HUB, parse_hub_item

Format = Literal["jsonl", "csv", "tsv", "parquet", "arrow", "hub"]
Compression = Literal["gzip", "zstd"]

_SUFFIXES: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}
_COMPRESSIONS: dict[str, Compression] = {".gz": "gzip", ".zst": "zstd"}
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

    @cached_property
    def stamps(self) -> list[Stamp]:
        """Stamps of the files, taken at first use and before the files are read."""
        return [stamp(path) for path in self.files]

    def has(self, stamps: Sequence[Stamp]) -> bool:
        """Whether the files are still those that had these stamps."""
        # The time of a change of any kind may be that of a new link, which changes no byte.
        return [stamp(path)[:-1] for path in self.files] == [before[:-1] for before in stamps]

    @property
    def size(self) -> int:
        """Bytes of the files together."""
        return sum(size for _, _, size, _, _ in self.stamps)

    @cached_property
    def sha256(self) -> str:
        """Digest of the bytes of the files, in order."""
        known = read_digest(self.files, self.stamps)
        if known is not None:
            return known
        digest = hashlib.sha256()
        block = memoryview(bytearray(min(self.size + 1, _BLOCK_BYTES)))
        for path in self.files:
            with path.open("rb", buffering=0) as file:
                while read := file.readinto(block):
                    digest.update(block[:read])
        write_digest(self.files, self.stamps, digest.hexdigest())
        return digest.hexdigest()


def resolve_sources(data: Sequence[str]) -> list[Source]:
    """The sources that `data` names, in order: files, globs, folders, `-`, and `hf:` names.

    A relative path is looked up in the working directory first, then beside the specs.
    Raises `GoldenSetError` for a path that does not exist or has no known format.
    """
    return [source for item in data for source in _resolve(item)]


def _resolve(item: str) -> list[Source]:
    if item == "-":
        return [Source("<stdin>", "jsonl", (_spool(),))]
    if item.startswith(HUB):
        return [Source(item, "hub", _hub_files(item))]
    for folder in (Path(), *content_folders("pipelines")):
        path = folder / Path(item).expanduser()
        if path.is_dir():
            return _saved_dataset(item, path)
        if path.is_file():
            return [_file(item, path)]
        # Path.glob takes no absolute pattern.
        matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207
        if matches:
            return [_file(match, Path(match)) for match in matches]
    hint = "Check the path; it is looked up from the working directory."
    if item.count("/") == 1 and not Path(item).suffix:
        hint = f"For a dataset on the Hugging Face Hub write: --data {HUB}{item}"
    raise GoldenSetError(f"There is no file '{escape(item)}'.", hint)


def _file(name: str, path: Path) -> Source:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compression = _COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    if compression:
        suffixes.pop()
    format_ = _SUFFIXES.get(suffixes[-1]) if suffixes else None
    if format_ is None or (compression and format_ not in ("jsonl", "csv", "tsv")):
        raise GoldenSetError(
            f"{escape(name)}: the name does not say how the rows are stored.",
            f"Known: {', '.join(_SUFFIXES)}; .jsonl, .csv and .tsv also with .gz or .zst.",
        )
    return Source(escape(name), format_, (path,), compression)


def _saved_dataset(name: str, folder: Path) -> list[Source]:
    """A folder written by `datasets.save_to_disk`: one set, or a dictionary of them."""
    members = folder / "dataset_dict.json"
    if members.is_file():
        splits = json.loads(members.read_bytes())["splits"]
        return [s for split in splits for s in _saved_dataset(f"{name}/{split}", folder / split)]
    state = folder / "state.json"
    if not state.is_file():
        raise GoldenSetError(
            f"{name}: a folder without state.json, so not one that datasets.save_to_disk wrote.",
            f"For all files of one kind in it write, for example: --data '{name}/*.jsonl'",
        )
    files = [folder / entry["filename"] for entry in json.loads(state.read_bytes())["_data_files"]]
    return [Source(escape(name), "arrow", tuple(files))]


def _hub_files(item: str) -> tuple[Path, ...]:
    """The Arrow files `datasets` keeps for `hf:NAME[@CONFIG][:SPLIT]`; the first use downloads."""
    import datasets

    name, config, split = parse_hub_item(item)
    try:
        dataset = datasets.load_dataset(name, config or None, split=split or "train")
    except Exception as error:  # it raises a dozen kinds, also of its HTTP library
        raise GoldenSetError(
            f"'{item}' cannot be loaded: {type(error).__name__}: {error}",
            "Check the connection and the name: hf:NAME, hf:NAME@CONFIG or hf:NAME@CONFIG:SPLIT "
            "(the split is train when left out).",
        ) from error
    return tuple(Path(entry["filename"]) for entry in dataset.cache_files)


def _spool() -> Path:
    """Standard input in a temporary file: its digest is needed before its rows are."""
    handle, name = tempfile.mkstemp(prefix="sftdata-stdin-", suffix=".jsonl")
    path = Path(name)
    atexit.register(path.unlink, missing_ok=True)
    with os.fdopen(handle, "wb") as file:
        while block := sys.stdin.buffer.read(1 << 20):
            file.write(block)
    return path
