"""Row batches: their texts are those an independent decoder reads from the rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.oracle import OracleTokenizer
from support.places import REAL_TOKENIZERS

from sftdata.building.build import build
from sftdata.inspecting.doctor import diagnose
from sftdata.inspecting.doctor.context import read_context
from sftdata.inspecting.doctor.dataset import read_batches
from sftdata.loading.dataset import load


@pytest.mark.real
@pytest.mark.parametrize("name", REAL_TOKENIZERS)
def test_the_text_that_is_checked_is_that_of_the_rows(
    shared: Path, name: str, tmp_path: Path
) -> None:
    tokenizer = shared / "tokenizers" / name
    lines = (shared / "golden" / "summarize.jsonl").read_text().splitlines()[:400]
    Path("rows.jsonl").write_text("\n".join(lines))
    build("summarize", data="rows.jsonl", tokenizer=tokenizer, out="out", fields={"id": "none"})
    data, oracle = load("out"), OracleTokenizer(tokenizer)
    end = oracle.full.id_to_token(oracle.eos_id)
    for rows in read_batches(data, read_context(data), {}):
        examples = data[rows.split]
        for place, *texts in rows.pairs(np.ones(len(rows), np.bool_)):
            example = examples[place]
            parts = oracle.decode_parts(example.input_ids.tolist(), example.target_start)
            assert tuple(texts) == parts
            assert end not in texts[1]
    damaging = {"bos-doubled", "bos-missing", "eos-not-in-loss", "loss-outside-target"}
    assert damaging.isdisjoint(finding.id for finding in diagnose(data))
