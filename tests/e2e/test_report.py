"""The report: its numbers agree with the shards, and a browser opens it without a warning."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from support.browser import listening, needs_browser, open_page
from support.plain import build_plain

from sftdata.building.build import build
from sftdata.inspecting.doctor import diagnose
from sftdata.inspecting.pages.report import Glimpse, render_report
from sftdata.inspecting.rows.inspector import Inspector
from sftdata.inspecting.rows.views import view_spans
from sftdata.loading.dataset import load


class Page(HTMLParser):
    """A report as a reader sees it: the text, and the cells of every table row."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.rows: list[list[str]] = []
        self._style = False
        self._in_cell = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._style = tag == "style"
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        if not self._style:
            self.text += data
        if self._in_cell:
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`a`: 300 rows, some cut, dropped and suspicious; `b`: half of them and ten others."""
    folder = tmp_path_factory.mktemp("report")
    rows = [
        {"id": f"r{i}", "article": f"Article {i}. " * (1 + i % 9), "summary": f"Sum {i}."}
        for i in range(300)
    ]
    rows += [{"id": f"bad{i}", "article": "", "summary": "x"} for i in range(5)]
    rows += [{"id": "long", "article": "Very long. " * 300, "summary": "Long."}]
    rows += [{"id": "todo", "article": "Something", "summary": "TODO"}]
    others = [*rows[:150], *({**row, "id": f"new-{row['id']}"} for row in rows[:10])]
    for name, these in (("a", rows), ("b", others)):
        build_plain(folder, these, name, max_length=400, max_dropped=5)
    return folder


@pytest.fixture(scope="module")
def page(folder: Path) -> Page:
    return Page(render_report(load(folder / "a")))


def sftdata(*arguments: str | Path) -> Any:
    return subprocess.run(
        [sys.executable, "-m", "sftdata", *arguments], capture_output=True, timeout=60, check=True
    )


def test_the_tiles_and_the_table_of_splits_count_the_shards(page: Page, folder: Path) -> None:
    data = load(folder / "a")
    examples = {name: list(split) for name, split in data.items()}
    for name, rows in examples.items():
        tokens = sum(len(e.input_ids) for e in rows)
        in_loss = sum(int(e.label_mask.sum()) for e in rows)
        numbers = [f"{len(rows):,}", f"{tokens:,}", f"{in_loss:,}", f"{in_loss / tokens:.1%}"]
        assert [name, *numbers] in [row[:5] for row in page.rows]
    total = sum(len(e.input_ids) for rows in examples.values() for e in rows)
    assert f"{total:,}\ntokens" in re.sub(r"(?<=\d)(?=tokens)", "\n", page.text)
    longest = max(len(e.input_ids) for rows in examples.values() for e in rows)
    (template,) = (row for row in page.rows if row[0] == "summarize/article@1.0.0" and len(row) > 2)
    assert template[-1] == f"{longest:,}"


def test_the_first_screen_answers_what_is_learnt_lost_and_wrong(page: Page, folder: Path) -> None:
    first = page.text.partition("Dropped, cut and flagged rows")[0]
    learnt, _, rest = first.partition("What was lost?")
    lost, _, wrong = rest.partition("What looks wrong?")
    data = load(folder / "a")
    assert f"{sum(int(s.target_counts.sum()) for s in data.values()):,} tokens count" in learnt
    assert "Summary:\nSum " in learnt
    assert "5 rows dropped: empty_field" in lost
    assert "1 row cut: max_length" in lost
    findings = diagnose(data)
    assert all(f"{f.title} ({f.count:,})" in wrong for f in findings)
    assert all(f.rows[0].quote in wrong for f in findings if f.rows)


def test_what_the_first_screen_marks_as_learnt_is_in_the_loss() -> None:
    data = load(build("chat", out="chat").manifest.directory)
    inspector, several = Inspector(data), 0
    for example in data["train"]:
        row = inspector.inspect("train", example)
        glimpse = Glimpse.of(row)
        shown = [span.text for span in glimpse.spans if span.mark.endswith("target")]
        in_loss = [span.text for span in view_spans("text", row) if span.mark.endswith("target")]
        several += len(shown) > 2
        assert "".join(in_loss).startswith("".join(shown))
        length = len("".join(span.text for span in view_spans("text", row)))
        kept = len("".join(span.text for span in glimpse.spans))
        assert kept + glimpse.before + glimpse.after == length
    assert several


def test_links_lead_to_what_is_on_the_page(folder: Path) -> None:
    page = render_report(load(folder / "a"))
    targets = re.findall(r'id="([^"]*)"', page)
    links = re.findall(r'href="#([^"]*)"', page)
    assert set(links) <= set(targets)
    assert len(targets) == len(set(targets))
    assert re.search(r'<a href="#row-\d+">todo</a></td><td>[^<]*a\.jsonl:307</td>', page)


def test_what_was_dropped_and_cut_is_told_with_rows(page: Page) -> None:
    losses = {tuple(row[:3]): row[3] for row in page.rows if len(row) == 4}
    assert "bad0" in losses["dropped", "empty_field", "5"]
    assert "a.jsonl:301: 'article' is empty" in losses["dropped", "empty_field", "5"]
    assert "article: kept" in losses["cut", "max_length", "1"]


def test_the_findings_are_the_doctors(page: Page, folder: Path) -> None:
    findings = diagnose(load(folder / "a"))
    assert any("todo" in finding.row_ids for finding in findings)
    for finding in findings:
        assert f"{finding.severity.capitalize()}: {finding.title} ({finding.count:,})" in page.text
        assert finding.way_out in page.text


def test_provenance_names_every_digest(page: Page, folder: Path) -> None:
    manifest = load(folder / "a").manifest
    digests = [s["sha256"] for s in manifest["sources"]]
    digests += [s["sha256"] for split in manifest["splits"].values() for s in split["shards"]]
    digests += [*manifest["template"].values(), manifest["tokenizer"]["sha256"], manifest["build"]]
    assert all(digest in page.text for digest in digests)
    certificate = manifest["certificate"]
    assert f"{certificate['whole_text_equal']:,} of {certificate['rows']:,} rows" in page.text


def test_a_second_dataset_is_compared(folder: Path) -> None:
    page = Page(render_report(load(folder / "a"), load(folder / "b")))
    assert "150 row ids are in both; 152 only in a, 10 only in b." in page.text
    assert ["rows", "302", "160"] in page.rows
    assert ["cut", "1", "0"] in page.rows
    assert "Comparison" not in Page(render_report(load(folder / "a"))).text


def test_datasets_in_folders_of_one_name_are_told_apart(folder: Path) -> None:
    page = Page(render_report(load(folder / "a"), load(folder / "a")))
    assert ["", "A: a", "B: a"] in page.rows


def test_the_same_dataset_gives_the_same_page(folder: Path) -> None:
    assert render_report(load(folder / "a")) == render_report(load(folder / "a"))
    assert render_report(load(folder / "a"), seed=5) != render_report(load(folder / "a"))


def test_the_report_of_a_single_row_is_whole() -> None:
    page = Page(render_report(build_plain(Path(), [{"article": "One.", "summary": "1"}])))
    assert "all 1 source rows are in the dataset" in page.text


@needs_browser
def test_it_opens_offline_and_silently(folder: Path) -> None:
    done = sftdata("report", folder / "a", "--against", folder / "b", "-o", "report.html")
    assert done.stdout == b""
    with listening() as server:
        opened = open_page(
            Path("report.html"),
            f"--proxy-server=127.0.0.1:{server.port}",
            "--proxy-bypass-list=<-loopback>",
        )
        assert [path for path in server.asked if "google" not in path] == []
    assert opened.console == []
    assert opened.title == "Dataset a"
    assert opened.dom.count("<rect") > 10


@needs_browser
def test_it_prints(folder: Path) -> None:
    Path("report.html").write_text(render_report(load(folder / "a")))
    open_page(Path("report.html"), "--print-to-pdf=report.pdf")
    content = Path("report.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    pages = content.count(b"/Type /Page\n")
    assert 2 <= pages <= 12
