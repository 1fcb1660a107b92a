"""Verify: do the files of a dataset agree with its manifest, and its rows with the rules?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from sftdata.base.schema import RowSizes, measure_rows, shard_schema
from sftdata.errors import TemplateError
from sftdata.loading.dataset import Example, load
from sftdata.spec.load import spec_from_json
from sftdata.spec.model import Mixture
from sftdata.tokenizing.chat_template import ASSISTANT, SYSTEM, USER, ChatFormat, ControlToken
from sftdata.tokenizing.recorded import find_recorded_tokenizer
from sftdata.tokenizing.tokenizer import Tokenizer
from sftdata.writing.ledger import Ledger
from sftdata.writing.manifest import Manifest, read_manifest


def find_faults(directory: Path, *, deep: bool = False) -> list[str]:
    """What is wrong with the dataset in `directory`, a line each; empty when it is intact.

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
    if table.schema not in (shard_schema(), shard_schema(mixed=True)):
        yield f"{path}: the columns are {table.schema.names} with other names or types than a shard"
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
        yield "the tokens of the shards do not add up to those of the stats"
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
    rules = _RowRules.of(manifest)
    if rules.control is None:
        yield (
            f"the tokenizer '{manifest['tokenizer']['name']}' is not here or not the one of the "
            "build, so ids cannot be checked"
        )
    for name, split in load(manifest.directory).items():
        for row in split:
            for fault in rules.find(row):
                yield f"{name}, row '{row.row_id}': {fault}"


@dataclass(frozen=True)
class _RowRules:
    """What holds for every row of a dataset."""

    first_id: int | None  # what every row starts with
    last_id: int
    last_name: str
    vocab_size: int
    control: frozenset[int] | None  # None where the tokenizer is not at hand
    skeletons: frozenset[tuple[int, ...]] | None  # the control tokens a row may have, in order
    one_target: bool  # whether all that follows the target's start is in the loss

    @classmethod
    def of(cls, manifest: Manifest) -> _RowRules:
        recorded, chat = manifest["tokenizer"], manifest["chat"]
        tokenizer = find_recorded_tokenizer(recorded)
        spec = spec_from_json(manifest["spec"]) if manifest["spec"] is not None else None
        specs = [s.spec for s in spec.sources] if isinstance(spec, Mixture) else [spec]
        turns = any(one is not None and one.is_messages for one in specs)
        skeletons: frozenset[tuple[int, ...]] | None = None
        if tokenizer is not None and not turns:
            skeletons = frozenset(
                _skeleton(tokenizer, recorded, chat, system, shots)
                for one in specs
                for shots in range(max(one.shots) + 1 if one is not None else 1)
                for system in (True, False)
            )
        return cls(
            first_id=recorded["bos_id"] if chat is None else None,
            last_id=recorded["eos_id"] if chat is None else chat["end_id"],
            last_name="EOS" if chat is None else "the end of the turn",
            vocab_size=recorded["vocab_size"],
            control=frozenset(tokenizer.control_tokens.values()) if tokenizer else None,
            skeletons=skeletons,
            one_target=not turns,
        )

    def find(self, row: Example) -> Iterator[str]:
        """What is wrong with a row."""
        ids, mask, start = row.input_ids, row.label_mask, row.target_start
        if not 0 < start < len(ids) - 1:
            yield f"the target starts at {start} of {len(ids)} tokens"
        if len(mask) != len(ids):
            yield f"the label mask has {len(mask)} of {len(ids)} tokens"
        elif mask[:start].any() or not (mask[start:].all() if self.one_target else mask[start]):
            yield "the label mask is not true exactly from target_start on"
        elif not mask[-1]:
            yield "the last token is not in the loss"
        if ids[-1] != self.last_id:
            yield f"the last token is {ids[-1]}, not {self.last_name} ({self.last_id})"
        if self.first_id is not None and ids[0] != self.first_id:
            yield f"the first token is {ids[0]}, not BOS ({self.first_id})"
        if not ((ids >= 0) & (ids < self.vocab_size)).all():
            yield "an id is outside the vocabulary"
        elif self.skeletons is not None and self.control is not None:
            found = tuple(i for i in ids.tolist() if i in self.control)
            if found not in self.skeletons:
                yield "a control token stands inside the text"


def _skeleton(
    tokenizer: Tokenizer,
    recorded: Mapping[str, Any],
    chat: Mapping[str, Any] | None,
    system: bool,
    shots: int,
) -> tuple[int, ...]:
    """The control tokens of an example, in order."""
    if chat is None:
        ends = (recorded["bos_id"], recorded["eos_id"])
        return tuple(i for i in ends if i in tokenizer.control_tokens.values())
    roles = ((SYSTEM,) if system else ()) + (USER, ASSISTANT) * (shots + 1)
    try:
        layout = ChatFormat(tokenizer, chat["options"]).layout(roles)
    except TemplateError:  # a template that takes no system turn
        return ()
    return tuple(piece.token_id for piece in layout if isinstance(piece, ControlToken))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
