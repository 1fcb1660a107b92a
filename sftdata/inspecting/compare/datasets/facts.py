"""Two datasets side by side: their facts, and the number of rows they share."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from sftdata.loading.dataset import Dataset


def list_facts(a: Dataset, b: Dataset) -> list[tuple[str, str, str]]:
    """Names with the facts of `a` and of `b`; "-" where a dataset has none."""
    first, second = _facts(a), _facts(b)
    names = dict.fromkeys([*first, *second])
    return [(name, first.get(name, "-"), second.get(name, "-")) for name in names]


def count_shared_rows(a: Dataset, b: Dataset) -> tuple[int, int, int]:
    """Rows of `a` that `b` has too, rows only in `a`, rows only in `b`; matched by id."""
    ids_a, ids_b = _row_ids(a), _row_ids(b)
    shared = int(pc.sum(pc.is_in(ids_a, ids_b.combine_chunks())).as_py() or 0)
    return shared, len(ids_a) - shared, len(ids_b) - shared


def _row_ids(data: Dataset) -> pa.ChunkedArray:
    columns = [split.to_arrow().column("row_id") for split in data.values()]
    return pa.chunked_array([chunk for column in columns for chunk in column.chunks], pa.string())


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
