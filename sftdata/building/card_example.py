"""The example that a dataset card shows: the first row of the training split, decoded.

The manifest records it, so that a card is written from the manifest alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson
import pyarrow as pa
import xxhash

from sftdata.base.cache import read_content, write_content
from sftdata.spec.split_names import training_split
from sftdata.tokenizing.decode_row import decode_row
from sftdata.tokenizing.tokenizer import Tokenizer
from sftdata.writing.shards import Shard

_HEAD, _TAIL = 1500, 500  # characters of a long text that are kept


def describe_example(
    tokenizer: Tokenizer, folder: Path, shards: Mapping[str, Sequence[Shard]], *, is_chat: bool
) -> dict[str, str] | None:
    """The manifest's entry of the example; None without training rows. `shards` lie in `folder`."""
    split = training_split(shards)
    if split is None or not shards[split]:
        return None
    with pa.memory_map(str(folder / shards[split][0].file)) as mapped:
        row = pa.ipc.open_file(mapped).get_batch(0).slice(0, 1).to_pylist()[0]
    ids, start = row["input_ids"], row["target_start"]
    # As `render_prompt` gives the text: without the BOS of a plain prompt and the last token.
    first = int(not is_chat and ids[0] == tokenizer.bos_id)
    prompt, target = _decode(tokenizer, ids[first:-1], start - first)
    return {
        "split": split,
        "row_id": row["row_id"],
        "template": row["template"],
        "prompt": _shorten(prompt),
        "target": _shorten(target),
    }


def _decode(tokenizer: Tokenizer, ids: Sequence[int], start: int) -> tuple[str, str]:
    """`decode_row`, cached: a large `tokenizer.json` takes up to a second to parse."""
    name = xxhash.xxh3_128(orjson.dumps([tokenizer.sha256, start, *ids])).hexdigest()
    data = read_content("example", name)
    if data is not None:
        prompt, target = orjson.loads(data)
        return prompt, target
    prompt, target = decode_row(tokenizer, ids, start)
    write_content("example", name, orjson.dumps([prompt, target]))
    return prompt, target


def _shorten(text: str) -> str:
    left_out = len(text) - _HEAD - _TAIL
    if left_out <= 0:
        return text
    return f"{text[:_HEAD]}\n… {left_out:,} characters …\n{text[-_TAIL:]}"
