"""The manifest: the content and the inputs of a dataset. Replacing it is the commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sftdata.base import sealed_json
from sftdata.base.conversation import TEMPLATE_LABEL
from sftdata.base.files import is_of_machine, read_regular, write_atomically
from sftdata.base.sealed_json import ChangedError, seal, to_json
from sftdata.base.version import __version__
from sftdata.base.wording import list_names, reason_of
from sftdata.errors import SftdataError, VerificationError
from sftdata.writing.manifest_shape import find_shape_faults

MANIFEST = "manifest.json"
SHARDS, LEDGERS, POOLS = "shards", "ledger", "shots"  # folders of a dataset
PARTS = "parts"  # of a mixture: the datasets of its sources
SCHEMA_VERSION = 1
_SHOWN_FAULTS = 5  # of a manifest that cannot be used

# Keys of the manifest that `build --json` prints.
SUMMARY_KEYS = (
    "version", "build", "task", "draft", "template", "rows_in", "rows_out", "repeated", "dropped",
    "cut", "flagged", "unread", "certificate", "stats", "splits",
)  # fmt: skip

# Keys that earlier releases of the same version did not write.
_DEFAULTS: dict[str, Any] = {"repeated": 0, "flagged": {}, "unread": {}, "chat": None, "spec": None}


@dataclass(frozen=True)
class Manifest:
    """A dataset's manifest, read from or to be written to `directory`."""

    directory: Path
    content: Mapping[str, Any] = field(repr=False)  # pages long

    def __getitem__(self, key: str) -> Any:
        return self.content[key]

    def summary(self) -> dict[str, Any]:
        """The keys that describe the result, without sources and options."""
        return {key: self.content[key] for key in SUMMARY_KEYS}

    @property
    def part_names(self) -> list[str]:
        """Names of the parts of a mixture, in order; none for another dataset."""
        return [source["name"] for source in (self.content["spec"] or {}).get("sources", ())]

    @property
    def holds_conversations(self) -> bool:
        """Whether rows of the dataset are conversations."""
        return TEMPLATE_LABEL in self._labels

    @property
    def holds_templates(self) -> bool:
        """Whether templates rendered rows of the dataset."""
        return bool(self._labels - {TEMPLATE_LABEL})

    @property
    def _labels(self) -> set[str]:
        return set(self.content["stats"].get("by_template", {}))


def shards_path(build: str) -> str:
    """The folder of the shards of a build, relative to the dataset."""
    return f"{SHARDS}/{build}"


def ledger_path(build: str) -> str:
    """Where the ledger of a build is, relative to the dataset."""
    return f"{LEDGERS}/{build}.arrow"


def pool_path(build: str) -> str:
    """Where the shots of a build are drawn from, relative to the dataset."""
    return f"{POOLS}/{build}.arrow"


def parse_bytes(directory: Path, data: bytes) -> Manifest:
    """The manifest of `directory` in these bytes. Raises `ValueError` if it cannot be used."""
    content = sealed_json.parse(data)
    if _is_newer(content):
        raise ValueError(f"written in version {content['version']} of the format")
    return _check(directory, content)


def _check(directory: Path, content: Mapping[str, Any]) -> Manifest:
    if faults := list(find_shape_faults(content)):
        raise ValueError("; ".join(faults[:_SHOWN_FAULTS]))
    return Manifest(directory, {**_DEFAULTS, **content})


def _is_newer(content: Mapping[str, Any]) -> bool:
    version = content.get("version")
    return isinstance(version, int) and version > SCHEMA_VERSION


def read_manifest(directory: Path) -> Manifest:
    """The manifest of the dataset in `directory`.

    Raises `VerificationError` when it is not as it was written, another `SftdataError` when there
    is none, it cannot be used, or a newer version wrote it.
    """
    path = directory / MANIFEST
    way_out = "Build the dataset again; finished shards are reused where they are intact."
    try:
        content = sealed_json.parse(read_regular(path))
        if not _is_newer(content):
            return _check(directory, content)
    except FileNotFoundError as error:
        what = (
            f"holds no dataset: there is no {MANIFEST}" if directory.is_dir() else "does not exist"
        )
        raise SftdataError(
            f"{directory} {what}.", _suggest_dataset(directory), code="E701"
        ) from error
    except ChangedError as error:
        raise VerificationError(
            f"{path}: {error}.", f"Put back the {MANIFEST} of this build. Or: {way_out}"
        ) from error
    except (OSError, ValueError) as error:
        if is_of_machine(error):
            raise
        raise SftdataError(
            f"{path}: not a readable manifest: {reason_of(error)}", way_out, code="E702"
        ) from error
    raise SftdataError(
        f"{path}: written in version {content['version']} of the format; sftdata "
        f"{__version__} reads up to {SCHEMA_VERSION}.",
        "Upgrade: pip install -U sftdata",
        code="E703",
    )


def _suggest_dataset(directory: Path) -> str:
    """Names the datasets in `directory` or beside it, or how to build one."""
    for folder, where in ((directory, "in it"), (directory.parent, "beside it")):
        if found := sorted(path.parent.name for path in folder.glob(f"*/{MANIFEST}")):
            return f"Datasets {where}: {list_names(found, 5)}."
    return "Build one, for example: sftdata build --task summarize"


def write_manifest(manifest: Manifest) -> Manifest:
    """Replaces the manifest of a dataset in one step; returns it with its digest.

    See `directory.commit`.
    """
    if manifest["rows_in"] != manifest["rows_out"] + sum(manifest["dropped"].values()):
        raise AssertionError("rows_in differs from rows_out + dropped; nothing was committed")
    sealed = Manifest(manifest.directory, seal(manifest.content))
    write_atomically(manifest.directory / MANIFEST, to_json(sealed.content))
    return sealed


def split_origin(sources: Sequence[Mapping[str, Any]]) -> str:
    """Where the rows of a manifest's sources have their splits from, in a few words."""
    columns = dict.fromkeys(s["split_column"] for s in sources if "split_column" in s)
    origins = [f"column {name}" for name in columns]
    if any("split" in source for source in sources):
        origins.append("given splits")
    if any("split" not in source and "split_column" not in source for source in sources):
        origins.append("shares")
    return ", ".join(origins)
