"""The floor of a build: read, encode and write the same bytes, and nothing else.

    python floor.py FOLDER BYTES OUT DATA.jsonl [DATA.jsonl]

FOLDER is the output of record_floor.py. Before the clock starts, modules are imported and the texts
are in memory as one Arrow column. Then, one after another:

* read:   the bytes of each input file
* parse:  its JSON lines with pyarrow, on all cores
* load:   one engine, from the tokenizer's JSON
* encode: all texts in one call of the engine, on all cores, with an empty cache
* write:  BYTES bytes (ids, repeated) with one SHA-256 and one fsync

There is no rendering, mask, check, row id, journal or second digest.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from pathlib import Path

import awkward as ak
import gigatoken
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.json as pj

_BLOCK = 4 << 20


def main(folder: str, size: str, out: str, *data: str) -> None:
    """Run, and print the seconds of each part as JSON."""
    table = pa.ipc.open_file(pa.OSFile(str(Path(folder) / "texts.arrow"))).read_all()
    texts = table.combine_chunks().column("text").chunk(0)
    tokenizer = (Path(folder) / "engine.json").read_bytes()
    parts: dict[str, float] = {}
    clock = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal clock
        now = time.perf_counter()
        parts[name] = parts.get(name, 0.0) + now - clock
        clock = now

    for path in data:
        content = Path(path).read_bytes()
        lap("read")
        rows = pj.read_json(pa.BufferReader(content), pj.ReadOptions(block_size=_BLOCK))
        lap("parse")
        del content, rows
    engine = gigatoken.Tokenizer.from_json(tokenizer)
    lap("load")
    ids = _encode(engine, texts)
    lap("encode")
    _write(ids.view(np.uint8).data, int(size), Path(out) / "bytes")
    lap("write")
    print(json.dumps({"seconds": sum(parts.values()), "parts": parts, "tokens": len(ids)}))


def _encode(engine: gigatoken.Tokenizer, texts: pa.LargeStringArray) -> npt.NDArray[np.uint32]:
    _, offsets, data = texts.buffers()
    documents = ak.contents.ListOffsetArray(
        ak.index.Index64(np.frombuffer(offsets, np.int64)[: len(texts) + 1]),
        ak.contents.NumpyArray(np.frombuffer(data, np.uint8), parameters={"__array__": "char"}),
        parameters={"__array__": "string"},
    )
    return np.asarray(engine.encode_batch(ak.Array(documents)).layout.content.data)


def _write(ids: memoryview, size: int, path: Path) -> None:
    digest = hashlib.sha256()
    with path.open("wb") as file:
        left = size
        while left:
            block = ids[: min(left, len(ids))]
            digest.update(block)
            file.write(block)
            left -= len(block)
        file.flush()
        os.fsync(file.fileno())
    digest.hexdigest()


if __name__ == "__main__":
    main(*sys.argv[1:])
