"""The full-screen browser, driven by keys without a terminal."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Awaitable, Callable

import pytest
from support.plain import build_plain
from textual.pilot import Pilot

from sftdata.inspecting.rows.select import RowFilter, RowSet, find_rows
from sftdata.inspecting.rows.tui import Browser

ROWS = [{"id": f"r{i}", "article": f"Number {i}.", "summary": f"Sum {i}."} for i in range(300)]
ROWS[100] |= {"article": "Write to jane@mail.acme.co."}
ROWS[150] |= {"article": "A needle in [bold]hay[/bold]."}
ROWS[200] |= {"summary": "Long words. " * 30}
ROWS[201] |= {"article": "Very long. " * 300}

Script = Callable[[Pilot[None]], Awaitable[None]]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> RowSet:
    data = build_plain(tmp_path_factory.mktemp("browser"), ROWS, max_length=600)
    return find_rows(data, list(data), RowFilter())


def drive(rows: RowSet, script: Script, size: tuple[int, int] = (120, 40)) -> None:
    async def run() -> None:
        async with Browser(rows).run_test(size=size) as pilot:
            await pilot.pause()
            await script(pilot)

    asyncio.run(run())


def screen(pilot: Pilot[None]) -> str:
    """The text on the screen, its lines joined."""
    pieces = re.findall(r"<text [^>]*>(.*?)</text>", pilot.app.export_screenshot())
    return html.unescape("".join(pieces)).replace("\xa0", " ")


async def enter(pilot: Pilot[None], key: str, text: str) -> None:
    await pilot.press(key, *({" ": "space"}.get(char, char) for char in text), "enter")
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


def row_id(rows: RowSet, number: int) -> str:
    return rows[number][1].row_id


def test_it_starts_on_the_first_row_and_moves(rows: RowSet) -> None:
    async def script(pilot: Pilot[None]) -> None:
        assert "1 of 300" in screen(pilot)
        assert f"{row_id(rows, 0)}  train  summarize" in screen(pilot)
        await pilot.press("down", "j", "j", "up")
        assert "3 of 300" in screen(pilot)
        assert f"{row_id(rows, 2)}  train  summarize" in screen(pilot)
        await pilot.press("end")
        assert f"{row_id(rows, 299)}  test  summarize" in screen(pilot)
        await pilot.press("down", "home", "up")
        assert "1 of 300" in screen(pilot)

    drive(rows, script)


def test_rows_are_listed_by_their_target_and_open_at_it(rows: RowSet) -> None:
    async def script(pilot: Pilot[None]) -> None:
        assert f" train Sum {row_id(rows, 0)[1:]}." in screen(pilot)
        await enter(pilot, "slash", "r201")
        assert "Sum 201.<|endoftext|>" in screen(pilot)
        await pilot.press("i")
        await pilot.pause()
        assert re.search(r"\d+-\d+  S", screen(pilot))  # the first token of the target
        assert "characters  bytes" not in screen(pilot)  # the first line

    drive(rows, script)


def test_the_views_are_a_key_away(rows: RowSet) -> None:
    async def script(pilot: Pilot[None]) -> None:
        assert "Summary:" in screen(pilot)
        await pilot.press("i")
        assert re.search(r"-100 +\d+-\d+  ␣a", screen(pilot))
        await pilot.press("l")
        assert "not in the loss (-100)" in screen(pilot)
        await pilot.press("x")
        assert "Summary:" in screen(pilot)
        await pilot.press("t")
        assert "── not taught" in screen(pilot)

    drive(rows, script)


def test_search_goes_to_the_row_and_shows_markup_as_text(rows: RowSet) -> None:
    async def script(pilot: Pilot[None]) -> None:
        await enter(pilot, "slash", "NEEDLE in")
        assert "r150  " in screen(pilot)
        assert "A needle in [bold]hay[/bold]." in screen(pilot)
        await enter(pilot, "slash", "not there")
        assert "no row holds 'not there'" in screen(pilot)
        assert "r150  " in screen(pilot)

    drive(rows, script)


def test_search_again_goes_to_the_next_match(rows: RowSet) -> None:
    expected = [n for n in range(len(rows)) if re.match("r29", row_id(rows, n))]

    async def script(pilot: Pilot[None]) -> None:
        await enter(pilot, "slash", "r29")
        for number in expected:
            assert f"{row_id(rows, number)}  " in screen(pilot)
            await enter(pilot, "n", "")

    drive(rows, script)


def test_filter_by_split_length_and_reason(rows: RowSet) -> None:
    async def script(pilot: Pilot[None]) -> None:
        await enter(pilot, "f", "split=test")
        assert f"1 of {len(rows.places['test'])}" in screen(pilot)
        await enter(pilot, "f", "reason=max_length")
        assert "1 of 1" in screen(pilot)
        assert "r201  " in screen(pilot)
        assert "[cut]" in screen(pilot)
        await enter(pilot, "f", "min=100 max=590")
        assert "1 of 1" in screen(pilot)
        assert "r200  " in screen(pilot)
        await enter(pilot, "f", "")
        assert "1 of 300" in screen(pilot)

    drive(rows, script)


def test_filter_by_a_finding_with_its_name_completed(rows: RowSet) -> None:
    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("f", *"finding=ema")
        await pilot.pause()
        assert "finding=email-address" in screen(pilot)
        await pilot.press("right", "enter")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert "1 of 1  finding=email-address" in screen(pilot)
        assert "r100  " in screen(pilot)

    drive(rows, script)


@pytest.mark.parametrize("size", [(40, 30), (80, 30), (200, 30)])
def test_the_list_and_the_target_are_in_sight_at_any_width(
    rows: RowSet, size: tuple[int, int]
) -> None:
    first = rows[0][1].row_id[1:]

    async def script(pilot: Pilot[None]) -> None:
        assert f" train Sum {first}." in screen(pilot)
        assert f"Sum {first}.<|endoftext|>" in screen(pilot)
        assert pilot.app.query_one("#row").region.width >= 36

    drive(rows, script, size)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("splitt=test", "Did you mean 'split'"),
        ("split=tst", "Did you mean 'test'"),
        ("min=many", "'many' is not a number of tokens"),
        ("reason=max_lenght", "Did you mean 'max_length'"),
    ],
)
def test_a_wrong_filter_says_why_and_changes_nothing(
    rows: RowSet, typed: str, message: str
) -> None:
    async def script(pilot: Pilot[None]) -> None:
        await enter(pilot, "f", typed)
        assert message in screen(pilot)
        assert "1 of 300" in screen(pilot)

    drive(rows, script)


def test_a_filter_that_no_row_passes_shows_none(rows: RowSet) -> None:
    async def script(pilot: Pilot[None]) -> None:
        await enter(pilot, "f", "min=5000")
        assert "no row" in screen(pilot)
        await pilot.press("down", "o", "end", "i")
        await enter(pilot, "slash", "x")
        assert "no row" in screen(pilot)

    drive(rows, script)


def test_the_next_outlier_is_a_key_away_and_says_why(rows: RowSet) -> None:
    async def script(pilot: Pilot[None]) -> None:
        seen = set()
        for _ in range(12):
            await pilot.press("o")
            await pilot.pause()
            shown = screen(pilot)
            seen |= {name for name in ("r200", "r201") if f"{name}  train" in shown}
        assert "than in other rows" in screen(pilot)
        assert seen == {"r200", "r201"}

    drive(rows, script)
