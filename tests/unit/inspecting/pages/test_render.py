"""The page engine: every text is visible and inert, and the policy allows nothing from outside."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
from markupsafe import Markup

from sftdata.inspecting.pages.render import render_page


def test_hidden_characters_become_visible_and_markup_is_escaped() -> None:
    hostile = "<b>\x1b\u202e"
    manifest = {"build": Path(hostile), "tokenizer": {"name": hostile}}
    page = render_page(
        "rows", title="<script>\x07", manifest=manifest, rows=[], filters=[], details=True
    )
    assert "<script>" not in page
    assert "&lt;script&gt;\\x07" in page
    assert page.count("&lt;b&gt;\\x1b\\u{202e}") == 2


@pytest.mark.parametrize("name", ["rows", "report", "diff", "evaluation"])
def test_every_page_extends_the_one_base(name: str) -> None:
    source = files("sftdata.inspecting.pages").joinpath(f"{name}.jinja").read_text("utf-8")
    assert source.startswith('{% extends "page.jinja" %}')
    assert "<style" not in source
    assert "<script" not in source


def test_markup_of_our_own_plots_passes_as_it_is() -> None:
    manifest = {"build": Markup("<b>x</b>"), "tokenizer": {"name": "t"}}
    page = render_page("rows", title="", manifest=manifest, rows=[], filters=[], details=True)
    assert "<code><b>x</b></code>" in page
