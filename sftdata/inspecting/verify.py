"""Verify that the files of a dataset agree with its manifest, and its rows with their rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from sftdata.base.cache import without_cache
from sftdata.base.files import is_of_machine
from sftdata.base.schema import check_batch, measure_rows
from sftdata.base.verification import Verification
from sftdata.base.wording import count, reason_of
from sftdata.errors import SftdataError
from sftdata.inspecting.encoded_again import EncodedAgain, encode_again
from sftdata.inspecting.row_rules import RowRules
from sftdata.loading.dataset import load
from sftdata.loading.packing import StalePlanError, find_damaged_plans, find_plans, read_plan
from sftdata.writing.dataset_files import find_file_faults
from sftdata.writing.ledger import Ledger
from sftdata.writing.manifest import Manifest, read_manifest

_NOT_DEEP = "the rows themselves (--deep)"
_NOT_MADE = "that the sources and templates still give these rows"
# Makes rows of a dataset again from its sources: all of them, or a sample; `building.oracle` can.
MakeAgain = Callable[[Manifest, int | None], Verification]


def verify(
    directory: Path,
    *,
    deep: bool = False,
    sample: int | None = None,
    make_again: MakeAgain | None = None,
) -> Verification:
    """Checks every file (shards, ledger, shots, journal, parts, pack plans) by size and digest,
    then columns, row and token counts and conservation.

    `deep` also checks every row against `RowRules`, encodes the text of `sample` rows, or of all,
    again (see `encoded_again`), and has them made again from the sources by `make_again`.
    """
    manifest = read_manifest(directory)
    faults = list(find_file_faults(manifest)) or list(_shard_faults(manifest))
    if faults:  # counts of a damaged shard mean nothing
        return Verification([*faults, *find_damaged_plans(directory)])
    shards = sum(len(split["shards"]) for split in manifest["splits"].values())
    checked = [
        f"files: {count(shards, 'shard')} and all files beside have the digests of the manifest; "
        "their counts and the ledger agree with it"
    ]
    with without_cache():
        faults += _conservation_faults(manifest)
        faults += _plan_faults(manifest)
        if not deep:
            return Verification(faults, [] if faults else checked, [] if faults else [_NOT_DEEP])
        found = _verify_rows(manifest, sample)
        again = (
            Verification(not_proved=[_NOT_MADE])
            if make_again is None
            else make_again(manifest, sample)
        )
    faults += [*found.faults, *again.faults]
    if faults:
        return Verification(faults)
    # What a row's own text does not show, its source has.
    not_proved = [*found.not_proved, *again.not_proved] if again.not_proved else []
    return Verification([], [*checked, *found.checked, *again.checked], not_proved)


def _verify_rows(manifest: Manifest, sample: int | None) -> Verification:
    """What the rows alone show: the rules of each, and the ids of their texts."""
    rows = sum(s["rows"] for split in manifest["splits"].values() for s in split["shards"])
    again = encode_again(load(manifest.directory), sample)
    faults = [*_row_faults(manifest), *(again.faults or _certificate_faults(manifest, again))]
    checked = [f"rules: {count(rows, 'row')}: label mask, target start, BOS, EOS, control tokens"]
    if again.reason is not None:
        return Verification(faults, checked, [f"tokens by their own text: {again.reason}"])
    checked.append(
        f"tokens: the text of {count(again.rows, 'row')}, encoded again by the tokenizers library, "
        "has the same ids"
    )
    return Verification(faults, checked)


def find_faults(directory: Path, *, deep: bool = False) -> list[str]:
    """The faults of the dataset in `directory`, a line each; empty when it is intact."""
    return verify(directory, deep=deep).faults


def _certificate_faults(manifest: Manifest, again: EncodedAgain) -> Iterator[str]:
    """A boundary certificate with another count of rows that are the same encoded at once."""
    certificate = manifest["certificate"]
    is_plain = manifest["chat"] is None and not manifest["repeated"]
    if is_plain and again.rows == certificate["rows"]:
        counted, said = again.whole_text_equal, certificate["whole_text_equal"]
        if counted != said:
            yield (
                f"{counted:,} rows have the same ids when prompt and target are encoded at once; "
                f"the certificate says {said:,}"
            )


def _shard_faults(manifest: Manifest) -> Iterator[str]:
    for split, listed in manifest["splits"].items():
        for shard in listed["shards"]:
            path = manifest.directory / shard["path"]
            try:
                yield from _content_faults(path, split, shard)
            except (OSError, ValueError, pa.ArrowException) as error:
                if is_of_machine(error):
                    raise
                yield f"{path}: not a shard: {reason_of(error)}"


def _content_faults(path: Path, split: str, shard: dict[str, Any]) -> Iterator[str]:
    sizes = []
    with pa.OSFile(str(path)) as file:
        reader = pa.ipc.open_file(file)
        for number in range(reader.num_record_batches):
            batch = reader.get_batch(number)
            check_batch(batch)
            sizes.append(measure_rows(batch))
    counted = {
        "rows": sum(len(size.tokens) for size in sizes),
        "tokens": sum(int(size.tokens.sum()) for size in sizes),
        "target_tokens": sum(int(size.target_tokens.sum()) for size in sizes),
    }
    for key, number in counted.items():
        if number != shard[key]:
            yield f"{path}: {number:,} {key} ({split}); the manifest says {shard[key]:,}"


def _plan_faults(manifest: Manifest) -> Iterator[str]:
    """Pack plans that are damaged. A plan of another build is only out of date."""
    data = load(manifest.directory)
    for _, split, length in find_plans(data):
        try:
            read_plan(data, split, length)
        except StalePlanError:
            continue
        except SftdataError as error:
            yield str(error).splitlines()[0]


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
    except (SftdataError, ValueError) as error:
        yield str(error).splitlines()[0]
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
