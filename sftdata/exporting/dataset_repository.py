"""The repository of a dataset on the Hub: its files, its card and, if asked for, its texts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePath

from sftdata.base.reporting import Report
from sftdata.base.wording import list_names
from sftdata.exporting.columns import write_parquet
from sftdata.exporting.push import Content, Repository
from sftdata.loading.dataset import Dataset, load
from sftdata.loading.packing import FOLDER as PACKS
from sftdata.loading.packing import StalePlanError, find_plans, read_plan
from sftdata.writing.card import FILE as CARD
from sftdata.writing.card import LENGTHS_PLOT, TOKENS_PLOT
from sftdata.writing.dataset_files import list_files, list_paths
from sftdata.writing.hub_card import render_hub_card
from sftdata.writing.manifest import (
    LEDGERS,
    MANIFEST,
    PARTS,
    POOLS,
    SHARDS,
    Manifest,
    read_manifest,
)
from sftdata.writing.ownership import is_our_card

TEXT = "text"  # the folder of the Parquet files with texts
_FOLDERS = (SHARDS, LEDGERS, POOLS, PARTS, PACKS, TEXT)
_SHOWN = 3


def dataset_repository(
    directory: Path,
    name: str,
    scratch: Path,
    *,
    with_text: bool = False,
    report: Report = lambda line: None,
) -> Repository:
    """The repository `name` of an intact dataset.

    `with_text`: also a Parquet file for each split with all columns, prompt and target as text; it
    is written to `scratch`.
    """
    data = load(directory)
    manifest = data.manifest
    names = [*_list_names(manifest), *_list_plans(data)]
    names += [plot for plot in (LENGTHS_PLOT, TOKENS_PLOT) if (directory / plot).is_file()]
    files: dict[str, Content] = {one: directory / one for one in names}
    texts = {}
    if with_text:
        splits = [split for split in data if len(data[split])]
        write_parquet(data, splits, scratch, None, with_text=True)
        texts = {split: f"{TEXT}/{split}.parquet" for split in splits}
        files |= {path: scratch / PurePath(path).name for path in texts.values()}
    files |= _card(manifest, name, texts, report)
    _name_local_paths(manifest, report)
    replaced = [f"{folder}/*" for folder in _FOLDERS]
    return Repository(name, "dataset", files, MANIFEST, replaced)


def _list_names(manifest: Manifest) -> Iterator[str]:
    """The files of a dataset and of its parts, by their path in it."""
    found = {path for path in list_paths(manifest) if (manifest.directory / path).is_file()}
    yield from sorted({MANIFEST, *list_files(manifest), *found})
    for part in manifest.part_names:
        inside = read_manifest(manifest.directory / PARTS / part)
        yield from (f"{PARTS}/{part}/{name}" for name in _list_names(inside) if name != MANIFEST)


def _list_plans(data: Dataset) -> Iterator[str]:
    """The pack plans of this build, and their digests."""
    for path, split, length in find_plans(data):
        try:
            read_plan(data, split, length)
        except StalePlanError:
            continue
        beside = path.with_name(f"{path.name}.sha256")
        yield from (f"{PACKS}/{one.name}" for one in (path, beside) if one.is_file())


def _card(
    manifest: Manifest, name: str, texts: dict[str, str], report: Report
) -> dict[str, Content]:
    path = manifest.directory / CARD
    if not is_our_card(path):
        report(f"{path} is not a dataset card of sftdata, so it is pushed as it is.")
        return {CARD: path}
    card = render_hub_card(manifest, name, texts)
    if card is not None:
        return {CARD: card}
    return {CARD: path} if path.is_file() else {}


def _name_local_paths(manifest: Manifest, report: Report) -> None:
    """Say which paths of this machine others will read."""
    names = [manifest["tokenizer"]["name"], *(source["path"] for source in manifest["sources"])]
    local = [name for name in dict.fromkeys(names) if PurePath(name).is_absolute()]
    if local:
        report(f"{MANIFEST} shows paths of this machine: {list_names(local, _SHOWN)}.")
