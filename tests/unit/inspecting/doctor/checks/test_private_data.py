"""Planted private data is found."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.planted import Planted, assert_found, in_article

from sftdata.inspecting.doctor.checks import private_data
from sftdata.loading.dataset import Dataset

PLANTED: dict[str, Callable[[], Planted]] = {
    "email-address": in_article("jane.doe@mail.acme.co", "<bob+x@uni-bonn.de>", "a_b@x.org."),
    "phone-number": in_article("+49 30 901820", "(212) 664-7665", "+1 415-664-7665"),
    "secret-key": in_article(
        "AKIA" + "IOSFODNN7EXAMPLE", "ghp_" + "a1B2" * 9, "sk-" + "Zz9" * 10,
        "-----BEGIN RSA " + "PRIVATE KEY-----", "xoxb-" + "1234567890-abc", "AIza" + "b" * 35,
    ),
    "card-number": in_article("4111 1111 1111 1111", "5500-0055-5555-5559", "371449635398431"),
}  # fmt: skip


@pytest.mark.parametrize("check", [check.id for check in private_data.CHECKS])
def test_a_planted_defect_is_found_where_it_is_and_nothing_else(
    check: str, write: Callable[..., Dataset]
) -> None:
    planted = PLANTED[check]()
    assert_found(check, planted, write(planted))
