"""The check on the boundary: does the whole text, encoded at once, give other ids?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sftdata.base.arrow import texts
from sftdata.inspecting.doctor.batch import RowBatch, find_control
from sftdata.inspecting.doctor.check import DatasetCheck, Hits
from sftdata.inspecting.doctor.dataset import CheckedDataset

_ENCODED_CHARS = 400_000  # of rows encoded again to find examples
_ENCODED_ROWS = 500  # of a batch


def _boundary(dataset: CheckedDataset) -> Hits | None:
    certificate = dataset.data.manifest["certificate"]
    rows = certificate["rows"]
    merged = rows - certificate["whole_text_equal"]
    unlike = rows - certificate["prompt_equal"]
    if not merged and not unlike:
        return None
    detail = f"prompt + target encoded at once gives other ids for {merged:,} of {rows:,} rows"
    if unlike:
        detail += f"; the prompt's ids are not its plain encoding for {unlike:,}"
    return Hits(_merged_rows(dataset), detail, count=max(merged, unlike))


def _merged_rows(dataset: CheckedDataset) -> npt.NDArray[np.int64]:
    """The first rows whose whole text encodes to other ids, among the first rows of each batch.

    Ends after `_ENCODED_CHARS`: the certificate has the count, and these are only examples.
    """
    from sftdata.tokenizing.encoder import REFERENCE, load_encoder

    encoder, left = load_encoder(dataset.context.tokenizer, REFERENCE), _ENCODED_CHARS
    found: list[int] = []
    for first, batch in dataset.batches():
        rows = RowBatch(
            batch.split, batch.batch.slice(0, _ENCODED_ROWS), batch.context, batch.templates
        )
        if rows.context.is_chat or left <= 0:
            break
        whole = [prompt + target for _, prompt, target in rows.pairs(np.ones(len(rows), np.bool_))]
        while whole and sum(map(len, whole)) > 2 * left:
            whole = whole[: len(whole) // 2]
        left -= sum(map(len, whole))
        encoded = encoder.encode_prompts(texts(whole))
        content = ~find_control(rows, rows.ids)
        starts = np.concatenate(([0], np.cumsum(content)))[rows.offsets]
        ids = rows.ids[content]
        for row in range(len(whole)):
            in_shard = ids[starts[row] : starts[row + 1]]
            at_once = encoded.ids[encoded.offsets[row] : encoded.offsets[row + 1]]
            if not np.array_equal(in_shard, at_once):
                found.append(first + row)
    return np.array(found, np.int64)


CHECKS = (
    DatasetCheck(
        "boundary-merge",
        "warning",
        "tokens merge over the boundary of prompt and target: the certificate is below 100 %",
        "End the prompt with exactly one newline and start the target with a visible character.",
        _boundary,
    ),
)
