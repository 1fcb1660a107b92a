"""Verify: do the files of a data set agree with its manifest, and its rows with the rules?"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from sftdata.errors import SftdataError
from sftdata.examples import CUT, DROPPED
from sftdata.ledger import read_ledger
from sftdata.loader import load
from sftdata.manifest import Manifest, read_manifest
from sftdata.shards import shard_schema
from sftdata.tokenizer import load_tokenizer


def find_faults(directory: Path, *, deep: bool = False) -> list[str]:
    """What is wrong with the data set in `directory`, a line each; empty when it is intact.

    Checks sizes, digests, columns, row and token counts, the ledger and conservation; with
    `deep` also every row: the mask, the target's start and EOS, and that all ids are text.
    """
    manifest = read_manifest(directory)
    faults = list(_shard_faults(manifest))
    if faults:
        return faults  # what cannot be read cannot be counted
    faults += _conservation_faults(manifest)
    if deep:
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
            elif _sha256(path) != shard["sha256"]:
                yield f"{path}: its content is not what was committed (the digest differs)"
            else:
                yield from _content_faults(path, name, shard)


def _content_faults(path: Path, split: str, shard: dict[str, Any]) -> Iterator[str]:
    try:
        with pa.memory_map(str(path)) as mapped:
            table = pa.ipc.open_file(mapped).read_all()
    except pa.ArrowInvalid as error:
        yield f"{path}: not an Arrow file: {error}"
        return
    if table.schema != shard_schema():
        yield f"{path}: the columns are {table.schema.names} with other names or types than a shard"
        return
    lengths = np.asarray(pa.compute.list_value_length(table.column("input_ids")))
    starts = np.asarray(table.column("target_start"))
    counted = {
        "rows": table.num_rows,
        "tokens": int(lengths.sum()),
        "target_tokens": int((lengths - starts).sum()),
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
    if sum(s["rows"] for s in shards) != rows_out:
        yield f"the shards hold {sum(s['rows'] for s in shards):,} rows; rows_out is {rows_out:,}"
    if sum(s["tokens"] for s in shards) != manifest["stats"]["tokens"]:
        yield "the tokens of the shards do not add up to those of the stats"
    if sum(source["rows"] for source in manifest["sources"]) != rows_in:
        yield "the rows of the sources do not add up to rows_in"
    try:
        lines = read_ledger(manifest).to_pylist()
    except (OSError, pa.ArrowInvalid) as error:
        yield f"the ledger cannot be read: {error}"
        return
    reasons = Counter(line["reason"] for line in lines if line["status"] == DROPPED)
    if reasons != manifest["dropped"]:
        yield f"the ledger has {dict(reasons)} dropped; the manifest says {manifest['dropped']}"
    cut = sum(line["status"] == CUT for line in lines)
    if cut != manifest["cut"]:
        yield f"the ledger has {cut:,} rows cut; the manifest says {manifest['cut']:,}"
    certificate = manifest["certificate"]
    if certificate["prompt_equal"] != rows_out:
        yield f"the certificate covers {certificate['prompt_equal']:,} of {rows_out:,} rows"


def _row_faults(manifest: Manifest) -> Iterator[str]:
    tokenizer = manifest["tokenizer"]
    try:
        loaded = load_tokenizer(tokenizer["name"])
        control = (
            set(loaded.control_tokens.values()) if loaded.sha256 == tokenizer["sha256"] else None
        )
    except SftdataError:
        control = None
    if control is None:
        yield (
            f"the tokenizer '{tokenizer['name']}' is not here or not the one of the build, so ids "
            "cannot be checked"
        )
    first = int(tokenizer["bos_id"] is not None)
    for name, split in load(manifest.directory).items():
        for row in split:
            where = f"{name}, row '{row.row_id}'"
            ids, start = row.input_ids, row.target_start
            if not 0 < start < len(ids) - 1:
                yield f"{where}: the target starts at {start} of {len(ids)} tokens"
            if len(row.label_mask) != len(ids):
                yield f"{where}: the label mask has {len(row.label_mask)} of {len(ids)} tokens"
            elif row.label_mask[:start].any() or not row.label_mask[start:].all():
                yield f"{where}: the label mask is not true exactly from target_start on"
            if ids[-1] != tokenizer["eos_id"]:
                yield f"{where}: the last token is {ids[-1]}, not EOS ({tokenizer['eos_id']})"
            if first and ids[0] != tokenizer["bos_id"]:
                yield f"{where}: the first token is {ids[0]}, not BOS ({tokenizer['bos_id']})"
            if not ((ids >= 0) & (ids < tokenizer["vocab_size"])).all():
                yield f"{where}: an id is outside the vocabulary"
            elif control and not control.isdisjoint(ids[first:-1].tolist()):
                yield f"{where}: a control token stands inside the text"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
