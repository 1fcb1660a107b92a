"""The report: one page about a dataset, or about two beside each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from markupsafe import Markup

from sftdata.base.arrow import to_numbers
from sftdata.inspecting.doctor import diagnose
from sftdata.inspecting.pages.render import render_page
from sftdata.inspecting.rows.inspector import Inspector
from sftdata.inspecting.rows.select import choose_rows
from sftdata.inspecting.rows.views import mark_token, view_spans
from sftdata.loading.dataset import Dataset
from sftdata.writing.ledger import read_ledger
from sftdata.writing.plots import Series, histogram, token_bars
from sftdata.writing.summary import quantiles

Lengths = npt.NDArray[np.int64]

_SAMPLES = 5
_LEDGER_EXAMPLES = 3  # of each reason


@dataclass(frozen=True)
class Group:
    """Rows that have something in common: a split, a template, a task."""

    name: str
    rows: int
    tokens: int
    target_tokens: int
    length: Mapping[str, int]  # p50, p95, p99 and max of the rows' tokens

    @property
    def target_share(self) -> float:
        """Tokens in the loss, of all."""
        return self.target_tokens / self.tokens if self.tokens else 0.0


@dataclass(frozen=True)
class Loss:
    """What happened to rows for one reason, with some of their ledger lines."""

    status: str
    reason: str
    rows: int
    examples: Sequence[Mapping[str, str]]


def render_report(data: Dataset, against: Dataset | None = None, *, seed: int = 0) -> str:
    """The page about `data`, compared with `against` where that is given.

    Samples are decoded with the recorded tokenizer; raises `SftdataError` when that is gone.
    """
    lengths = _lengths(data)
    other = None if against is None else _lengths(against)
    names = _names(data, against)
    groups = _groups(data, lengths)
    inspector = Inspector(data)
    return render_page(
        "report",
        title=f"Dataset {data.manifest.directory.name}",
        data=data,
        manifest=data.manifest,
        repeated=data.manifest.content.get("repeated", 0),
        names=names,
        examples=len(lengths),
        tokens=int(lengths[:, 2].sum()),
        target_tokens=int(lengths[:, 1].sum()),
        losses=_losses(data),
        findings=diagnose(data),
        groups=groups,
        plots=_plots(names, [lengths] if other is None else [lengths, other]),
        shares=_share_plot(groups["split"]),
        rows=[inspector.inspect(*row) for row in choose_rows(data, sample=_SAMPLES, seed=seed)],
        comparison=None if against is None else _compare(data, against),
        views=view_spans,
        mark=mark_token,
    )


def _lengths(data: Dataset) -> Lengths:
    """int64[rows, 3] of all splits: tokens outside the loss, tokens in it, all tokens."""
    total = np.concatenate([split.lengths for split in data.values()])
    target = np.concatenate([split.target_counts for split in data.values()])
    return np.stack((total - target, target, total), axis=1)


def _names(data: Dataset, against: Dataset | None) -> list[str]:
    """What the datasets are called: their folders, with a letter where those are the same."""
    sets = [data] if against is None else [data, against]
    names = [one.manifest.directory.resolve().name for one in sets]
    if len(set(names)) < len(names):
        return [f"{letter}: {name}" for letter, name in zip("AB", names, strict=True)]
    return names


def _losses(data: Dataset) -> list[Loss]:
    lines = read_ledger(data.manifest)
    found = Counter(
        zip(lines.column("status").to_pylist(), lines.column("reason").to_pylist(), strict=True)
    )
    return [
        Loss(status, reason, rows, _first_lines(lines, status, reason))
        for (status, reason), rows in sorted(found.items(), key=lambda entry: -entry[1])
    ]


def _first_lines(lines: pa.Table, status: str, reason: str) -> list[Mapping[str, str]]:
    of_reason = lines.filter((pc.field("status") == status) & (pc.field("reason") == reason))
    first: list[Mapping[str, str]] = of_reason.slice(0, _LEDGER_EXAMPLES).to_pylist()
    return first


def _groups(data: Dataset, lengths: Lengths) -> dict[str, list[Group]]:
    """The rows by split, by template and, where there are several, by task."""
    sizes = [len(split) for split in data.values()]
    by_split = np.repeat(np.arange(len(sizes)), sizes)
    found = {"split": _grouped(list(data), by_split, lengths)}
    for column in ("task", "template"):
        labels, codes = _labels(data, column)
        if len(labels) > 1 or column == "template":
            found[column] = _grouped(labels, codes, lengths)
    return found


def _labels(data: Dataset, column: str) -> tuple[list[str], npt.NDArray[np.int64]]:
    """The distinct values of a column, and for each row which of them it has."""
    places: dict[str, int] = {}
    codes = [np.empty(0, np.int64)]
    for split in data.values():
        table = split.to_arrow()
        if column not in table.column_names:
            return [], np.empty(0, np.int64)
        for chunk in table.column(column).chunks:
            encoded = chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode()
            values = encoded.dictionary.to_pylist()
            of_value = [places.setdefault(value, len(places)) for value in values]
            codes.append(np.array(of_value, np.int64)[to_numbers(encoded.indices)])
    return list(places), np.concatenate(codes)


def _grouped(names: list[str], codes: npt.NDArray[np.int64], lengths: Lengths) -> list[Group]:
    groups = []
    for code, name in enumerate(names):
        _, target, total = lengths[codes == code].T
        groups.append(
            Group(name, len(total), int(total.sum()), int(target.sum()), quantiles(total))
        )
    return groups


def _plots(names: list[str], sets: list[Lengths]) -> list[Markup]:
    return [
        histogram(title, [Series(n, of[:, part]) for n, of in zip(names, sets, strict=True)])
        for part, title in enumerate(
            ("Tokens outside the loss", "Tokens in the loss", "All tokens")
        )
    ]


def _share_plot(groups: list[Group]) -> Markup:
    tokens = {group.name: (group.tokens, group.target_tokens) for group in groups}
    return token_bars("Tokens, and those in the loss", tokens)


def _compare(data: Dataset, against: Dataset) -> dict[str, Any]:
    """The two datasets' numbers and inputs where they differ, and how many rows they share."""
    first, second = _facts(data), _facts(against)
    ids = [
        pa.chunked_array(
            [c for split in one.values() for c in split.to_arrow().column("row_id").chunks],
            pa.string(),
        )
        for one in (data, against)
    ]
    shared = int(pc.sum(pc.is_in(ids[0], ids[1].combine_chunks())).as_py() or 0)
    return {
        "facts": [
            (name, first.get(name, "-"), second.get(name, "-"))
            for name in dict.fromkeys([*first, *second])
        ],
        "shared": shared,
        "only": (len(ids[0]) - shared, len(ids[1]) - shared),
    }


def _facts(data: Dataset) -> dict[str, str]:
    manifest, stats = data.manifest, data.manifest["stats"]
    facts = {
        "rows": f"{manifest['rows_out']:,}",
        "tokens": f"{stats['tokens']:,}",
        "tokens in the loss": f"{stats['target_tokens']:,} ({stats['target_share']:.1%})",
        "dropped": f"{sum(manifest['dropped'].values()):,}",
        "cut": f"{manifest['cut']:,}",
        "length p50": f"{stats['length']['p50']:,}",
        "length p99": f"{stats['length']['p99']:,}",
        "longest": f"{stats['length']['max']:,}",
        "templates": ", ".join(manifest["template"]),
        "tokenizer": f"{manifest['tokenizer']['name']} ({manifest['tokenizer']['sha256'][:12]})",
        "sources": ", ".join(f"{s['path']} ({s['sha256'][:12]})" for s in manifest["sources"]),
    }
    return facts | {f"option {name}": str(value) for name, value in manifest["options"].items()}
