"""Warnings about sources that lost most of their rows in a mixture, which is rarely meant."""

from __future__ import annotations

from sftdata.base.reasons import Reason
from sftdata.base.wording import count
from sftdata.writing.manifest import Manifest


def warn_of_lost_sources(manifest: Manifest) -> list[str]:
    """A warning for each source that lost most rows as duplicates, or all of its training rows."""
    warnings = []
    for name, source in manifest["stats"]["by_source"].items():
        left_out = source.get("left_out", {})
        duplicates = left_out.get(Reason.DUPLICATE, 0)
        rows = source["rows"] + sum(left_out.values())
        if 2 * duplicates > rows:
            warnings.append(
                f"Warning: {duplicates:,} of {count(rows, 'row')} of the source '{name}' say the "
                "same as rows of earlier sources and are dropped. To keep them, put this into its "
                f'table: duplicates = "keep" and id_prefix = "{name}"'
            )
        elif source.get("planned_share") and not source["share"]:
            warnings.append(
                f"Warning: no training row of the source '{name}' is in the mixture: its share of "
                f"{source['planned_share']:.1%} is less than a row. "
                "Raise max_repeats or its weight."
            )
    return warnings
