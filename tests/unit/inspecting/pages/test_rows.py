"""The page of `inspect --html`: a list by target, turns, and folded rows where there are many."""

from __future__ import annotations

import pytest
from support.plain import build_plain

from sftdata.inspecting.pages.rows import render_rows
from sftdata.inspecting.rows.inspector import InspectedRow, Inspector
from sftdata.loading.dataset import Dataset


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    rows = [
        {"id": f"r{i}", "article": f"Long words {i}. " * 150, "summary": f"A summary, number {i}."}
        for i in range(4)
    ]
    return build_plain(tmp_path_factory.mktemp("page"), rows)


def inspected(data: Dataset) -> list[InspectedRow]:
    inspector = Inspector(data)
    return [inspector.inspect(name, row) for name in data for row in data[name]]


def test_a_row_is_listed_by_its_target_and_shown_turn_by_turn(data: Dataset) -> None:
    page = render_rows(data, inspected(data))
    assert '<a href="#row-1">A summary, number' in page
    assert 'id="row-1"' in page
    assert '<p class="turn">taught, ' in page
    assert page.count("<summary>Tokens</summary>") == 4


def test_a_page_of_a_thousand_rows_is_under_5_mb_and_says_what_it_leaves_out(data: Dataset) -> None:
    page = render_rows(data, inspected(data) * 250)
    assert len(page.encode()) < 5_000_000
    assert "<summary>Tokens</summary>" not in page
    assert "labels and single tokens are left out" in page
    assert "A summary, number 3." in page
