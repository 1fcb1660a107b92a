"""Verify that the files of a dataset agree with its manifest, and its rows with their rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from sftdata.base.cache import without_cache
from sftdata.base.files import sha256_of
from sftdata.base.schema import RowSizes, measure_rows, shard_schema
from sftdata.inspecting.row_rules import RowRules
from sftdata.loading.dataset import load
from sftdata.writing.ledger import Ledger
from sftdata.writing.manifest import Manifest, read_manifest


def find_faults(directory: Path, *, deep: bool = False) -> list[str]:
    """The faults of the dataset in `directory`, a line each; empty when it is intact.

    Checks sizes, digests, columns, row and token counts, the ledger and conservation; `deep` also
    checks every row against `RowRules`.
    """
    manifest = read_manifest(directory)
    faults = list(_shard_faults(manifest))
    if faults:
        return faults  # counts of a damaged shard mean nothing
    faults += _conservation_faults(manifest)
    if deep:
        with without_cache():
            faults += _row_faults(manifest)
    return faults


def _shard_faults(manifest: Manifest) -> Iterator[str]:
    for name, split in manifest["splits"].items():
        for shard in split["shards"]:
            path = manifest.directory / shard["path"]
            if not path.is_file():
                yield f"{path}: the shard is missing"
                continue
            size = path.stat().st_size
            if size != shard["bytes"]:
                yield f"{path}: {size:,} bytes; the manifest says {shard['bytes']:,}"
            elif sha256_of(path) != shard["sha256"]:
                yield f"{path}: its content is not the committed one (the digest differs)"
            else:
                yield from _content_faults(path, name, shard)


def _content_faults(path: Path, split: str, shard: dict[str, Any]) -> Iterator[str]:
    try:
        with pa.memory_map(str(path)) as mapped:
            table = pa.ipc.open_file(mapped).read_all()
    except pa.ArrowInvalid as error:
        yield f"{path}: not an Arrow file: {error}"
        return
    if table.schema not in (shard_schema(), shard_schema(mixed=True)):
        yield f"{path}: the columns {table.schema.names} do not have the names or types of a shard"
        return
    sizes = RowSizes.concatenate([measure_rows(batch) for batch in table.to_batches()])
    counted = {
        "rows": table.num_rows,
        "tokens": int(sizes.tokens.sum()),
        "target_tokens": int(sizes.target_tokens.sum()),
    }
    for key, number in counted.items():
        if number != shard[key]:
            yield f"{path}: {number:,} {key} ({split}); the manifest says {shard[key]:,}"


def _conservation_faults(manifest: Manifest) -> Iterator[str]:
    rows_in, rows_out = manifest["rows_in"], manifest["rows_out"]
    dropped = sum(manifest["dropped"].values())
    if rows_in != rows_out + dropped:
        yield f"{rows_in:,} rows in, but {rows_out:,} out and {dropped:,} dropped"
    shards = [s for split in manifest["splits"].values() for s in split["shards"]]
    copies = sum(s["rows"] for s in shards)
    if copies != rows_out + manifest["repeated"]:
        yield (
            f"the shards hold {copies:,} rows; rows_out is {rows_out:,} and "
            f"{manifest['repeated']:,} are repeated"
        )
    if sum(s["tokens"] for s in shards) != manifest["stats"]["tokens"]:
        yield "the tokens of the shards do not add up to the tokens in the stats"
    if sum(source["rows"] for source in manifest["sources"]) != rows_in:
        yield "the rows of the sources do not add up to rows_in"
    try:
        ledger = Ledger.read(manifest)
    except (OSError, ValueError) as error:
        yield f"the ledger cannot be read: {error}"
        return
    if ledger.dropped != manifest["dropped"]:
        yield f"the ledger has {ledger.dropped} dropped; the manifest says {manifest['dropped']}"
    if ledger.cut != manifest["cut"]:
        yield f"the ledger has {ledger.cut:,} rows cut; the manifest says {manifest['cut']:,}"
    certificate = manifest["certificate"]
    if certificate["prompt_equal"] != rows_out:
        yield f"the certificate covers {certificate['prompt_equal']:,} of {rows_out:,} rows"


def _row_faults(manifest: Manifest) -> Iterator[str]:
    rules = RowRules.from_manifest(manifest)
    if rules.control is None:
        yield (
            f"the tokenizer '{manifest['tokenizer']['name']}' is missing or not the recorded one, "
            "so control tokens cannot be checked"
        )
    for name, split in load(manifest.directory).items():
        for row in split:
            for fault in rules.find_faults(row):
                yield f"{name}, row '{row.row_id}': {fault}"
