"""The languages of the targets, in a sample of rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from sftdata.loading.dataset import Dataset
from sftdata.tokenizing.decoder import Decoder
from sftdata.tokenizing.tokenizer import Tokenizer

_SAMPLE_ROWS = 400
_FEWEST_CHARS = 20  # of a target; the language of shorter ones is not guessed


def sample_languages(data: Dataset, tokenizer: Tokenizer) -> dict[str, Any]:
    """The number of sampled rows, and rows by language; short texts count as "unknown".

    The sample is spread evenly over the rows.
    """
    from sftdata.reading.languages import identify

    decoder = Decoder(tokenizer, show_control=False)
    step = max(1, sum(map(len, data.values())) // _SAMPLE_ROWS)
    ids = [e.input_ids[e.label_mask] for split in data.values() for e in split[::step]]
    offsets = np.cumsum([0, *map(len, ids)])
    flat = np.concatenate(ids) if ids else np.empty(0, np.int32)
    texts = decoder.decode(flat, offsets, continues=True).to_pylist()
    found = ["unknown"] * len(texts)
    long = [i for i, text in enumerate(texts) if len(text) >= _FEWEST_CHARS]
    for i, (language, _) in zip(long, identify([texts[i] for i in long]), strict=True):
        found[i] = language
    counts = {language: found.count(language) for language in set(found)}
    by_count = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    return {"sampled_rows": len(texts), "rows": by_count}
