"""Diagnose: a clean dataset has no finding, only the checks asked for run, all rows are counted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.planted import PROMPT, Planted, in_targets, prompt_of

from sftdata.errors import SftdataError
from sftdata.inspecting.doctor import CHECKS, diagnose
from sftdata.inspecting.doctor.diagnose import find_rows_with
from sftdata.loading.dataset import Dataset

# Texts that look like a defect and are none.
HARMLESS = (
    "a < b && c > d; x <= y, 1 << 3 and R&D", "f(x) = {x: {y: 1}} and {0}, {name}, {}",
    "Âge, Ãrvore, NÃO, â la carte, Ýmir, naïve café Zürich, 20 °C, £5",
    "mail user@example.com or root@localhost, logo@2x.png and getty@tty1.service",
    "the SSH extension fsync@openssh.com, the host doorbell@mysite.mydomain",
    "call 555-0199, version 1.2.3.4, 2023-11-05, 192.168.100.200, ISBN 978-3-16-148410-0",
    "serial 4111 1111 1111 1112, sum 1234567890123456, pi 3.14159265358979323846",
    "sk-learn, AKIAshort, ghp_abc, the BEGIN of a PRIVATE KEY, [INFO], <b>bold</b>, a|b",
    "emoji 👩‍👩‍👧 Привет 日本語, tabs\tand \"quotes\" – dashes… in the middle",
)  # fmt: skip


def test_every_check_has_an_id_of_its_own() -> None:
    ids = [check.id for check in CHECKS]
    assert len(set(ids)) == len(ids) >= 25


def test_a_clean_dataset_has_no_finding(write: Callable[..., Dataset]) -> None:
    assert diagnose(write(Planted())) == []


@pytest.mark.parametrize("text", HARMLESS)
def test_a_text_that_only_looks_like_a_defect_is_none(
    text: str, write: Callable[..., Dataset]
) -> None:
    planted = Planted().put(3, prompt=PROMPT.format(f"{text} in an article of some length."))
    planted.put(4, target=f"So {text} it is.")
    assert diagnose(write(planted)) == []


def test_only_the_checks_asked_for_are_run(write: Callable[..., Dataset]) -> None:
    data = write(in_targets("N/A", "", " x")())
    assert [f.id for f in diagnose(data)] == [
        "target-empty", "boundary-whitespace", "target-placeholder",
    ]  # fmt: skip
    assert [f.id for f in diagnose(data, only=["target-empty"])] == ["target-empty"]
    with pytest.raises(SftdataError, match="Did you mean 'target-empty'"):
        diagnose(data, only=["target-emtpy"])


def test_the_count_goes_on_where_the_examples_stop(write: Callable[..., Dataset]) -> None:
    planted = Planted()
    for number in range(20, 60):
        planted.put(number, prompt=PROMPT.format(f"{prompt_of(number)} jane{number}@mail.acme.co"))
    (finding,) = diagnose(write(planted))
    assert finding.count == 40
    assert len(finding.row_ids) == 10


def test_the_worst_comes_first(write: Callable[..., Dataset]) -> None:
    planted = in_targets("N/A", "")()
    planted.put(30, prompt=PROMPT.format("<|im_start|> is a token of some formats."))
    assert [found.severity for found in diagnose(write(planted))] == ["error", "warning", "note"]


def test_the_rows_with_a_finding_are_named_by_their_places(write: Callable[..., Dataset]) -> None:
    planted = Planted().put(9, target="N/A").put(20, target="null")
    data = write(planted)  # row 9 is the first of the 6 rows of the split after "train"
    assert list(data) == ["train", "validation"]
    assert find_rows_with(data, "target-placeholder").tolist() == [18, 54]
    with pytest.raises(SftdataError, match="finds nothing"):
        find_rows_with(data, "secret-key")


def test_a_finding_about_the_whole_dataset_names_no_rows(write: Callable[..., Dataset]) -> None:
    data = write(Planted(manifest={"dropped": {"too_long": 600}, "rows_in": 660}))
    with pytest.raises(SftdataError, match="about the dataset as a whole"):
        find_rows_with(data, "most-rows-dropped")
