"""Checks: what each finds and what it lets pass; and what a spec makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from sftdata.base.arrow import texts
from sftdata.building.build import build
from sftdata.errors import GoldenSetError
from sftdata.reading.screening.checks import _CHECKS, find_suspects
from sftdata.spec.check_rules import CHECKS, CheckRule
from sftdata.writing.ledger import read_ledger
from sftdata.writing.manifest import Manifest


def found(check: str, source: str, target: str, **rule: Any) -> list[str]:
    """The details of what `check` finds in one row."""
    return found_in(check, {"text": source, "fixed": target}, **rule)


def found_in(check: str, row: dict[str, str], **rule: Any) -> list[str]:
    batch = pa.RecordBatch.from_pydict({name: texts([value]) for name, value in row.items()})
    rules = {check: CheckRule(action="flag", **rule)}
    return [finding.detail for finding in find_suspects(batch, rules, "text", "fixed")]


def test_a_target_that_is_its_source_white_space_aside() -> None:
    assert found("target_equals_source", "Same. ", "\n Same.") == [
        "'fixed' is the same text as 'text'"
    ]
    assert found("target_equals_source", "Same.", "same.") == []
    assert found("target_equals_source", "", "x") == []


def test_a_target_longer_than_its_source() -> None:
    assert found("target_longer", "日本", "abc") == ["'fixed' has 3 characters, 'text' only 2"]
    assert found("target_longer", "abc", "日本語") == []


@pytest.mark.parametrize(
    ("target", "bounds", "suspect"),
    [
        ("abcd", {"low": 0.4, "high": 2.0}, False),
        ("abcd", {"low": 0.41}, True),
        ("a" * 20, {"high": 2.0}, False),
        ("a" * 21, {"high": 2.0}, True),
        ("a" * 21, {}, False),
    ],
)
def test_a_length_out_of_bounds(target: str, bounds: dict[str, float], suspect: bool) -> None:
    assert bool(found("length_ratio", "0123456789", target, **bounds)) is suspect


def test_the_ratio_is_told_with_its_bounds() -> None:
    assert found("length_ratio", "ab", "abcde", high=2.0) == [
        "'fixed' is 2.50 times as long as 'text'; expected 0 to 2"
    ]
    assert found("length_ratio", "", "abcde", high=2.0) == []  # an optional source has no length


def test_an_answer_that_does_not_stand_in_its_context() -> None:
    check = "answer_not_in_context"
    assert found(check, "It is 31 m high.", "32 m") == ["'fixed' does not stand in 'text'"]
    assert found(check, "It is 31 m high.", " 31 m\n") == []
    assert found(check, " ", "32 m") == []  # no context: the answer has to be known


@pytest.mark.parametrize(
    "target",
    ["N/A", "n/a.", "na", "None", " null ", "TODO", "[TBD]", "lorem ipsum dolor", "<placeholder>"],
)
def test_a_placeholder(target: str) -> None:
    (detail,) = found("placeholder", "x", target)
    assert repr(target) in detail


@pytest.mark.parametrize("target", ["None of them.", "A to-do list", "NASA", "nil desperandum"])
def test_words_that_only_look_like_a_placeholder(target: str) -> None:
    assert found("placeholder", "x", target) == []


ENGLISH = "The committee will meet again on Thursday to discuss the new budget."
GERMAN = "Der Ausschuss trifft sich am Donnerstag wieder, um den neuen Haushalt zu besprechen."
SWEDISH = "Utskottet träffas igen på torsdag för att diskutera den nya budgeten för kommunen."
CHINESE = "委员会将于星期四再次开会,讨论新的预算问题。"


@pytest.mark.parametrize(
    ("source", "target", "source_lang", "target_lang", "detail"),
    [
        (ENGLISH, GERMAN, "en", "de", None),
        (ENGLISH, ENGLISH, "en", "de", "'fixed' reads as 'en', not 'de'"),
        (GERMAN, ENGLISH, "en", "en", "'text' reads as 'de', not 'en'"),
        (ENGLISH, GERMAN, "EN", "de_AT", None),
        (ENGLISH, GERMAN, "en-GB", "sv-SE", "'fixed' reads as 'de', not 'sv'"),
        (ENGLISH, CHINESE, "en", "zh-Hans", None),
        (ENGLISH, CHINESE, "en", "yue", None),  # written Cantonese need not differ
        (ENGLISH, SWEDISH, "English", "Swedish", None),  # names are no codes: sw is Swahili
        (ENGLISH, SWEDISH, "eng", "swe", None),
        (ENGLISH, GERMAN, "en", "tlh", None),
        (ENGLISH, "OK, 31 m", "en", "de", None),  # too short to tell
        ("x" * 40, "31 32 33 34 35 36 37 38 39 40 41 42", "en", "de", None),
    ],
)
def test_a_text_in_another_language(
    source: str, target: str, source_lang: str, target_lang: str, detail: str | None
) -> None:
    row = {"text": source, "fixed": target, "source_lang": source_lang, "target_lang": target_lang}
    assert found_in("wrong_language", row) == ([] if detail is None else [detail])


@pytest.mark.real
def test_right_translations_raise_no_alarm(shared: Path) -> None:
    lines = (shared / "golden" / "translate.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines[::2]]
    names = ("source", "translation", "source_lang", "target_lang")
    batch = pa.RecordBatch.from_pydict({n: texts([row[n] for row in rows]) for n in names})
    rules = {"wrong_language": CheckRule(action="flag")}
    assert list(find_suspects(batch, rules, "source", "translation")) == []
    # The same rows left untranslated: most are found, short ones cannot be.
    batch = batch.set_column(1, "translation", batch.column("source"))
    share = len(list(find_suspects(batch, rules, "source", "translation"))) / len(rows)
    assert share > 0.65


SPEC = """
task = "made"
data = ["rows.jsonl"]
template = "grammar/plain"
tokenizer = "tokenizers/small"
source_field = "text"
target_field = "corrected"
max_dropped = {max_dropped}
fields = {{ id = "id", text = "text", corrected = "corrected" }}
[checks]
target_equals_source = "{equal}"
length_ratio = {{ action = "flag", high = 3.0 }}
"""


def built(equal: str, max_dropped: float = 20, **options: Any) -> Manifest:
    rows = [{"id": str(i), "text": f"Text {i}", "corrected": f"Right {i}"} for i in range(10)]
    rows[4]["corrected"] = rows[4]["text"]
    rows[7]["corrected"] *= 9
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Path("spec.toml").write_text(SPEC.format(equal=equal, max_dropped=max_dropped))
    return build(spec="spec.toml", **options).manifest


def ledger(manifest: Manifest) -> list[tuple[str, str, str]]:
    lines = read_ledger(manifest).to_pylist()
    return [(line["row_id"], line["status"], line["reason"]) for line in lines]


def test_a_flagged_row_is_kept_and_in_the_ledger() -> None:
    manifest = built("flag", max_dropped=0)
    assert (manifest["rows_in"], manifest["rows_out"], manifest["dropped"]) == (10, 10, {})
    assert manifest["flagged"] == {"length_ratio": 1, "target_equals_source": 1}
    assert ledger(manifest) == [
        ("4", "flagged", "target_equals_source"),
        ("7", "flagged", "length_ratio"),
    ]


def test_a_dropped_row_is_counted() -> None:
    manifest = built("drop")
    assert (manifest["rows_out"], manifest["dropped"]) == (9, {"target_equals_source": 1})
    assert manifest["flagged"] == {"length_ratio": 1}
    assert ("4", "dropped", "target_equals_source") in ledger(manifest)


def test_more_dropped_rows_than_are_allowed_end_the_build_with_the_first() -> None:
    with pytest.raises(GoldenSetError, match=r"1 of 10 rows(?s:.*)rows\.jsonl:5: (?s:.*)10"):
        built("drop", max_dropped=5)


def test_a_check_can_end_the_build() -> None:
    message = (
        r"rows\.jsonl:5: 'corrected' is the same text as 'text' \(target_equals_source, row '4'\)"
    )
    with pytest.raises(GoldenSetError, match=message):
        built("fail")
    assert not Path("data/made/manifest.json").exists()


def test_more_workers_find_the_same() -> None:
    one, three = built("drop", out="one"), built("drop", out="three", workers=3)
    assert one["splits"] == three["splits"]
    assert ledger(one) == ledger(three)


def test_every_check_that_a_spec_may_name_is_made() -> None:
    of_fields = [name for name, check in CHECKS.items() if not check.of_conversations]
    assert of_fields == list(_CHECKS)
