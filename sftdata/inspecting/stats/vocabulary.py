"""The use of the vocabulary: coverage, characters per token, unknown and byte-fallback tokens."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from sftdata.base.arrow import to_numbers
from sftdata.base.schema import row_offsets
from sftdata.tokenizing.decoder import Decoder
from sftdata.tokenizing.tokenizer import Tokenizer


class VocabularyUse:
    """Counts how often each id occurs."""

    def __init__(self, vocab_size: int) -> None:
        self._counts = np.zeros(vocab_size, np.int64)

    def add_batch(self, batch: pa.RecordBatch) -> None:
        """Takes the rows of a shard's batch."""
        offsets = row_offsets(batch)
        ids = to_numbers(batch.column("input_ids").values)[offsets[0] : offsets[-1]]
        found = np.bincount(ids, minlength=len(self._counts))
        self._counts += found[: len(self._counts)]

    def summarize(self, tokenizer: Tokenizer) -> dict[str, Any]:
        """Coverage of the vocabulary, and characters and shares over all tokens but control."""
        table = Decoder(tokenizer, show_control=False).token_table
        is_text = np.ones(tokenizer.vocab_size, np.bool_)
        is_text[list(tokenizer.control_ids)] = False
        tokens = int(self._counts[is_text].sum())
        unknown = _unknown_id(tokenizer.spec["model"])
        return {
            "vocabulary_used": int((self._counts > 0).sum()),
            "vocabulary_coverage": round(float((self._counts > 0).mean()), 6),
            "chars_per_token": round(float(self._counts @ table.chars / max(tokens, 1)), 4),
            "unknown_share": _share(0 if unknown is None else self._counts[unknown], tokens),
            "byte_fallback_share": _share(self._counts[table.is_part].sum(), tokens),
        }


def _unknown_id(model: dict[str, Any]) -> int | None:
    """The id of the unknown token of a `tokenizer.json`'s model, if it has one."""
    if model.get("unk_id") is not None:
        return int(model["unk_id"])
    unknown = model.get("unk_token")
    return model["vocab"].get(unknown) if isinstance(model["vocab"], dict) else None


def _share(part: int, whole: int) -> float:
    return round(float(part) / whole, 6) if whole else 0.0
