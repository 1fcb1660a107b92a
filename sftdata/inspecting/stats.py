"""Statistics of a dataset, from its columns and never from its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.arrow import to_numbers
from sftdata.base.schema import row_lengths
from sftdata.errors import SftdataError
from sftdata.loading.padding import batch_padding, measure_padding

if TYPE_CHECKING:
    from sftdata.loading.dataset import Dataset

_LEVELS = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
_PARTS = ("prompt_length", "target_length", "length")
_BARS = 12

BY = ("split", "task", "template", "source")


def compute_stats(
    data: Dataset,
    *,
    by: str | None = None,
    max_length: int | None = None,
    batch_size: int | None = None,
) -> dict[str, Any]:
    """Everything `sftdata stats --json` prints, from one pass over the columns.

    `by` is one of `BY`; `max_length` is, if not given, that of the build or else the longest row.
    What needs the tokenizer (`text`, `languages`) is None where that is gone or another one.
    """
    from sftdata.inspecting.vocabulary import TokenUse, sample_languages

    manifest = data.manifest
    use, counts = TokenUse(manifest["tokenizer"]["vocab_size"]), LengthCounts()
    groups: dict[str, LengthCounts] = {}
    lengths: dict[str, list[npt.NDArray[np.int32]]] = {name: [] for name in data}
    for split, batch in _batches(data):
        rows = row_lengths(batch)
        counts.add(rows)
        lengths[split].append(rows[:, 2])
        use.add(batch)
        for name, chosen in _groups(by, split, batch, manifest["task"]):
            groups.setdefault(name, LengthCounts()).add(rows[chosen])
    joined = {
        name: np.concatenate(parts) if parts else np.empty(0, np.int32)
        for name, parts in lengths.items()
    }
    limit = max_length or manifest["options"].get("max_length") or max(1, counts.longest)
    keys = ("rows_in", "rows_out", "dropped", "cut", "certificate", "stats")
    return {
        **{key: manifest[key] for key in keys},
        "flagged": manifest.content.get("flagged", {}),
        **counts.summary(),
        "histograms": counts.histograms(),
        "fit": _fit(joined, limit, batch_size),
        "duplicates": use.duplicates,
        "text": use.summary(data),
        "languages": sample_languages(data),
        "by": by,
        "groups": _sources(data) if by == "source" else {n: g.summary() for n, g in groups.items()},
    }


class LengthCounts:
    """How many rows have how many prompt, target and all tokens; grows by batches of rows."""

    def __init__(self) -> None:
        self._counts = [np.zeros(1, np.int64) for _ in _PARTS]

    def add(self, rows: npt.NDArray[np.int32]) -> None:
        """Takes int32[rows, 3], as `lengths.row_lengths` gives them."""
        for part, values in enumerate(rows.T):
            found, known = np.bincount(values, minlength=1), self._counts[part]
            longer, shorter = (found, known) if len(found) > len(known) else (known, found)
            longer[: len(shorter)] += shorter
            self._counts[part] = longer

    @property
    def longest(self) -> int:
        """Tokens of the longest row."""
        return len(self._counts[2]) - 1

    def summary(self) -> dict[str, Any]:
        """Rows, tokens, target tokens and their share, and quantiles of the three lengths."""
        rows = int(self._counts[2].sum())
        target_tokens, tokens = (int(c @ np.arange(len(c))) for c in self._counts[1:])
        return {
            "rows": rows,
            "tokens": tokens,
            "target_tokens": target_tokens,
            "target_share": round(target_tokens / tokens, 6) if tokens else 0.0,
            **{n: _quantiles(c) for n, c in zip(_PARTS, self._counts, strict=True)},
        }

    def histograms(self) -> dict[str, list[dict[str, int]]]:
        """For each of the three lengths bars of equal width; the last one holds the long tail."""
        return {n: _histogram(c) for n, c in zip(_PARTS, self._counts, strict=True)}


def frame(data: Dataset) -> Any:
    """A pandas frame with a line for each example.

    Columns: row_id, split, template, task (of mixtures), prompt_tokens, target_tokens, tokens.
    """
    import pandas as pd

    parts = []
    for split, batch in _batches(data):
        names = ["row_id", "template", *(["task"] if "task" in batch.schema.names else [])]
        part = pa.Table.from_batches([batch]).select(names).to_pandas()
        part.insert(1, "split", split)
        part[["prompt_tokens", "target_tokens", "tokens"]] = row_lengths(batch)
        parts.append(part)
    columns = ["row_id", "split", "template", "prompt_tokens", "target_tokens", "tokens"]
    joined = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    for name in {"split", "template", "task"}.intersection(joined.columns):
        joined[name] = joined[name].astype("category")
    return joined


def _batches(data: Dataset) -> Iterator[tuple[str, pa.RecordBatch]]:
    for name, split in data.items():
        for batch in split.to_arrow().to_batches():
            yield name, batch


def _groups(
    by: str | None, split: str, batch: pa.RecordBatch, task: str
) -> Iterator[tuple[str, npt.NDArray[Any] | slice]]:
    """The groups that have rows in a batch, and which rows."""
    if by is None or by == "source":
        return
    if by not in BY:
        raise SftdataError(f"Statistics are grouped by {', '.join(BY)}; not by '{by}'.")
    if by == "split" or (by == "task" and "task" not in batch.schema.names):
        yield (split if by == "split" else task), slice(None)
        return
    column = batch.column(by)
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    codes = to_numbers(column.indices)
    for code in np.unique(codes).tolist():
        yield column.dictionary[code].as_py(), codes == code


def _sources(data: Dataset) -> dict[str, dict[str, Any]]:
    """Rows of each source and what became of them; which example is whose is not recorded."""
    from sftdata.writing.ledger import read_ledger

    ledger = read_ledger(data.manifest)
    places = pa.compute.replace_substring_regex(ledger.column("source"), r":\d+$", "")
    lines = pa.table({"path": places, "status": ledger.column("status")})
    counted = lines.group_by(["path", "status"]).aggregate([([], "count_all")]).to_pylist()
    found = {(line["path"], line["status"]): line["count_all"] for line in counted}
    sources = {}
    for source in data.manifest["sources"]:
        path, rows = source["path"], source["rows"]
        outcomes = {
            status: found.get((path, status), 0) for status in ("dropped", "cut", "flagged")
        }
        sources[path] = {"rows_in": rows, "rows": rows - outcomes["dropped"], **outcomes}
    return sources


def _fit(
    lengths: Mapping[str, npt.NDArray[np.int32]], max_length: int, batch_size: int | None
) -> dict[str, Any]:
    """How the rows of each split fit into `max_length` tokens, and the steps of an epoch."""
    splits = {}
    for name, values in lengths.items():
        fit = measure_padding(values, max_length)
        splits[name] = {
            "rows": fit.rows,
            "too_long": fit.too_long,
            "padding_waste": fit.padding_waste,
            "packs": fit.packs,
            "packing_efficiency": fit.packing_efficiency,
        }
        if batch_size is not None:
            splits[name] |= {
                "batch_padding": batch_padding(values, batch_size),
                "steps_per_epoch": -(-fit.rows // batch_size),
                "packed_steps_per_epoch": -(-fit.packs // batch_size),
            }
    return {"max_length": max_length, "batch_size": batch_size, "splits": splits}


def _quantiles(counts: npt.NDArray[np.int64]) -> dict[str, int]:
    """The same as `quantiles` and p90, where `counts[n]` rows have n tokens."""
    below = np.cumsum(counts)
    if not below[-1]:
        return dict.fromkeys((*_LEVELS, "max"), 0)
    # The smallest length that this share of the rows does not exceed.
    ranks = np.maximum(1, np.ceil(np.array(list(_LEVELS.values())) * below[-1] - 1e-9))
    found = np.searchsorted(below, ranks)
    return dict(zip(_LEVELS, found.tolist(), strict=True)) | {"max": len(counts) - 1}


def _histogram(counts: npt.NDArray[np.int64]) -> list[dict[str, int]]:
    if not counts.sum():
        return []
    tail = int(np.searchsorted(np.cumsum(counts), 0.99 * counts.sum())) + 1
    width = max(1, -(-tail // _BARS))
    step = 10 ** max(0, len(str(width)) - 2)
    width = -(-width // step) * step
    bars: list[dict[str, int]] = []
    for start in range(0, len(counts), width):
        end = start + width if len(bars) < _BARS else len(counts)
        bars.append({"from": start, "to": min(end, len(counts)) - 1})
        bars[-1]["rows"] = int(counts[start:end].sum())
        if end >= len(counts):
            break
    return bars
