"""All statistics of a dataset, as `stats --json` prints them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sftdata.base.schema import row_lengths
from sftdata.inspecting.stats.duplicates import DuplicateCounter
from sftdata.inspecting.stats.fit import measure_fit
from sftdata.inspecting.stats.groups import group_stats
from sftdata.inspecting.stats.languages import sample_languages
from sftdata.inspecting.stats.lengths import LengthCounts
from sftdata.inspecting.stats.vocabulary import VocabularyUse
from sftdata.loading.dataset import Dataset
from sftdata.tokenizing.recorded import find_recorded_tokenizer

_FROM_MANIFEST = ("rows_in", "rows_out", "repeated", "dropped", "cut", "certificate", "stats")


def compute_stats(
    data: Dataset,
    *,
    by: str | None = None,
    max_length: int | None = None,
    batch_size: int | None = None,
) -> dict[str, Any]:
    """Everything `sftdata stats --json` prints.

    `by`: a grouping, one of `groups.BY`. `max_length`: by default that of the build, else the
    longest row. `text` and `languages` are None when the recorded tokenizer is gone.
    """
    manifest = data.manifest
    vocabulary, duplicates = VocabularyUse(manifest["tokenizer"]["vocab_size"]), DuplicateCounter()
    counts = LengthCounts()
    lengths: dict[str, npt.NDArray[np.int32]] = {}
    for name, split in data.items():
        tokens = [np.empty(0, np.int32)]
        for batch in split.to_arrow().to_batches():
            rows = row_lengths(batch)
            counts.add_rows(rows)
            vocabulary.add_batch(batch)
            duplicates.add_batch(batch)
            tokens.append(rows[:, 2])
        lengths[name] = np.concatenate(tokens)
    limit = max_length or manifest["options"].get("max_length") or max(1, counts.longest)
    tokenizer = find_recorded_tokenizer(manifest["tokenizer"])
    return {
        **{key: manifest[key] for key in _FROM_MANIFEST},
        "flagged": manifest.content.get("flagged", {}),
        **counts.summarize(),
        "histograms": counts.histograms(),
        "fit": measure_fit(lengths, limit, batch_size),
        "duplicates": duplicates.duplicates,
        "text": None if tokenizer is None else vocabulary.summarize(tokenizer),
        "languages": None if tokenizer is None else sample_languages(data, tokenizer),
        "by": by,
        "groups": {} if by is None else group_stats(data, by),
    }
