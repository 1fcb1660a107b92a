"""Warnings about datasets that are not fit for training yet."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.forty_rows import rows, write_rows

import sftdata
from sftdata.base.content import SMALL_TOKENIZER
from sftdata.building.dry_run import dry_run
from sftdata.building.result_warnings import describe_renamed, describe_result

SAMPLE = "samples/summarize.jsonl"


@pytest.mark.parametrize(
    ("templates", "tokenizer", "sources", "starts"),
    [
        (["a/b@1.0.0"], "gpt2", ["rows.jsonl"], []),
        (["a/b@draft"], "gpt2", ["rows.jsonl"], ["Warning: a/b@draft is a draft,"]),
        (
            ["a/b@draft", "a/c@1.0.0", "a/d@draft"],
            "gpt2",
            [],
            ["Warning: a/b@draft, a/d@draft are drafts,"],
        ),
        (["a/b@1.0.0"], SMALL_TOKENIZER, [SAMPLE], []),
        (["a/b@1.0.0"], SMALL_TOKENIZER, [SAMPLE, "rows.jsonl"], ["Warning: the rows were token"]),
    ],
)
def test_what_is_not_fit_for_training_is_said(
    templates: list[str], tokenizer: str, sources: list[str], starts: list[str]
) -> None:
    said = list(describe_result(templates, tokenizer, sources))
    assert len(said) == len(starts)
    assert all(line.startswith(start) for line, start in zip(said, starts, strict=True))


def test_sources_with_other_names_are_named() -> None:
    assert describe_renamed(["a.jsonl", "b.jsonl"], ["a.jsonl", "b.jsonl"]) is None
    assert str(describe_renamed(["a.jsonl", "b.jsonl"], ["a.jsonl", "c.jsonl"])).startswith(
        "The dataset keeps the names that its sources had: b.jsonl (now c.jsonl)."
    )


def test_a_build_of_a_renamed_source_says_so(caplog: pytest.LogCaptureFixture) -> None:
    write_rows(rows())
    sftdata.build("summarize", data="rows.jsonl", out="out")
    Path("rows.jsonl").rename("renamed.jsonl")
    caplog.clear()
    assert sftdata.build("summarize", data="renamed.jsonl", out="out").up_to_date
    assert "rows.jsonl (now renamed.jsonl)" in caplog.text


def test_python_hears_of_it_by_the_logger(caplog: pytest.LogCaptureFixture) -> None:
    write_rows(rows())
    for _ in ("built", "up to date"):
        caplog.clear()
        sftdata.build("summarize", data="rows.jsonl")
        assert [record.name for record in caplog.records] == ["sftdata"]
        assert caplog.messages[0].startswith(
            "Warning: the rows were tokenized by the small bundled"
        )
    (note,) = dry_run("summarize", data=["rows.jsonl"]).notes
    assert caplog.messages == [f"{note}\nIn Python: --tokenizer is tokenizer=…"]
