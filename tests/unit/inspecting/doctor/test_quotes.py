"""Quotes: each finding quotes the text that matched; of a secret only its start."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.planted import in_article

from sftdata.inspecting.doctor import diagnose
from sftdata.loading.dataset import Dataset

KEY = "AKIAABCDEFGHIJKLMNOP"


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("jane@mail.acme.co", "jane@mail.acme.co"),
        ("+49 30 1234 5678", "+49 30 1234 5678"),
        (KEY, "AKIAABCD…"),
        ("4111 1111 1111 1111", "…1111"),
        ("&amp;", "&amp;"),
        ("<|im_end|>", "<|im_end|>"),
        ("caf\ufffd", "Here caf\ufffd stands in an article"[:10]),
    ],
)
def test_a_finding_quotes_what_it_found(
    text: str, quote: str, write: Callable[..., Dataset]
) -> None:
    (finding,) = diagnose(write(in_article(text)()))
    assert all(quote in row.quote or row.quote.endswith(" more.") for row in finding.rows)
    assert any(quote in row.quote for row in finding.rows)
    assert KEY not in str(finding)


def test_a_long_match_is_cut(write: Callable[..., Dataset]) -> None:
    (finding,) = diagnose(write(in_article("{{ x | " + "y" * 200 + " }}")()))
    assert [len(row.quote) for row in finding.rows] == [80, 80]
    assert finding.rows[0].quote.startswith("{{ x | yyy")
