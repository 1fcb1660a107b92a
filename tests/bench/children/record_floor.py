"""Record the texts that a build encodes, for its floor.

    python record_floor.py FOLDER ARGUMENTS OF sftdata build

Builds once into FOLDER/dataset and records each column of text before it is encoded: rendered
prompts and targets, and each pool of shots once. Texts that a build encodes to check itself are
left out. Writes FOLDER/texts.arrow, a single column, and FOLDER/engine.json, the tokenizer for
gigatoken.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from sftdata.cli.build import command
from sftdata.examples import encode, fit
from sftdata.examples.layout import DrawnColumn, Segment
from sftdata.tokenizing.engines import GigatokenEngine


def main(folder: Path, arguments: Sequence[str]) -> None:
    """Build and write the two files."""
    columns: list[pa.LargeStringArray] = []
    pools: set[tuple[str, ...]] = set()
    engines: list[bytes] = []
    encode_segments, load = encode.encode_segments, GigatokenEngine._load

    def record_texts(segments: Sequence[Segment], encoder: Any) -> Any:
        for content in (segment.content for segment in segments):
            if isinstance(content, DrawnColumn):
                if content.name not in pools:
                    pools.add(content.name)
                    columns.append(content.values)
            elif isinstance(content, pa.LargeStringArray):
                columns.append(content)
        return encode_segments(segments, encoder)

    def record_engine(engine: GigatokenEngine) -> Any:
        engines.append(engine._content)
        return load(engine)

    for owner, name, function in (
        (fit, "encode_segments", record_texts),
        (GigatokenEngine, "_load", record_engine),
    ):
        setattr(owner, name, function)
    command.main([*arguments, "--out", str(folder / "dataset")], standalone_mode=False)
    if not columns or not engines:
        raise SystemExit("the fast engine encoded no text, so there is no floor")
    (folder / "engine.json").write_bytes(engines[0])
    schema = pa.schema([("text", pa.large_string())])
    with pa.ipc.new_file(str(folder / "texts.arrow"), schema) as writer:
        for column in columns:
            writer.write_batch(pa.record_batch([column], schema=schema))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
