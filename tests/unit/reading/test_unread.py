"""Unread columns: one note for all sources, short however many there are."""

from __future__ import annotations

from sftdata.reading.unread import describe_unread, merge_unread


def test_nothing_unread_needs_no_note() -> None:
    assert describe_unread({}) is None


def test_sources_with_the_same_columns_share_a_line() -> None:
    unread = {"a.csv": ["title", "url"], "b.csv": ["title", "url"], "c.csv": ["date"]}
    assert describe_unread(unread) == (
        "Not read from a.csv, b.csv: title, url.\nNot read from c.csv: date."
    )


def test_long_lists_are_shortened_with_a_count() -> None:
    columns = [f"c{i}" for i in range(40)]
    note = describe_unread({f"{i}.csv": columns for i in range(9)})
    assert note is not None
    assert note.startswith("Not read from 0.csv, 1.csv, 2.csv and 6 more: c0, c1, ")
    assert note.endswith("c10, c11 and 28 more.")


def test_many_different_sources_end_in_a_count() -> None:
    note = describe_unread({f"{i}.csv": [f"c{i}"] for i in range(9)})
    assert note is not None
    assert note.splitlines()[5:] == [
        "Of 4 more sources, too, columns are not read; see manifest.json."
    ]


def test_a_part_of_a_conversation_is_warned_of() -> None:
    note = describe_unread({"a.jsonl": ["url", "system", "tools"]})
    assert note is not None
    assert note.endswith("\nWarning: the model will not see `tools` and `system`.")


def test_a_name_of_a_column_cannot_act_on_a_terminal() -> None:
    assert describe_unread({"a.csv": ["x\n\x1b[1m"]}) == "Not read from a.csv: x\\n\\x1b[1m."


def test_what_one_part_of_a_mixture_reads_is_read() -> None:
    parts = [
        (["a.csv", "b.csv"], {"a.csv": ["x", "y"], "b.csv": ["z"]}),
        (["a.csv"], {"a.csv": ["y", "w"]}),
    ]
    assert merge_unread(parts) == {"a.csv": ["y"], "b.csv": ["z"]}
