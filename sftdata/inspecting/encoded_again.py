"""Encode the texts of a dataset's rows again, and compare the ids: the check of `verify --deep`.

The `tokenizers` library encodes them, one row after another: the reference, and none of the ways
that make a build fast (gigatoken, columns, blocks taken over).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from sftdata.base.arrow import texts
from sftdata.loading.dataset import Dataset, Split
from sftdata.loading.example import Batch
from sftdata.tokenizing.decoder import Decoder
from sftdata.tokenizing.encoder import REFERENCE, Encoder, load_encoder
from sftdata.tokenizing.recorded import find_recorded_tokenizer
from sftdata.tokenizing.tokenizer import Tokenizer

_ROWS = 256  # of a batch
_Bounds = npt.NDArray[np.int64]


@dataclass
class EncodedAgain:
    """Rows whose texts were encoded again, and how many of them keep their ids as one text."""

    rows: int = 0
    whole_text_equal: int = 0
    faults: list[str] = field(default_factory=list)
    reason: str | None = None  # why no row was encoded


def encode_again(data: Dataset, sample: int | None = None) -> EncodedAgain:
    """Encodes the stretches of text between control tokens; of `sample` rows, or of all.

    Only where each token has its own bytes does the text of a row say which ids it must have.
    """
    done = EncodedAgain()
    tokenizer = find_recorded_tokenizer(data.manifest["tokenizer"])
    if tokenizer is None:
        done.reason = "the recorded tokenizer is missing"
    elif not _is_exact(tokenizer):
        done.reason = "this tokenizer does not keep every character of a text"
    else:
        encoder, decoder = load_encoder(tokenizer, REFERENCE), Decoder(tokenizer)
        rows = sum(map(len, data.values()))
        step = 1 if sample is None else max(1, rows // sample)
        for split in data.values():
            for batch in _batches(split, step):
                _compare(batch, split.name, encoder, decoder, done)
    return done


def _is_exact(tokenizer: Tokenizer) -> bool:
    """Whether the bytes of a text's tokens are the text, wherever it stands."""
    decoder = tokenizer.spec.get("decoder") or {}
    is_exact = decoder.get("type") == "ByteLevel" and not tokenizer.continuation_differs
    normalizer = tokenizer.spec.get("normalizer")
    return is_exact and normalizer in (None, {"type": "NFC"}) and tokenizer.unk_id is None


def _batches(split: Split, step: int) -> Iterator[Batch]:
    for start in range(0, len(split), _ROWS * step):
        yield split[start : start + _ROWS * step : step].to_batch()


def _compare(
    batch: Batch, split: str, encoder: Encoder, decoder: Decoder, done: EncodedAgain
) -> None:
    control = np.fromiter(encoder.tokenizer.control_ids, np.int32)
    is_control = np.isin(batch.input_ids, control)
    starts = batch.offsets[:-1] + batch.target_start
    seams = np.flatnonzero(np.diff(batch.label_mask)) + 1  # where a taught stretch begins or ends
    beside = np.flatnonzero(np.diff(is_control)) + 1
    bounds = np.unique(np.concatenate([batch.offsets, starts, seams, beside]))
    wrong = _find_other_ids(batch.input_ids, bounds, is_control, encoder, decoder)
    rows = np.searchsorted(batch.offsets, wrong, side="right") - 1
    for row in np.unique(rows).tolist():
        done.faults.append(
            f"{split}, row '{batch.row_id[row]}': its text, encoded again, has other ids"
        )
    whole = np.unique(np.concatenate([batch.offsets, beside]))
    merged = _find_other_ids(batch.input_ids, whole, is_control, encoder, decoder)
    merged_rows = np.unique(np.searchsorted(batch.offsets, merged, side="right") - 1)
    done.rows += len(batch.row_id)
    done.whole_text_equal += len(batch.row_id) - len(merged_rows)


def _find_other_ids(
    ids: npt.NDArray[np.int32],
    bounds: _Bounds,
    is_control: npt.NDArray[np.bool_],
    encoder: Encoder,
    decoder: Decoder,
) -> _Bounds:
    """Where each stretch between two bounds begins whose text has other ids."""
    stretches = [(a, b) for a, b in pairwise(bounds.tolist()) if not is_control[a]]
    decoded = [decoder.decode(ids[a:b], np.array([0, b - a]))[0].as_py() for a, b in stretches]
    again = encoder.encode_prompts(texts(decoded))
    return np.array(
        [
            a
            for at, (a, b) in enumerate(stretches)
            if not np.array_equal(ids[a:b], again.ids[again.offsets[at] : again.offsets[at + 1]])
        ],
        np.int64,
    )
