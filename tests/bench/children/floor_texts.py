"""Writes down what the floor of a build has to do: the texts that the build encodes.

    python floor_texts.py FOLDER ARGUMENTS OF sftdata build

Builds once into FOLDER/set and notes every column of text on its way to the engine: prompts and
targets as they are rendered, each pool of shots once, and nothing that a build encodes to check
itself (the vocabulary, a sample of the rows, the words beside a seam). Into FOLDER go texts.arrow,
a single column, and engine.json, the tokenizer as gigatoken takes it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from sftdata.cli.build import command
from sftdata.examples import encode as encode_module
from sftdata.examples import fit as drafts
from sftdata.examples.layout import DrawnColumn, Stretch
from sftdata.tokenizing.engines import GigatokenEngine


def main(folder: Path, arguments: Sequence[str]) -> None:
    """Builds and writes the two files."""
    columns: list[pa.LargeStringArray] = []
    pools: set[tuple[str, ...]] = set()
    engines: list[bytes] = []
    encode, load = encode_module.encode_stretches, GigatokenEngine._load

    def noted(stretches: Sequence[Stretch], encoder: Any) -> Any:
        for content in (stretch.content for stretch in stretches):
            if isinstance(content, DrawnColumn):
                if content.name not in pools:
                    pools.add(content.name)
                    columns.append(content.values)
            elif isinstance(content, pa.LargeStringArray):
                columns.append(content)
        return encode(stretches, encoder)

    def noted_load(engine: GigatokenEngine) -> Any:
        engines.append(engine._content)
        return load(engine)

    for owner, name, function in (
        (drafts, "encode_stretches", noted),
        (GigatokenEngine, "_load", noted_load),
    ):
        setattr(owner, name, function)
    command.main([*arguments, "--out", str(folder / "set")], standalone_mode=False)
    if not columns or not engines:
        raise SystemExit("no text went through the fast engine: there is nothing to compare with")
    (folder / "engine.json").write_bytes(engines[0])
    schema = pa.schema([("text", pa.large_string())])
    with pa.ipc.new_file(str(folder / "texts.arrow"), schema) as writer:
        for column in columns:
            writer.write_batch(pa.record_batch([column], schema=schema))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
