"""Hostile text in every field, id and file name: shown by every command, acted on by nothing."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from support.browser import Server, listening, needs_browser, open_page
from support.injection import PAGE, PAYLOADS, raw

from sftdata.building.build import build
from sftdata.inspecting.rows.select import RowFilter, find_rows
from sftdata.loading.dataset import load
from sftdata.spec.load import load_spec
from sftdata.writing.card import render_files

_SGR = re.compile(r"\x1b\[[0-9;]*m")
_CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True)
class Hostile:
    """A dataset of hostile rows."""

    folder: Path
    spec: Path
    payloads: list[str]
    server: Server


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    """Each payload as id, article and summary of a row, in the id of a dropped row, and in the
    name of the file the two stand in; all of them in the spec and one in the folder's name."""
    with listening() as server:
        payloads = [text.replace("127.0.0.1:9/", f"127.0.0.1:{server.port}/") for text in PAYLOADS]
        root = tmp_path_factory.mktemp("injection")
        files = _write_rows(root, payloads, "s")
        spec = root / "spec.toml"
        spec.write_text(_spec(" ".join(payloads)))
        folder = root / "out\x1b]0;PWNED\x07<script>\u202e[bold]"
        build(spec=spec, data=files, out=folder, max_dropped=60)
        yield Hostile(folder, spec, payloads, server)


def _write_rows(folder: Path, payloads: list[str], word: str) -> list[Path]:
    """A file for each payload, with a row that is kept and one that is dropped."""
    files = []
    for number, text in enumerate(payloads):
        rows = [
            {"id": text, "article": f"{text} a {text}", "summary": f"{word} {text}"},
            {"id": f"dropped {text}", "article": "", "summary": text},
        ]
        name = text.replace("/", "∕").encode()[:180].decode(errors="ignore")
        files.append(folder / f"{number} {name}.jsonl")
        files[-1].write_text("".join(json.dumps(row) + "\n" for row in rows))
    return files


def _spec(text: str) -> str:
    quoted = json.dumps(text.replace("\x7f", ""), ensure_ascii=True)
    # TOML has no surrogate pairs.
    quoted = re.sub(
        r"\\u(d[89ab]..)\\u(d[c-f]..)",
        lambda m: f"\\U{0x10000 + ((int(m[1], 16) & 0x3FF) << 10) + (int(m[2], 16) & 0x3FF):08x}",
        quoted,
    )
    return f"""
task = "task\\u001b]0;PWNED\\u0007\\n\\u202e<img src=x onerror=alert(1)>[bold]"
description = {quoted}
license = {quoted}
language = [{quoted}]
data = ["unset"]
template = "summarize/article"
tokenizer = "tokenizers/small"
[fields]
id = "id"
article = "article"
summary = "summary"
"""


def sftdata(*arguments: str | Path) -> str:
    """What a command prints on both streams."""
    done = subprocess.run(
        [sys.executable, "-m", "sftdata", *map(str, arguments)], capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode() + done.stderr.decode()


def test_there_are_enough_payloads() -> None:
    assert len(set(PAYLOADS)) == len(PAYLOADS) >= 60


# --- terminal ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["inspect", "--limit", "500", "--view", "text", "--view", "tokens", "--view", "labels"],
        ["inspect", "--random", "500", "--json"],
        ["ledger"],
        ["ledger", "--json"],
        ["stats"],
        ["doctor"],
        ["verify"],
    ],
    ids=" ".join,
)
def test_no_command_prints_what_a_terminal_acts_on(hostile: Hostile, arguments: list[str]) -> None:
    printed = sftdata(arguments[0], hostile.folder, *arguments[1:])
    assert raw(printed) == set()
    assert len(printed) > 50


def test_every_payload_is_shown_and_read_back_exactly(hostile: Hostile) -> None:
    lines = sftdata("inspect", hostile.folder, "--random", "500", "--json").splitlines()
    shown = {row["row_id"]: row for row in map(json.loads, lines)}
    assert set(shown) == set(hostile.payloads)
    for text, row in shown.items():
        assert f"Article:\n{text} a {text}\n" in row["prompt"]
        assert row["target"] == f"s {text}"


def test_a_line_break_in_an_id_forges_no_line(hostile: Hostile) -> None:
    printed = sftdata("inspect", hostile.folder, "--row", "# heading\n\n- list\n\n---\n")
    assert printed.startswith("# heading\\n\\n- list\\n\\n---\\n  ")


def test_on_a_terminal_colours_are_all_there_is_besides(hostile: Hostile) -> None:
    command = ("inspect", str(hostile.folder), "--limit", "500", "--view", "text")
    coloured = on_a_terminal(*command, columns=10_000)  # no line is wrapped
    assert "\x1b[1;32m" in coloured
    shown = _SGR.sub("", coloured).replace("\r\n", "\n")
    assert shown == re.sub("[«»]", "", sftdata(*command))  # which stand for the colours


def on_a_terminal(*arguments: str, keys: str = "", columns: int = 160) -> str:
    """What a command writes on a terminal where `keys` are typed, one after the other."""
    import pty
    import termios

    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, columns))
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    environment |= {"TERM": "xterm-256color", "COLUMNS": str(columns)}
    shown = b""
    with subprocess.Popen(
        [sys.executable, "-m", "sftdata", *arguments], stdout=theirs, stdin=theirs, stderr=theirs,
        env=environment,
    ) as process:  # fmt: skip
        os.close(theirs)
        waiting = list(keys)
        os.set_blocking(ours, False)
        last = time.monotonic()
        while True:
            try:
                block = os.read(ours, 65536)
            except BlockingIOError:
                if waiting and shown and time.monotonic() - last > 0.15:
                    os.write(ours, waiting.pop(0).encode())
                    last = time.monotonic()
                time.sleep(0.01)
                continue
            except OSError:  # how a terminal whose program has ended reads
                break
            if not block:
                break
            shown += block
            last = time.monotonic()
        assert process.wait(60) == 0
    os.close(ours)
    return shown.decode()


# --- full-screen ---------------------------------------------------------------------------------


def test_no_screen_of_the_browser_holds_what_a_terminal_acts_on(hostile: Hostile) -> None:
    from sftdata.inspecting.rows.tui import Browser

    data = load(hostile.folder)
    rows = find_rows(data, list(data), RowFilter())

    async def look() -> str:
        app, shown = Browser(rows), ""
        async with app.run_test(size=(80, 24)) as pilot:
            for number in range(len(rows)):
                await pilot.press("down" if number % 24 else "lit"[number // 24 % 3])
                shown += app.export_screenshot()
        return shown

    screens = asyncio.run(look())
    assert raw(screens) == set()
    assert "PWNED" in screens


def test_a_terminal_gets_no_sequence_of_the_data_from_the_browser(hostile: Hostile) -> None:
    written = on_a_terminal("inspect", str(hostile.folder), "--tui", keys="j" * 12 + "q")
    for sequence in ("\x1b]0;PWNED", "\x1b]52;", "\x1b]8;;http", "\x1b]1337", "\x1bP$q", "\x1bc"):
        assert sequence not in written
    of_textual = "\x1b]22;default\x07"  # the shape of the pointer
    assert not set(written.replace(of_textual, "")) & set("\x9b\x9d\x90\x07\u202e\u2066\u200b")
    assert "Article:" in written


# --- pages ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pages(hostile: Hostile) -> dict[str, Path]:
    pages = {name: hostile.spec.with_name(f"{name}.html") for name in ("rows", "report", "diff")}
    sftdata("inspect", hostile.folder, "--random", "500", "--html", pages["rows"])
    sftdata("report", hostile.folder, "-o", pages["report"], "--against", hostile.folder)
    other = hostile.spec.with_name("other")
    other.mkdir()
    files = _write_rows(other, hostile.payloads, "another word")
    build(spec=hostile.spec, data=files, out=other / "out", max_dropped=60)
    sftdata("diff", hostile.folder, other / "out", "--html", pages["diff"])
    return pages


class Elements(HTMLParser):
    """The elements and attributes of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: dict[str, set[str]] = {}
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, set()).add(value or "")

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", ["rows", "report", "diff"])
def test_a_page_has_only_the_elements_it_is_made_of(pages: dict[str, Path], name: str) -> None:
    page = pages[name].read_text()
    found = Elements(page)
    assert found.elements <= {
        "html", "head", "meta", "title", "link", "style", "body", "main", "h1", "h2", "h3", "p",
        "nav", "a", "div", "span", "section", "details", "summary", "table", "thead", "tbody",
        "tr", "th", "td", "code", "b", "figure", "svg", "rect", "line", "text",
        "del", "ins", "fieldset", "legend", "label", "input", "q",
    }  # fmt: skip
    assert found.attributes.keys() <= {
        "lang", "charset", "http-equiv", "content", "name", "rel", "href", "class", "id", "title",
        "data-row", "data-split", "data-target-start", "data-view", "viewbox", "role",
        "aria-label", "open", "type", "checked", "x", "y", "x1", "x2", "y1", "y2", "width",
        "height", "text-anchor",
    }  # fmt: skip
    assert all(value.startswith("#") or value == "data:," for value in found.attributes["href"])
    assert _CSP in found.attributes["content"]
    assert raw(page) == set()
    assert "onerror=" in found.text, "the payloads are shown"


@needs_browser
@pytest.mark.parametrize("name", ["rows", "report", "diff"])
def test_in_a_browser_a_page_runs_nothing_and_asks_for_nothing(
    pages: dict[str, Path], name: str, hostile: Hostile
) -> None:
    opened = open_page(pages[name])
    assert "PWNED" not in opened.title.replace("\\x1b]0;PWNED", "")
    assert opened.console == []
    assert hostile.server.asked == []


@needs_browser
def test_the_browser_would_tell_if_a_payload_were_let_through(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    with listening() as server:
        hot = "".join(PAGE).replace("127.0.0.1:9/", f"127.0.0.1:{server.port}/")
        hot = hot.replace("<meta http-equiv=refresh", "<meta")  # it would leave the page
        page.write_text(f"<title>safe</title><body>{hot}")
        assert open_page(page).title == "PWNED"
        assert "/img" in server.asked
        server.asked.clear()
        # The policy of our pages alone, with nothing escaped: still nothing runs or is asked for.
        policy = f'<meta http-equiv="Content-Security-Policy" content="{_CSP}">'
        page.write_text(f"{policy}<title>safe</title><body>{hot}")
        opened = open_page(page)
        assert opened.title == "safe"
        assert any("Content Security Policy" in line for line in opened.console)
        assert server.asked == []


# --- card ----------------------------------------------------------------------------------------


def test_the_card_shows_hostile_text_and_holds_no_markup_of_it(hostile: Hostile) -> None:
    import yaml

    spec = load_spec(file=hostile.spec)
    files = render_files(spec, load(hostile.folder).manifest.content)
    for content in files.values():
        assert raw(content.decode()) == set()
    head, _, text = files["README.md"].decode().removeprefix("---\n").partition("\n---\n")
    found = yaml.safe_load(head)
    assert found.keys() == {
        "license", "language", "task_categories", "size_categories", "tags", "configs",
    }  # fmt: skip
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    inline = [child for token in tokens for child in token.children or []]
    kinds = {token.type for token in (*tokens, *inline)}
    assert not {kind for kind in kinds if kind.startswith(("html", "link", "em", "strong"))}
    assert [t.attrs["src"] for t in inline if t.type == "image"] == [
        "plots/lengths.svg", "plots/tokens.svg",
    ]  # fmt: skip
    assert [t.content for t in tokens if t.type == "fence"] == [
        t.content for t in MarkdownIt().parse(text) if t.type == "fence"
    ]
    assert len([t for t in tokens if t.type == "heading_open"]) == 6
    assert "document.title" in "".join(token.content for token in inline)


def test_the_built_card_is_free_of_it_too(hostile: Hostile) -> None:
    assert raw((hostile.folder / "README.md").read_text()) == set()
