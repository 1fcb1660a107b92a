"""Mixing: shares, repeats, and rows that two sources have in common."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.forty_rows import SPEC, rows

from sftdata.building.build import build
from sftdata.errors import GoldenSetError
from sftdata.loading.dataset import load
from sftdata.writing.ledger import Ledger


def write_mixture(tokenizer: Path, sizes: dict[str, range], sources: str) -> None:
    """A source for each name, with those of the forty rows, and the mixture `mix.toml`."""
    for name, numbers in sizes.items():
        golden = [rows()[number] for number in numbers]
        Path(f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in golden))
        spec = SPEC.format(tokenizer=tokenizer).replace("rows.jsonl", f"{name}.jsonl")
        Path(f"{name}.toml").write_text("split = { train = 1 }\n" + spec)
    Path("mix.toml").write_text(f'task = "mixed"\nsplit = {{ train = 1 }}\n{sources}')


def mix() -> tuple[Any, list[str]]:
    manifest = build(spec="mix.toml", out="out").manifest
    return manifest, [example.row_id for example in load("out")["train"]]


def test_weights_are_shares_of_the_training_rows(byte_tokenizer: Path) -> None:
    sources = "".join(
        f'[[sources]]\nspec = "{name}.toml"\nweight = {weight}\n'
        for name, weight in (("a", 3.0), ("b", 1.0))
    )
    write_mixture(byte_tokenizer, {"a": range(10), "b": range(10, 20)}, sources)
    manifest, ids = mix()
    counts = manifest["stats"]["by_source"]
    shares = [counts[name]["rows"] + counts[name]["repeated"] for name in ("a", "b")]
    assert shares[0] == 3 * shares[1]
    assert set(ids) == {f"r{i}" for i in range(20)}  # small sources are repeated, none thinned out


def test_a_cap_leaves_the_rest_in_the_ledger(byte_tokenizer: Path) -> None:
    sources = '[[sources]]\nspec = "a.toml"\ncap = 4\n[[sources]]\nspec = "b.toml"\n'
    write_mixture(byte_tokenizer, {"a": range(10), "b": range(10, 20)}, sources)
    manifest, _ = mix()
    assert manifest["dropped"]["over_cap"] == 6
    assert manifest["rows_in"] == manifest["rows_out"] + sum(manifest["dropped"].values())


def test_a_row_of_two_sources_is_in_the_mixture_once(byte_tokenizer: Path) -> None:
    sources = '[[sources]]\nspec = "a.toml"\n[[sources]]\nspec = "b.toml"\n'
    write_mixture(byte_tokenizer, {"a": range(10), "b": range(5, 15)}, sources)
    manifest, ids = mix()
    assert sorted(ids) == sorted(f"r{i}" for i in range(15))
    lines = [line for line in Ledger.read(manifest).lines if line.reason == "duplicate"]
    assert [line.row_id for line in lines] == [f"r{i}" for i in range(5, 10)]


def test_sources_that_use_the_same_ids_for_other_rows_need_a_prefix(byte_tokenizer: Path) -> None:
    sources = '[[sources]]\nspec = "a.toml"\n[[sources]]\nspec = "b.toml"\nmax_dropped = 1\n'
    write_mixture(byte_tokenizer, {"a": range(10), "b": range(10)}, sources)
    Path("b.jsonl").write_text(Path("b.jsonl").read_text().replace("says", "tells"))
    with pytest.raises(GoldenSetError, match="10 of 10 rows of the source 'b'") as caught:
        mix()
    assert 'id_prefix = "b"' in str(caught.value)
    Path("mix.toml").write_text(Path("mix.toml").read_text() + 'id_prefix = "b"\n')
    manifest, ids = mix()
    assert (manifest["rows_out"], manifest["dropped"]) == (20, {})
    assert sorted(ids) == sorted([*(f"r{i}" for i in range(10)), *(f"b/r{i}" for i in range(10))])


def test_a_mixture_says_what_it_replaces(byte_tokenizer: Path) -> None:
    sources = '[[sources]]\nspec = "a.toml"\n'
    write_mixture(byte_tokenizer, {"a": range(10)}, sources)
    mix()
    said: list[str] = []
    Path("c.jsonl").write_bytes(Path("a.jsonl").read_bytes().replace(b"says", b"tells"))
    Path("a.toml").write_text(Path("a.toml").read_text().replace("a.jsonl", "c.jsonl"))
    build(spec="mix.toml", out="out", report=said.append)
    assert said == ["Replaced the dataset in out: it held 10 rows of a.jsonl."]


def test_shares_are_planned_and_reached(byte_tokenizer: Path) -> None:
    sources = "".join(
        f'[[sources]]\nspec = "{name}.toml"\nweight = {weight}\n'
        for name, weight in (("a", 3.0), ("b", 1.0))
    )
    write_mixture(byte_tokenizer, {"a": range(10), "b": range(10, 20)}, sources)
    manifest, _ = mix()
    shares = [(s["planned_share"], s["share"]) for s in manifest["stats"]["by_source"].values()]
    assert shares == [(0.75, 0.75), (0.25, 0.25)]


def test_a_source_whose_rows_an_earlier_one_has_is_named(byte_tokenizer: Path) -> None:
    sources = '[[sources]]\nspec = "a.toml"\n[[sources]]\nspec = "b.toml"\n'
    write_mixture(byte_tokenizer, {"a": range(10), "b": range(4, 10)}, sources)
    said: list[str] = []
    manifest = build(spec="mix.toml", out="out", report=said.append).manifest
    assert said == [
        "Warning: 6 of 6 rows of the source 'b' say the same as rows of earlier sources and are "
        'dropped. To keep them, put this into its table: duplicates = "keep" and id_prefix = "b"'
    ]
    assert manifest["stats"]["by_source"]["b"]["left_out"] == {"duplicate": 6}
    details = {line.row_id: line.detail for line in Ledger.read(manifest).lines}
    assert details["r7"] == "says the same as row 'r7' of the source 'a'"
    table = 'duplicates = "keep"\nid_prefix = "b"\n'
    Path("mix.toml").write_text(Path("mix.toml").read_text() + table)
    assert mix()[0]["rows_out"] == 16


def test_a_source_without_a_training_row_is_named(byte_tokenizer: Path) -> None:
    sources = "max_repeats = 1\n" + "".join(
        f'[[sources]]\nspec = "{name}.toml"\nweight = {weight}\n'
        for name, weight in (("a", 1.0), ("b", 99.0))
    )
    write_mixture(byte_tokenizer, {"a": range(10), "b": range(10, 20)}, sources)
    said: list[str] = []
    build(spec="mix.toml", out="out", report=said.append)
    assert said == [
        "Warning: no training row of the source 'a' is in the mixture: its share of 1.0% is less "
        "than a row. Raise max_repeats or its weight."
    ]
