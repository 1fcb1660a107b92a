"""The page of `inspect --html`: a list by target, turns, and folded rows where there are many."""

from __future__ import annotations

import re
from pathlib import Path

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
    assert '<a href="#target-1">A summary, number' in page
    assert 'id="row-1"' in page
    assert '<p class="turn" id="target-1">taught, ' in page
    assert page.count("<summary>Tokens</summary>") == 4


def test_a_page_of_a_thousand_rows_is_under_5_mb_and_says_what_it_leaves_out(data: Dataset) -> None:
    page = render_rows(data, inspected(data) * 250)
    assert len(page.encode()) < 5_000_000
    assert "<summary>Tokens</summary>" not in page
    assert "labels and single tokens are left out" in page
    assert "A summary, number 3." in page


def test_rows_are_filtered_by_style_alone(tmp_path: Path) -> None:
    data = build_plain(
        tmp_path,
        [
            {"id": "mail", "article": "Write to jane@mail.acme.co. " * 3, "summary": "An address."},
            {"id": "cut", "article": "Long words. " * 400, "summary": "Words."},
            {"id": "plain", "article": "Short words. " * 9, "summary": "Few."},
            {"id": "short", "article": "Short.", "summary": "Few."},
        ],
        max_length=128,
    )
    page = render_rows(data, inspected(data))
    for title, label in (("ledger", "max_length"), ("finding", "email-address")):
        found = re.search(rf'name="{title}" id="([a-z]+-\d)"> {label} <span .*?>1<', page)
        assert found, title
        assert f"main:has(#{found[1]}:checked) .row:not(.{found[1]})" in page
        assert len(re.findall(rf'class="example row [^"]*\b{found[1]}\b', page)) == 1
    assert "Warning: e-mail addresses: <q>jane@mail.acme.co</q>" in page
    assert "<script" not in page
