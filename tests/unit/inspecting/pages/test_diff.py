"""The page of a dataset diff, from a diff made by hand."""

from __future__ import annotations

import re
from dataclasses import replace

from sftdata.inspecting.compare.datasets.diff import DatasetDiff
from sftdata.inspecting.compare.datasets.inputs import InputChange
from sftdata.inspecting.compare.datasets.samples import RowChange
from sftdata.inspecting.pages.diff import render_diff

HOSTILE = "<script>alert(1)</script> \x1b]0;t\x07 \u202e &lt;b&gt; {{ 7*7 }}"
ROW = RowChange(
    row_id="r5",
    split=("train", "test"),
    template=("summarize/article@1.0.0", "summarize/article@1.1.0"),
    prompt_tokens=(1000, 1200),
    target_tokens=(5, 6),
    first_difference=7,
    in_loss=(False, False),
    before="Before. ",
    text=("the old river", "the new river"),
)
DIFF = DatasetDiff(
    build=("aaaa1111", "bbbb2222"),
    inputs=[InputChange("options", "max_length", None, 150)],
    rows=(60, 58),
    tokens=(6000, 5000),
    target_tokens=(600, 580),
    only_in_a=2,
    only_in_b=0,
    in_both=58,
    changed={"prompt": 1, "target": 0, "mask": 0, "split": 1, "template": 1},
    other_repeats=0,
    prompt_token_change={"sum": 200, "min": 0, "p50": 0, "max": 200},
    newly_dropped={"too_long": 2},
    no_longer_dropped={},
    newly_cut=0,
    no_longer_cut=0,
    samples=[ROW],
)


def test_the_page_shows_inputs_numbers_and_words() -> None:
    page = render_diff(DIFF, ("one", "two"))
    assert "<code>one</code> (build <code>aaaa1111</code>)" in page
    assert "<td>options</td>" in page
    assert '<td class="text">none</td><td class="text">150</td>' in page
    assert '<td class="n">6,000</td><td class="n">5,000</td><td class="n">-1,000</td>' in page
    assert '<td>newly dropped: too_long</td><td class="n">2</td>' in page
    assert "Before. </span>the <del>old </del><ins>new </ins>river</div>" in page
    assert "Their examples differ." in page


def test_identical_datasets_and_a_row_without_text_leave_out_the_rest() -> None:
    same = replace(DIFF, rows=(60, 60), only_in_a=0, changed={"prompt": 0}, inputs=[], samples=[])
    page = render_diff(same, ("one", "two"))
    assert "Their examples are identical." in page
    assert "<section" not in page
    unread = replace(DIFF, samples=[replace(ROW, before=None, text=None)])
    assert 'class="view"' not in render_diff(unread, ("one", "two"))


def test_the_page_shows_hostile_text_and_does_not_run_it() -> None:
    row = replace(ROW, row_id=HOSTILE, before=HOSTILE, text=(HOSTILE, f"{HOSTILE} x"))
    input_ = InputChange("rows", HOSTILE, HOSTILE, None)
    page = render_diff(replace(DIFF, inputs=[input_], samples=[row]), (HOSTILE, "b\u202e"))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "{{ 7*7 }}" in page
    assert not set(page) & {"\x1b", "\x07", "\u202e"}
    assert "default-src 'none'" in page
    assert not re.search(r"""src\s*=|url\(|@import""", page)
    targets = re.findall(r"""href\s*=\s*"([^"]*)""", page)
    assert all(target.startswith("#") or target == "data:," for target in targets)


def test_a_row_with_another_mask_says_which_dataset_has_the_token_in_the_loss() -> None:
    masked = replace(ROW, in_loss=(False, True), text=("the old river", "the old river"))
    page = render_diff(replace(DIFF, samples=[masked]), ("one", "two"))
    assert "first difference at token 7, in the loss only in B." in page
    assert "Before. </span>the old river</div>" in page
