"""Every export of plain rows, chats, conversations and a mixture has the ids and labels of ours."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from support.exported import READERS

from sftdata import build, load
from sftdata.cli.export import read_rows
from sftdata.exporting.export import export
from sftdata.exporting.formats import FORMATS
from sftdata.loading.dataset import Dataset
from sftdata.loading.packing import plan_packs, write_plan

_MIXTURE = """
task = "mix"
tokenizer = "{tokenizer}"
chat = true
[[sources]]
spec = "summarize"
weight = 1
[[sources]]
spec = "chat"
weight = 2
"""
_ROWS = 150  # of each golden set


def build_kind(kind: str, shared: Path) -> Dataset:
    """A dataset of a golden set, the bundled conversations or a mixture, with a real tokenizer."""
    tokenizer = str(shared / "tokenizers" / "qwen3")
    if kind == "mix":
        Path("pipelines").mkdir()
        Path("pipelines/mix.toml").write_text(_MIXTURE.format(tokenizer=tokenizer))
        build("mix", out="out")
    elif kind == "chat":
        build("chat", out="out", tokenizer=tokenizer)
    else:
        with (shared / "golden" / f"{kind}.jsonl").open(encoding="utf-8") as file:
            Path("rows.jsonl").write_text("".join(islice(file, _ROWS)), "utf-8")
        options: dict[str, Any] = {"chat": True} if kind == "qa" else {}
        build(kind, data="rows.jsonl", out="out", tokenizer=tokenizer, max_dropped=90, **options)
    return load("out")


@pytest.mark.real
@pytest.mark.parametrize("kind", ["summarize", "grammar", "qa", "translate", "chat", "mix"])
def test_all_formats_hold_the_same_rows(kind: str, shared: Path) -> None:
    data = build_kind(kind, shared)
    longest = max(int(split.lengths.max()) for split in data.values())
    ours = {
        name: [(row.input_ids.tolist(), row.labels.tolist()) for row in split]
        for name, split in data.items()
    }
    for name, split in data.items():
        write_plan(data.manifest, name, plan_packs(split.lengths, longest))
    for form, chosen in FORMATS.items():
        max_length = longest if chosen.needs_pack_plan else None
        export(Path("out"), form, Path(form), max_length=max_length, read_rows=read_rows)
        for name, rows in ours.items():
            if form in READERS:
                found = READERS[form](Path(form), name)
                by_pack = form == "megatron-packed"  # in the order of its packs
                assert (sorted(found) if by_pack else found) == (sorted(rows) if by_pack else rows)
                continue
            text = Path(form, f"{name}.jsonl").read_text("utf-8")
            lines = [json.loads(line) for line in text.split("\n")[:-1]]
            if form == "messages":
                assert sorted(x["id"] for x in lines) == sorted(r.row_id for r in data[name])
            else:
                assert len(lines) == sum(map(count_stretches, rows))


def count_stretches(row: tuple[list[int], list[int]]) -> int:
    labels = row[1]
    pairs = zip([-100, *labels], labels, strict=False)
    return sum(before == -100 and label != -100 for before, label in pairs)
