"""Checks on the balance of a dataset: dominant templates and sources, outliers, empty splits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sftdata.inspecting.doctor.check import DatasetCheck, Hits
from sftdata.inspecting.doctor.dataset import CheckedDataset

_DOMINANT = 0.8  # share of the rows
_FEWEST_ROWS = 100  # to know the usual length
_FAR = 6.0  # robust standard deviations
_LEAST_SPREAD = 0.25  # of the logarithm: a factor of four is never far
_TOP = 0.01  # of the rows, by target tokens
_TOP_LOSS = 0.2  # of all target tokens
_NONE = np.empty(0, np.int64)


def _template_dominates(dataset: CheckedDataset) -> Hits | None:
    counts = np.bincount(dataset.rows.template, minlength=1)
    if len(counts) < 2 or counts.max() <= _DOMINANT * counts.sum():
        return None
    name = dataset.rows.template_names[int(counts.argmax())]
    detail = f"{name} has {counts.max() / counts.sum():.1%} of the rows"
    return Hits(_NONE, detail, count=int(counts.max()))


def _source_dominates(dataset: CheckedDataset) -> Hits | None:
    sources = dataset.data.manifest["sources"]
    rows, total = max((s["rows"] for s in sources), default=0), sum(s["rows"] for s in sources)
    if len(sources) < 2 or rows <= _DOMINANT * total:
        return None
    name = next(s["path"] for s in sources if s["rows"] == rows)
    return Hits(_NONE, f"{name} has {rows / total:.1%} of the source rows", count=rows)


def _loss_concentrated(dataset: CheckedDataset) -> Hits | None:
    tokens = dataset.rows.target_tokens
    if len(tokens) < _FEWEST_ROWS:
        return None
    top = max(1, int(len(tokens) * _TOP))
    heaviest = np.argpartition(tokens, -top)[-top:]
    share = tokens[heaviest].sum(dtype=np.int64) / max(1, tokens.sum(dtype=np.int64))
    if share <= _TOP_LOSS:
        return None
    detail = f"{top:,} of {len(tokens):,} rows have {share:.0%} of the tokens in the loss"
    return Hits(heaviest.astype(np.int64), detail)


def _length_ratio(dataset: CheckedDataset) -> Hits | None:
    outliers = [_outliers(dataset, place) for place in range(len(dataset.rows.template_names))]
    rows = np.concatenate(outliers) if outliers else _NONE
    if not len(rows):
        return None
    return Hits(rows, "target to prompt, in bytes, compared with the other rows of the template")


def _outliers(dataset: CheckedDataset, template: int) -> npt.NDArray[np.int64]:
    rows = np.flatnonzero(dataset.rows.template == template)
    if len(rows) < _FEWEST_ROWS:
        return _NONE
    facts = dataset.templates.get(dataset.rows.template_names[template])
    fixed = (facts and facts.fixed_bytes) or 0
    content = np.maximum(dataset.rows.prompt_bytes[rows] - fixed, 0)
    # The 8 bytes keep the ratios of very short texts apart from outliers.
    ratio = np.log((dataset.rows.target_bytes[rows] + 8) / (content + 8))
    middle = np.median(ratio)
    spread = max(_LEAST_SPREAD, 1.4826 * float(np.median(np.abs(ratio - middle))))
    return np.asarray(rows[np.abs(ratio - middle) > _FAR * spread])


def _empty_split(dataset: CheckedDataset) -> Hits | None:
    empty = [name for name, split in dataset.data.items() if not len(split)]
    if not empty:
        return None
    return Hits(_NONE, "without rows: " + ", ".join(empty), count=len(empty))


CHECKS = (
    DatasetCheck(
        "length-ratio",
        "note",
        "targets far longer or shorter for their prompt than the others",
        "Look at them: rows may be mixed up, or fields swapped.",
        _length_ratio,
    ),
    DatasetCheck(
        "template-dominates",
        "note",
        "one of several templates has more than 80 % of the rows",
        "Even out the weights in the spec.",
        _template_dominates,
    ),
    DatasetCheck(
        "source-dominates",
        "note",
        "one of several sources has more than 80 % of the rows",
        "Even out the weights in the spec, or take fewer rows from this source.",
        _source_dominates,
    ),
    DatasetCheck(
        "loss-concentrated",
        "warning",
        "1 % of the rows have more than 20 % of the tokens in the loss",
        "Split or drop the longest targets, or weigh the loss by example.",
        _loss_concentrated,
    ),
    DatasetCheck(
        "empty-split",
        "note",
        "a split has no rows",
        "Add rows, or take the split out of the spec.",
        _empty_split,
    ),
)
