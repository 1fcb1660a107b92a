"""How a dataset uses its vocabulary, how often its rows repeat, and its languages."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sftdata.base.arrow import to_numbers
from sftdata.base.hashing import hash_token_rows
from sftdata.base.schema import row_offsets
from sftdata.errors import SftdataError
from sftdata.inspecting.rows.inspector import Inspector
from sftdata.loading.dataset import Dataset
from sftdata.tokenizing.decoder import Decoder

_SAMPLE_ROWS = 400
_FEWEST_CHARS = 20  # of a text whose language is worth a guess


class TokenUse:
    """Counts of ids and hashes of rows; grows by batches."""

    def __init__(self, vocab_size: int) -> None:
        self._counts = np.zeros(vocab_size, np.int64)
        self._hashes: list[npt.NDArray[np.uint64]] = []

    def add(self, batch: pa.RecordBatch) -> None:
        """Takes the rows of a shard's batch."""
        offsets = row_offsets(batch)
        ids = to_numbers(batch.column("input_ids").values)
        found = np.bincount(ids[offsets[0] : offsets[-1]], minlength=len(self._counts))
        self._counts += found[: len(self._counts)]
        self._hashes.append(hash_token_rows(ids, offsets[:-1], offsets[1:]))

    @property
    def duplicates(self) -> int:
        """Rows whose ids are those of an earlier row."""
        hashes = np.concatenate([np.empty(0, np.uint64), *self._hashes])
        hashes.sort()
        return int((hashes[1:] == hashes[:-1]).sum())

    def summary(self, data: Dataset) -> dict[str, Any] | None:
        """Vocabulary coverage, characters per token, shares of unknown and byte-fallback tokens.

        None where the tokenizer is gone or another one than that of the build.
        """
        try:
            tokenizer = Inspector(data).tokenizer
        except SftdataError:
            return None
        table = Decoder(tokenizer, show_control=False).token_table
        is_text = np.ones(tokenizer.vocab_size, np.bool_)
        is_text[list(tokenizer.control_tokens.values())] = False
        tokens = int(self._counts[is_text].sum())
        unknown = _unknown_id(tokenizer.spec["model"])
        return {
            "vocabulary_used": int((self._counts > 0).sum()),
            "vocabulary_coverage": round(float((self._counts > 0).mean()), 6),
            "chars_per_token": round(float(self._counts @ table.chars / max(tokens, 1)), 4),
            "unknown_share": _share(0 if unknown is None else self._counts[unknown], tokens),
            "byte_fallback_share": _share(self._counts[table.is_part].sum(), tokens),
        }


def sample_languages(data: Dataset) -> dict[str, Any] | None:
    """Languages of the targets of a sample, and of how many rows; None without the tokenizer.

    The sample is spread evenly over the rows; texts under 20 characters count as "unknown".
    """
    from sftdata.reading.languages import identify

    try:
        decoder = Decoder(Inspector(data).tokenizer, show_control=False)
    except SftdataError:
        return None
    rows = sum(map(len, data.values()))
    step = max(1, rows // _SAMPLE_ROWS)
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


def _unknown_id(model: dict[str, Any]) -> int | None:
    if model.get("unk_id") is not None:
        return int(model["unk_id"])
    unknown = model.get("unk_token")
    return model["vocab"].get(unknown) if isinstance(model["vocab"], dict) else None


def _share(part: int, whole: int) -> float:
    return round(float(part) / whole, 6) if whole else 0.0
