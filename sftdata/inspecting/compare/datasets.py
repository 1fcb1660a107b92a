"""Compare two datasets: which inputs differ, and what that did to the tokens of each row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from sftdata.base.arrow import numbers, to_flags, to_numbers
from sftdata.base.hashing import hash_token_rows
from sftdata.base.schema import row_lengths, row_offsets
from sftdata.errors import SftdataError
from sftdata.inspecting.rows.example import Inspector
from sftdata.loading.dataset import Dataset, Example
from sftdata.tokenizing.decoder import Decoder
from sftdata.writing.ledger import read_ledger

_SAMPLES, _CANDIDATES = 5, 1000  # rows shown, and rows they are chosen from
_CONTEXT, _SHOWN = 16, 48  # tokens shown before and after the first difference
_ABSENT = -1


@dataclass(frozen=True, slots=True)
class InputChange:
    """An input of the build that is not the same; None where a dataset does not have it."""

    kind: str  # "rows", "template", "tokenizer" or "options"
    name: str
    a: Any
    b: Any


@dataclass(frozen=True, slots=True)
class RowChange:
    """An example of both datasets whose tokens differ."""

    row_id: str
    split: tuple[str, str]
    template: tuple[str, str]
    prompt_tokens: tuple[int, int]
    target_tokens: tuple[int, int]
    first_difference: int  # place of the first token that differs
    before: str | None  # the text right before it; None without the tokenizers
    text: tuple[str, str] | None  # what follows in each


@dataclass(frozen=True, slots=True)
class Comparison:
    """Dataset A beside dataset B. Token counts are pairs: of A, of B."""

    build: tuple[str, str]
    inputs: list[InputChange]
    rows: tuple[int, int]
    tokens: tuple[int, int]
    target_tokens: tuple[int, int]
    only_in_a: int
    only_in_b: int
    in_both: int
    changed: Mapping[str, int]  # of the rows in both: what changed → rows
    prompt_token_change: Mapping[str, int]  # B less A over the rows in both: sum, min, p50, max
    newly_dropped: Mapping[str, int]  # reason → rows dropped in B and not in A
    no_longer_dropped: Mapping[str, int]
    newly_cut: int
    no_longer_cut: int
    samples: list[RowChange]

    @property
    def is_identical(self) -> bool:
        """Whether both hold the same examples in the same splits."""
        same_rows = self.rows[0] == self.rows[1]  # a mixture may repeat a row more often
        return same_rows and not (self.only_in_a or self.only_in_b or any(self.changed.values()))

    def to_json(self) -> dict[str, Any]:
        """The object `diff --json` prints."""
        return {"identical": self.is_identical, **asdict(self)}


def compare(a: Dataset, b: Dataset) -> Comparison:
    """What differs between two datasets. Examples are the same when their row ids are.

    Sample rows are chosen by a digest of their ids, so two runs show the same ones. With another
    tokenizer the ids of a row are not compared one by one: every row counts as changed.
    """
    one, two = _Columns.read(a), _Columns.read(b)
    at = _places(two.row_id, one.row_id)
    both = np.flatnonzero(at != _ABSENT)
    mine, theirs = one.take(both), two.take(at[both])
    changes = _changes(a, b, mine, theirs)
    moved = theirs.lengths[:, 0].astype(np.int64) - mine.lengths[:, 0]
    tokens_differ = np.flatnonzero(changes["prompt"] | changes["target"] | changes["mask"])
    fates_a, fates_b = _fates(a), _fates(b)
    return Comparison(
        build=(a.manifest["build"], b.manifest["build"]),
        inputs=list(input_changes(a.manifest.content, b.manifest.content)),
        rows=(len(one.lengths), len(two.lengths)),
        tokens=(one.tokens, two.tokens),
        target_tokens=(one.target_tokens, two.target_tokens),
        only_in_a=len(one.lengths) - len(both),
        only_in_b=int((_places(one.row_id, two.row_id) == _ABSENT).sum()),
        in_both=len(both),
        changed={name: int(rows.sum()) for name, rows in changes.items()},
        prompt_token_change=_summary(moved),
        newly_dropped=_reasons(fates_b, fates_a),
        no_longer_dropped=_reasons(fates_a, fates_b),
        newly_cut=len(fates_b["cut"].keys() - fates_a["cut"].keys()),
        no_longer_cut=len(fates_a["cut"].keys() - fates_b["cut"].keys()),
        samples=_samples(a, b, both[tokens_differ], at[both][tokens_differ]),
    )


def input_changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[InputChange]:
    """What two manifests say differently about rows, templates, tokenizer and options."""
    sources = [
        {s["path"]: {"rows": s["rows"], "sha256": s["sha256"]} for s in m["sources"]}
        for m in (a, b)
    ]
    contents = [Counter(source["sha256"] for source in s.values()) for s in sources]
    if contents[0] != contents[1]:  # another path of the same bytes is no difference
        yield from _differences("rows", *sources)
    yield from _differences("template", a["template"], b["template"])
    tokenizers = [{k: v for k, v in m["tokenizer"].items() if k != "name"} for m in (a, b)]
    if tokenizers[0] != tokenizers[1]:
        yield from _differences("tokenizer", a["tokenizer"], b["tokenizer"])
    yield from _differences("options", _flat(a["options"]), _flat(b["options"]))
    yield from _differences("options", {"chat": a.get("chat")}, {"chat": b.get("chat")})


@dataclass(frozen=True, slots=True)
class _Columns:
    """A few numbers of each row, over all splits."""

    row_id: pa.ChunkedArray
    split: npt.NDArray[np.str_]
    template: pa.ChunkedArray
    lengths: npt.NDArray[np.int32]  # [rows, 3]: prompt, target, all tokens
    prompt_hash: npt.NDArray[np.uint64]
    target_hash: npt.NDArray[np.uint64]

    @classmethod
    def read(cls, data: Dataset) -> _Columns:
        ids, templates, splits, lengths, prompts, targets = [], [], [], [], [], []
        for name, split in data.items():
            for batch in split.to_arrow().to_batches():
                offsets = row_offsets(batch)
                tokens = to_numbers(batch.column("input_ids").values)
                starts = offsets[:-1] + to_numbers(batch.column("target_start"))
                ids.append(batch.column("row_id").cast(pa.large_string()))
                templates.append(batch.column("template").cast(pa.string()))
                splits.append(np.repeat(np.array([name]), batch.num_rows))
                lengths.append(row_lengths(batch))
                prompts.append(hash_token_rows(tokens, offsets[:-1], starts))
                targets.append(hash_token_rows(tokens, starts, offsets[1:]))
        hashes = [np.concatenate([np.empty(0, np.uint64), *parts]) for parts in (prompts, targets)]
        return cls(
            pa.chunked_array(ids, pa.large_string()),
            np.concatenate([np.empty(0, np.str_), *splits]),
            pa.chunked_array(templates, pa.string()),
            np.concatenate([np.empty((0, 3), np.int32), *lengths]),
            *hashes,
        )

    @property
    def tokens(self) -> int:
        return int(self.lengths[:, 2].sum(dtype=np.int64))

    @property
    def target_tokens(self) -> int:
        return int(self.lengths[:, 1].sum(dtype=np.int64))

    def take(self, rows: npt.NDArray[np.int64]) -> _Columns:
        places = numbers(rows)
        return _Columns(
            self.row_id.take(places),
            self.split[rows],
            self.template.take(places),
            self.lengths[rows],
            self.prompt_hash[rows],
            self.target_hash[rows],
        )


def _places(among: pa.ChunkedArray, ids: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """For each id its first place in `among`, or -1."""
    if not len(among) or not len(ids):
        return np.full(len(ids), _ABSENT, np.int64)
    found = pc.fill_null(pc.index_in(ids, among.combine_chunks()), numbers(np.array([_ABSENT]))[0])
    return np.asarray(to_numbers(found.combine_chunks()).astype(np.int64))


def _changes(
    a: Dataset, b: Dataset, mine: _Columns, theirs: _Columns
) -> dict[str, npt.NDArray[np.bool_]]:
    """For each kind of change, which of the rows in both have it."""
    other = a.manifest["tokenizer"]["sha256"] != b.manifest["tokenizer"]["sha256"]
    prompt = (mine.prompt_hash != theirs.prompt_hash) | other
    target = (mine.target_hash != theirs.target_hash) | other
    template = to_flags(pc.not_equal(mine.template, theirs.template).combine_chunks())
    return {
        "prompt": prompt,
        "target": target,
        "mask": ~prompt & ~target & (mine.lengths[:, 1] != theirs.lengths[:, 1]),
        "split": mine.split != theirs.split,
        "template": template,
    }


def _summary(moved: npt.NDArray[np.int64]) -> dict[str, int]:
    if not len(moved):
        return dict.fromkeys(("sum", "min", "p50", "max"), 0)
    middle = int(np.quantile(moved, 0.5, method="inverted_cdf"))
    return {
        "sum": int(moved.sum()),
        "min": int(moved.min()),
        "p50": middle,
        "max": int(moved.max()),
    }


def _fates(data: Dataset) -> dict[str, dict[str, str]]:
    """For "dropped" and "cut": row id → reason."""
    fates: dict[str, dict[str, str]] = {"dropped": {}, "cut": {}}
    table = read_ledger(data.manifest)
    columns = (table.column(name).to_pylist() for name in ("row_id", "status", "reason"))
    for row_id, status, reason in zip(*columns, strict=True):
        fates.setdefault(status, {})[row_id] = reason
    return fates


def _reasons(
    fates: Mapping[str, Mapping[str, str]], others: Mapping[str, Mapping[str, str]]
) -> dict[str, int]:
    dropped = fates["dropped"]
    new = dropped.keys() - others["dropped"].keys()
    return dict(sorted(Counter(dropped[row_id] for row_id in new).items()))


def _samples(
    a: Dataset, b: Dataset, rows_a: npt.NDArray[np.int64], rows_b: npt.NDArray[np.int64]
) -> list[RowChange]:
    decoders = _decoder(a), _decoder(b)
    places = zip(rows_a[:_CANDIDATES].tolist(), rows_b[:_CANDIDATES].tolist(), strict=True)
    examples = [(_example(a, i), _example(b, j)) for i, j in places]
    examples.sort(key=lambda pair: xxhash.xxh3_64_intdigest(pair[0][1].row_id.encode()))
    return [_row_change(one, two, decoders) for one, two in examples[:_SAMPLES]]


def _row_change(
    one: tuple[str, Example], two: tuple[str, Example], decoders: tuple[Decoder | None, ...]
) -> RowChange:
    (split_a, a), (split_b, b) = one, two
    size = min(len(a.input_ids), len(b.input_ids))
    differs = np.flatnonzero(a.input_ids[:size] != b.input_ids[:size])
    first = int(differs[0]) if len(differs) else size
    before, texts = None, None
    if decoders[0] is not None and decoders[1] is not None:
        before = _text(decoders[0], a, max(0, first - _CONTEXT), first)
        texts = tuple(
            _text(decoder, example, first, first + _SHOWN)
            for decoder, example in zip(decoders, (a, b), strict=True)
            if decoder is not None
        )
    return RowChange(
        row_id=a.row_id,
        split=(split_a, split_b),
        template=(a.template, b.template),
        prompt_tokens=(a.target_start, b.target_start),
        target_tokens=(int(a.label_mask.sum()), int(b.label_mask.sum())),
        first_difference=first,
        before=before,
        text=None if texts is None else (texts[0], texts[1]),
    )


def _text(decoder: Decoder, example: Example, start: int, end: int) -> str:
    ids = example.input_ids[start:end]
    text: str = decoder.decode(ids, np.array([0, len(ids)]), continues=start > 0)[0].as_py()
    return text


def _decoder(data: Dataset) -> Decoder | None:
    try:
        return Decoder(Inspector(data).tokenizer)
    except SftdataError:
        return None


def _example(data: Dataset, place: int) -> tuple[str, Example]:
    for name, split in data.items():
        if place < len(split):
            return name, split[place]
        place -= len(split)
    raise IndexError(place)


def _differences(kind: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[InputChange]:
    for name in dict.fromkeys((*a, *b)):
        if a.get(name) != b.get(name):
            yield InputChange(kind, name, a.get(name), b.get(name))


def _flat(options: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
