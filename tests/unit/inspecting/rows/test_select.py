"""Which rows are chosen by id, place, chance, task, template, length and ledger reason."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from support.plain import build_plain

from sftdata.errors import SftdataError
from sftdata.inspecting.rows.select import RowFilter, choose_rows, find_rows
from sftdata.loading.dataset import Dataset
from sftdata.writing.ledger import read_ledger

ROWS = [
    {"id": f"r{i}", "article": f"word {i} " * (1 + i % 7), "summary": f"s{i}"} for i in range(60)
]
LONG = [{"id": f"long{i}", "article": "Many words here. " * 40, "summary": "x"} for i in range(4)]
BAD = [{"id": "empty", "article": "", "summary": "x"}]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, byte_tokenizer: Path) -> Dataset:
    folder = tmp_path_factory.mktemp("choosing")
    rows = [*ROWS, *LONG, *BAD]
    return build_plain(folder, rows, max_length=250, max_dropped=5, tokenizer=byte_tokenizer)


def ids(rows: list[tuple[str, Any]]) -> set[str]:
    return {example.row_id for _, example in rows}


def test_rows_are_chosen_by_id_index_or_at_random(data: Dataset) -> None:
    (row,) = choose_rows(data, split="train", index=4)
    assert row[1].row_id == data["train"][4].row_id
    assert [e.row_id for _, e in choose_rows(data)] == [data["train"][i].row_id for i in range(3)]
    first = [e.row_id for _, e in choose_rows(data, sample=5, seed=1)]
    assert first == [e.row_id for _, e in choose_rows(data, sample=5, seed=1)]
    assert len(set(first)) == 5
    assert first != [e.row_id for _, e in choose_rows(data, sample=5, seed=2)]
    assert len(choose_rows(data, sample=10_000)) == len(ROWS) + len(LONG)
    assert {name for name, _ in choose_rows(data, split="test", sample=99)} == {"test"}


def test_a_row_that_is_not_there_is_an_error_with_a_place_to_look(data: Dataset) -> None:
    with pytest.raises(SftdataError, match=r"'nope'(?s:.*)sftdata ledger"):
        choose_rows(data, row_id="nope")
    for index in (-1, 10_000):
        with pytest.raises(SftdataError, match=str(index)):
            choose_rows(data, index=index)
    with pytest.raises(SftdataError, match="Did you mean 'train'"):
        choose_rows(data, split="trian")


def test_every_row_is_found_by_its_id(data: Dataset) -> None:
    for name, split in data.items():
        for place, example in enumerate(split):
            ((found_in, found),) = choose_rows(data, row_id=example.row_id)
            assert (found_in, found.row_id) == (name, example.row_id)
            assert found.input_ids.tolist() == split[place].input_ids.tolist()


def test_rows_are_chosen_by_length(data: Dataset) -> None:
    everything = {e.row_id: len(e.input_ids) for split in data.values() for e in split}
    wanted = RowFilter(min_tokens=130, max_tokens=145)
    expected = {row_id for row_id, length in everything.items() if 130 <= length <= 145}
    assert 0 < len(expected) < len(everything)
    assert ids(choose_rows(data, wanted=wanted, limit=100)) == expected
    train = ids(choose_rows(data, wanted=wanted, split="train", limit=100))
    assert train == expected & {e.row_id for e in data["train"]}


def test_rows_are_chosen_by_what_the_ledger_says(data: Dataset) -> None:
    found = ids(choose_rows(data, wanted=RowFilter(reason="max_length"), limit=100))
    lines = read_ledger(data.manifest, "max_length").to_pylist()
    assert found == {line["row_id"] for line in lines} == {f"long{i}" for i in range(4)}


def test_a_sample_and_an_index_count_in_the_rows_that_meet_the_conditions(data: Dataset) -> None:
    wanted = RowFilter(reason="max_length")
    assert ids(choose_rows(data, wanted=wanted, sample=99, seed=3)) == {
        f"long{i}" for i in range(4)
    }
    found = choose_rows(data, wanted=wanted, limit=100)
    assert choose_rows(data, wanted=wanted, index=3)[0][1].row_id == found[3][1].row_id
    with pytest.raises(SftdataError, match="Choose from 4 rows"):
        choose_rows(data, wanted=wanted, index=4)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (RowFilter(task="sumarize"), "Did you mean 'summarize'"),
        (RowFilter(template="summarize/artcle"), "Did you mean 'summarize/article@1.0.0'"),
        (RowFilter(reason="max_lenght"), "Did you mean 'max_length'"),
        (RowFilter(reason="empty_field"), "was dropped(?s:.*)sftdata ledger"),
        (RowFilter(min_tokens=5000), "No row of train"),
        (RowFilter(finding="email-adress"), "Did you mean 'email-address'"),
        (RowFilter(finding="secret-key"), "finds nothing(?s:.*)sftdata doctor"),
    ],
)
def test_what_no_row_has_is_an_error_with_a_way_out(
    data: Dataset, wanted: RowFilter, message: str
) -> None:
    with pytest.raises(SftdataError, match=message):
        choose_rows(data, wanted=wanted)


def test_the_task_and_the_template_of_the_dataset_let_every_row_through(data: Dataset) -> None:
    for template in ("summarize/article", "summarize/article@1.0.0"):
        wanted = RowFilter(task="summarize", template=template)
        assert len(find_rows(data, list(data), wanted)) == len(ROWS) + len(LONG)


def test_choosing_by_id_or_length_reads_no_tokens(data: Dataset) -> None:
    # Python sees only what is copied out of the mapped shards.
    choose_rows(data, row_id="r7")
    tracemalloc.start()
    choose_rows(data, row_id="r8")
    find_rows(data, list(data), RowFilter(min_tokens=10))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000
