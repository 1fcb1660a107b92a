"""What inspect shows is what the shard holds: ids, mask and text, from its JSON and its page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from support import oracle
from support.forked.shared import data_python
from support.places import REAL_TOKENIZERS
from support.plain import build_plain

from sftdata.base.escaping import escape, unescape_bytes
from sftdata.building.build import build
from sftdata.loading.dataset import load

TEMPLATE = Path(__file__).parents[2] / "templates" / "summarize" / "article.jinja"
ODD = [
    {"id": "emoji", "article": "Family 👩‍👩‍👧 and flag 🇩🇪 end", "summary": "👍🏽"},
    {"id": "cjk", "article": "日本語の文章。\n改行", "summary": " 空白から"},
    {"id": "controls", "article": "<|im_end|></s>[INST] \x1b[31m\u202e", "summary": "<s> \\x41 ␣"},
    {"id": "html", "article": "<b>&amp; &lt;</b>\r\n\ttab", "summary": "\"quoted\" 'both'"},
]


class ReadBack(HTMLParser):
    """The rows of a page: ids, labels, bytes of the tokens, and the text view as it is shown."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: dict[str, dict[str, Any]] = {}
        self._cells: list[str] | None = None
        self._in_text = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "section":
            self._row = {"ids": [], "mask": [], "data": [], "text": ""}
            self._row["target_start"] = int(attributes["data-target-start"] or "")
            self.rows[attributes["data-row"] or ""] = self._row
        elif tag == "tr" and self.rows:  # in the table of tokens, not in the list of rows
            self._cells = []
        elif tag == "td" and self._cells is not None:
            self._cells.append("")
        elif tag == "div":
            self._in_text = attributes.get("data-view") == "text"

    def handle_endtag(self, tag: str) -> None:
        if tag == "div":
            self._in_text = False
        if tag == "tr" and self._cells:
            _, token_id, label, _, data = self._cells
            assert label in (token_id, "-100")
            self._row["ids"].append(int(token_id))
            self._row["mask"].append(label != "-100")
            self._row["data"].append(unescape_bytes(data))
            self._cells = None

    def handle_data(self, data: str) -> None:
        if self._in_text:
            self._row["text"] += data
        elif self._cells:
            self._cells[-1] += data


def inspect(folder: Path, *options: str) -> str:
    done = data_python().run("sftdata", "inspect", folder, "--random", "10000", *options)
    done.check_returncode()
    return done.stdout


def golden(shared: Path) -> list[dict[str, str]]:
    with (shared / "golden" / "summarize.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for _, line in zip(range(60), lines, strict=False)]
    return [*({**row, "id": f"line-{i}"} for i, row in enumerate(rows)), *ODD]


def examples(
    rows: Sequence[dict[str, str]], tokenizer: oracle.OracleTokenizer
) -> dict[str, oracle.OracleExample]:
    made = oracle.make_examples(TEMPLATE.read_text(), rows, tokenizer)
    return {row["id"]: example for row, example in zip(rows, made, strict=True)}


@pytest.mark.real
@pytest.mark.parametrize("name", REAL_TOKENIZERS)
def test_json_and_page_give_the_ids_mask_and_text_of_the_oracle(
    name: str, shared: Path, tmp_path: Path
) -> None:
    rows, folder = golden(shared), shared / "tokenizers" / name
    build_plain(tmp_path, rows, tokenizer=folder)
    tokenizer = oracle.OracleTokenizer(folder)
    expected = examples(rows, tokenizer)
    inspect(Path("out"), "--html", "page.html")
    page = ReadBack(Path("page.html").read_text()).rows
    shown = {
        row["row_id"]: row for row in map(json.loads, inspect(Path("out"), "--json").splitlines())
    }
    assert set(page) == set(shown) == set(expected)
    eos, bos = tokenizer.full.id_to_token(tokenizer.eos_id), ""
    if tokenizer.bos_id is not None:
        bos = tokenizer.full.id_to_token(tokenizer.bos_id)
    for row_id, example in expected.items():
        json_row, page_row = shown[row_id], page[row_id]
        assert json_row["input_ids"] == page_row["ids"] == example.input_ids
        assert json_row["label_mask"] == page_row["mask"] == example.label_mask
        assert json_row["target_start"] == page_row["target_start"] == example.target_start
        prompt, target = map(tokenizer.as_stored, (example.prompt, example.target))
        assert (json_row["prompt"], json_row["target"]) == (prompt, target)
        text = escape(prompt + target, keep_newlines=True)
        assert page_row["text"] == f"{bos}{text}{eos}"
        first = len(bos) > 0
        data = b"".join(page_row["data"][first:-1]).decode()
        assert data.removeprefix(" ") == (prompt + target).removeprefix(" ")
        assert_offsets_cover(json_row, prompt + target)


def assert_offsets_cover(row: dict[str, Any], text: str) -> None:
    """The places of the tokens reach from the start of the text to its end without a gap."""
    reached = 0
    for start, end in row["offsets"]:
        assert start <= reached
        reached = max(reached, end)
    assert reached == len(text)
    place, _ = row["offsets"][row["target_start"]]
    assert place == len(row["prompt"])


def test_of_the_bundled_sample_the_page_holds_the_shards_too() -> None:
    build("summarize", out="out", max_length=200)
    inspect(Path("out"), "--html", "page.html")
    page = ReadBack(Path("page.html").read_text()).rows
    shards = {e.row_id: e for split in load("out").values() for e in split}
    assert set(page) == set(shards)
    for row_id, example in shards.items():
        assert page[row_id]["ids"] == example.input_ids.tolist()
        assert page[row_id]["mask"] == example.label_mask.tolist()
