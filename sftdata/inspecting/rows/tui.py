"""The full-screen browser of rows, with search, filter and the next outlier."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.suggester import Suggester
from textual.widgets import Footer, Input, Static
from textual.worker import get_current_worker

from sftdata.base.escaping import escape
from sftdata.errors import SftdataError
from sftdata.inspecting.rows.inspector import Inspector
from sftdata.inspecting.rows.outliers import Outlier, find_outliers
from sftdata.inspecting.rows.search import find_text
from sftdata.inspecting.rows.select import RowSet
from sftdata.inspecting.rows.terminal import to_rich
from sftdata.inspecting.rows.typed_filter import (
    CONDITIONS,
    complete,
    filter_rows,
    list_conditions,
)
from sftdata.inspecting.rows.views import Span, View, heading, short_line, view_spans
from sftdata.loading.dataset import Example
from sftdata.tokenizing.decoder import Decoder

_ABOVE, _BELOW = 3, 6  # lines around the start of the target that are in sight
_WORDS = 16  # tokens of the target that a row is listed by


def browse(rows: RowSet) -> None:
    """Runs the browser until its user quits."""
    Browser(rows).run()


class RowList(ScrollView, can_focus=True):
    """A list of any number of rows; only the lines on the screen are rendered."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "move(-20)", "Page up", show=False),
        Binding("pagedown", "move(20)", "Page down", show=False),
        Binding("home", "go(0)", "First", show=False),
        Binding("end", "go(-1)", "Last", show=False),
    ]

    class Chosen(Message):
        """Another row is the current one; `why` is shown beside it."""

        def __init__(self, why: str = "") -> None:
            super().__init__()
            self.why = why

    def __init__(self, rows: RowSet, first_words: Callable[[Example], str]) -> None:
        super().__init__(id="rows")
        self.rows = rows
        self._first_words = lru_cache(maxsize=256)(lambda number: first_words(self.rows[number][1]))
        self.number = 0
        self.virtual_size = Size(0, len(rows))

    def show(self, rows: RowSet) -> None:
        """Lists these rows and goes to the first."""
        self.rows = rows
        self._first_words.cache_clear()
        self.number = 0
        self.virtual_size = Size(0, len(rows))
        self.scroll_to(0, 0, animate=False)
        self.refresh()
        self.post_message(self.Chosen())

    def action_move(self, by: int) -> None:
        """Goes `by` rows down."""
        self.choose(max(0, min(self.number + by, len(self.rows) - 1)))

    def action_go(self, number: int) -> None:
        """Goes to a row; -1 is the last."""
        self.choose(number if number >= 0 else len(self.rows) - 1)

    def choose(self, number: int, why: str = "") -> None:
        """Makes the row with this number the current one."""
        self.number = number
        self.scroll_to_region(Region(0, number, 1, 1), animate=False)
        self.refresh()
        self.post_message(self.Chosen(why))

    def render_line(self, y: int) -> Strip:
        """Line `y` of the screen."""
        number = y + int(self.scroll_offset.y)
        if number >= len(self.rows):
            return Strip.blank(self.size.width)
        split, example = self.rows[number]
        words = self._first_words(number)
        text = f"{len(example.input_ids):>7,} {split[:5]:5} {escape(words)}"
        style = Style(reverse=number == self.number)
        return Strip([Segment(text, style)]).adjust_cell_length(self.size.width, style)


class Browser(App[None]):
    """The rows on the left, the current row on the right, an input line below."""

    CSS = """
    #rows { width: 36; border-right: solid $surface-lighten-2; scrollbar-size-vertical: 1;
      overflow-x: hidden; }
    .-wide #rows { width: 64; }
    .-narrow Horizontal { layout: vertical; }
    .-narrow #rows { width: 1fr; height: 8; border-right: none;
      border-bottom: solid $surface-lighten-2; }
    #row { padding: 0 1; }
    #status { height: auto; max-height: 4; padding: 0 1; text-style: bold; }
    #line { display: none; }
    #line.open { display: block; }
    """
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 (textual declares it without `ClassVar`)
        (0, "-narrow"),
        (72, "-usual"),
        (140, "-wide"),
    ]
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        ("f", "type('filter')", "Filter"),
        ("slash", "type('search')", "Search"),
        ("n", "search_again", "Next"),
        ("o", "outlier", "Outlier"),
        ("t", "view('turns')", "Turns"),
        ("x", "view('text')", "Text"),
        ("i", "view('tokens')", "Tokens"),
        ("l", "view('labels')", "Labels"),
        ("q", "quit", "Quit"),
        ("escape", "close", "Close"),
    ]

    def __init__(self, rows: RowSet) -> None:
        super().__init__()
        self._rows = rows
        self._inspector = Inspector(rows.data)
        self._view: View = "turns"
        self._wanted = ""
        self._typing = ""
        self._shown_filter = ""
        self._outliers: list[Outlier] | None = None

    @cached_property
    def _decoder(self) -> Decoder:
        return Decoder(self._inspector.tokenizer)

    def compose(self) -> ComposeResult:
        """The widgets of the screen."""
        yield Static(id="status")
        with Horizontal():
            yield RowList(self._rows, self._first_words)
            with VerticalScroll(id="pane"):
                yield Static(id="row")
        yield Input(id="line", compact=True)
        yield Footer(compact=True)

    def _first_words(self, example: Example) -> str:
        start = example.target_start
        ids = example.input_ids[start : start + _WORDS].tolist()
        return short_line(self._inspector.texts.decode(ids, show_control=False))

    @property
    def _list(self) -> RowList:
        return self.query_one(RowList)

    def on_mount(self) -> None:
        """Starts on the first row."""
        self._list.focus()
        self._show_row()
        self._show_status("")

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        """Shows the current row."""
        self._show_row()
        self._show_status(event.why)

    def action_view(self, view: View) -> None:
        """Changes the view of the current row."""
        self._view = view
        self._show_row()

    def action_type(self, purpose: str) -> None:
        """Opens the input line for a search or a filter."""
        line = self.query_one("#line", Input)
        self._typing = purpose
        line.placeholder = "text or part of a row id" if purpose == "search" else "all rows"
        line.suggester = _Completer(list_conditions(self._rows)) if purpose == "filter" else None
        line.value = ""
        if purpose == "filter":
            self._show_status(f"filter by {'= '.join(CONDITIONS)}=; the key → completes")
        line.add_class("open")
        line.focus()

    def action_close(self) -> None:
        """Closes the input line and stops a search."""
        self.workers.cancel_group(self, "search")
        self.query_one("#line", Input).remove_class("open")
        self._list.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Starts the typed search or filter."""
        self.action_close()
        if self._typing == "filter":
            self._filter(event.value.strip())
        elif event.value:
            self._wanted = event.value
            self._search(self._list.number)

    def action_search_again(self) -> None:
        """Goes to the next row that has the searched text."""
        if self._wanted:
            self._search(self._list.number + 1)

    @work(thread=True, exclusive=True, group="search")
    def _search(self, start: int) -> None:
        worker, rows, wanted = get_current_worker(), self._list.rows, self._wanted
        self.call_from_thread(self._show_status, f"searching for '{wanted}' …")
        found = find_text(rows, self._decoder, wanted, start, lambda: not worker.is_cancelled)
        if worker.is_cancelled:
            return
        if found is None:
            self.call_from_thread(self._show_status, f"no row holds '{wanted}'")
        else:
            self.call_from_thread(self._list.choose, found)

    def action_outlier(self) -> None:
        """Goes to the next row with an unusual length."""
        if self._outliers is None:
            self._outliers = find_outliers(self._list.rows)
        later = [outlier for outlier in self._outliers if outlier.number > self._list.number]
        following = next(iter([*later, *self._outliers]), None)
        if following is None:
            self._show_status("no outlier")
            return
        why = f"{following.why}; {len(self._outliers):,} outliers"
        self._list.choose(following.number, why)

    @work(thread=True, exclusive=True, group="search")
    def _filter(self, typed: str) -> None:
        worker = get_current_worker()
        self.call_from_thread(self._show_status, "looking for the rows …")
        try:
            rows = filter_rows(self._rows, typed)
        except SftdataError as error:
            self.call_from_thread(self._show_status, str(error).replace("\n", " "))
            return
        if not worker.is_cancelled:
            self.call_from_thread(self._show_rows, rows, typed)

    def _show_rows(self, rows: RowSet, typed: str) -> None:
        self._shown_filter, self._outliers = typed, None
        self._list.show(rows)

    def _show_row(self) -> None:
        rows, shown = self._list.rows, self.query_one("#row", Static)
        if not len(rows):
            shown.update(Text("no row"))
            return
        inspected = self._inspector.inspect(*rows[self._list.number])
        spans = [Span(f"{heading(inspected)}\n\n", "note"), *view_spans(self._view, inspected)]
        shown.update(to_rich(spans))
        first = next((at for at, span in enumerate(spans) if "target" in span.mark), 0)
        self.call_after_refresh(self._go_to, to_rich(spans[:first]))

    def _go_to(self, before: Text) -> None:
        """Scrolls to the end of the text `before`, or to the top if it is in sight there."""
        pane = self.query_one("#pane", VerticalScroll)
        lines = before.wrap(self.console, max(pane.scrollable_content_region.width - 2, 1))
        past = len(lines) > pane.size.height - _BELOW
        pane.scroll_to(0, len(lines) - _ABOVE if past else 0, animate=False)

    def _show_status(self, message: str) -> None:
        rows = self._list
        place = f"{rows.number + 1:,} of {len(rows.rows):,}" if len(rows.rows) else "no row"
        parts = (self._rows.data.manifest.directory.name, place, self._shown_filter, message)
        text = "  ".join(part for part in parts if part)
        self.query_one("#status", Static).update(Text(escape(text)))


class _Completer(Suggester):
    """Completes the last word of a filter."""

    def __init__(self, conditions: list[str]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._conditions = conditions

    async def get_suggestion(self, value: str) -> str | None:
        """The whole line, completed."""
        return complete(value, self._conditions)
