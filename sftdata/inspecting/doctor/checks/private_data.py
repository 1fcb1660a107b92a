"""Checks for private data: e-mail addresses, telephone numbers, keys, payment cards.

A fast pattern finds candidate rows; each match is then checked, because a pattern alone takes file
names, versions and serial numbers for addresses and cards.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from sftdata.inspecting.doctor.batch import RowBatch, matches
from sftdata.inspecting.doctor.check import RowCheck
from sftdata.inspecting.doctor.quotes import Quote, find_match, quote_target, shorten

_EMAIL = re.compile(
    r"(?<![\w.+/-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@((?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,18})(?![\w-])"
)
# Domains reserved for examples (RFC 2606 and 6761), file endings, and the domains of SSH's
# extension names.
_NO_HOST = re.compile(
    r"(?i)(?:^|\.)(?:example(?:\.(?:com|org|net|edu))?|test|invalid|localhost|local|localdomain"
    r"|(?:my|your)?(?:domain|site|host|company|foo|bar)(?:\.[a-z]+)?|(?:openssh\.com|libssh\.org)"
    r"|png|jpe?g|gif|svg|service|socket|target|timer|mount|path|slice|conf|py|js|h|c|so|txt|html?)$"
)
_PHONE = re.compile(
    r"(?<![\w+.=/-])(?:\+[1-9]\d{0,2}(?:[ .-]?\(?\d{1,4}\)?){2,5}"
    r"|(?:\([2-9]\d{2}\) ?|[2-9]\d{2}-)[2-9]\d{2}-\d{4})(?![\w]|[.-]\d)"
)
_KEY = (
    r"\bAKIA[0-9A-Z]{16}\b|\bASIA[0-9A-Z]{16}\b|\bAIza[0-9A-Za-z_-]{35}\b|\bya29\.[0-9A-Za-z_-]{20,}"
    r"|\bgh[pousr]_[A-Za-z0-9]{36,}|\bgithub_pat_[A-Za-z0-9_]{60,}|\bglpat-[A-Za-z0-9_-]{20,}"
    r"|\bhf_[A-Za-z]{34}\b|\bsk-(?:proj-|ant-[a-z0-9]+-)?[A-Za-z0-9_-]{20,}|\b[sr]k_live_[A-Za-z0-9]{20,}"
    r"|\bxox[abprs]-[0-9A-Za-z-]{10,}|\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}|\bnpm_[A-Za-z0-9]{36}\b"
    r"|\bpypi-[A-Za-z0-9_-]{50,}|\beyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{20,}"
    r"|-----BEGIN (?:[A-Z]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"
)
_CARD = re.compile(
    r"(?<![\w.,-])(?:(?:\d{4}[ -]?){3}\d{1,7}|3[47]\d{2}[ -]?\d{6}[ -]?\d{5})(?!\w|[.,-]\d)"
)
_SHOWN = 8  # characters of a secret in a report
_CARD_START = re.compile(r"4|5[1-5]|2[2-7]|3[47]|6(?:011|5|4[4-9])|3[068]|35(?:2[89]|[3-8])")


def _is_email(match: re.Match[str]) -> bool:
    """Whether the match is an address: its domain is neither an example nor a file name."""
    return not _NO_HOST.search(match[1])


def _is_phone(match: re.Match[str]) -> bool:
    """Whether the number may be real: 9 to 15 digits, and not one reserved for fiction."""
    digits = re.sub(r"\D", "", match[0])
    fictional = re.search(r"55501\d\d$", digits) or len(set(digits[-7:])) == 1
    apart = re.search(r"\d[ ().-]+\d", match[0]) is not None
    return 9 <= len(digits) <= (15 if apart else 13) and not fictional


def _is_card(match: re.Match[str]) -> bool:
    """Whether the number may be a payment card: by its start, its length and its check digit."""
    digits = re.sub(r"\D", "", match[0])
    return (
        13 <= len(digits) <= 19
        and _CARD_START.match(digits) is not None
        and len(set(digits)) > 1
        and _luhn(digits)
    )


def _luhn(digits: str) -> bool:
    doubled = [int(d) for d in digits[-2::-2]]
    total = sum(int(d) for d in digits[-1::-2]) + sum(d * 2 - 9 * (d > 4) for d in doubled)
    return total % 10 == 0


def _emails(rows: RowBatch) -> npt.NDArray[np.bool_]:
    return _rows_with(rows, "@[A-Za-z0-9-]+[.]", _EMAIL, _is_email)


def _phones(rows: RowBatch) -> npt.NDArray[np.bool_]:
    return _rows_with(rows, r"\+[1-9]\d[\d ().-]{6}|[2-9]\d\d\)? ?-?\d{3}-\d{4}", _PHONE, _is_phone)


def _keys(rows: RowBatch) -> npt.NDArray[np.bool_]:
    return np.asarray(matches(rows.prompt, _KEY) | matches(rows.target, _KEY))


def _cards(rows: RowBatch) -> npt.NDArray[np.bool_]:
    return _rows_with(rows, r"\d{4}[ -]?\d{4}[ -]?\d{4}|3[47]\d\d[ -]?\d{6}", _CARD, _is_card)


def _rows_with(
    rows: RowBatch, screen: str, pattern: re.Pattern[str], accept: Callable[[re.Match[str]], bool]
) -> npt.NDArray[np.bool_]:
    """bool[rows]: rows with an accepted match of `pattern`; the fast `screen` finds candidates."""
    found = np.zeros(len(rows), np.bool_)
    for column in (rows.prompt, rows.target):
        for row in np.flatnonzero(matches(column, screen) & ~found).tolist():
            found[row] = any(accept(match) for match in pattern.finditer(column[row].as_py()))
    return found


def _quote(pattern: re.Pattern[str], accept: Callable[[re.Match[str]], bool]) -> Quote:
    """Quotes the first accepted match."""

    def quote(rows: RowBatch) -> str:
        for column in (rows.prompt, rows.target):
            for match in pattern.finditer(column[0].as_py()):
                if accept(match):
                    return shorten(match[0])
        return quote_target(rows)

    return quote


def _quote_start(pattern: str) -> Quote:
    """Quotes the first characters of a secret, so that reports don't spread it."""

    def quote(rows: RowBatch) -> str:
        found = (find_match(column[0].as_py(), pattern) for column in (rows.prompt, rows.target))
        return next((f"{secret[:_SHOWN]}…" for secret in found if secret), "")

    return quote


def _hide_card(rows: RowBatch) -> str:
    """Quotes the last four digits of a card."""
    number = re.sub(r"\D", "", _quote(_CARD, _is_card)(rows))
    return f"…{number[-4:]}"


CHECKS = (
    RowCheck(
        "email-address",
        "warning",
        "e-mail addresses",
        "Replace them in the source by user@example.com, or drop the rows.",
        _emails,
        _quote(_EMAIL, _is_email),
    ),
    RowCheck(
        "phone-number",
        "warning",
        "telephone numbers",
        "Replace them in the source, or drop the rows.",
        _phones,
        _quote(_PHONE, _is_phone),
    ),
    RowCheck(
        "secret-key",
        "error",
        "API keys, tokens or private keys",
        "Revoke the key, remove it from the source and build again.",
        _keys,
        _quote_start(_KEY),
    ),
    RowCheck(
        "card-number",
        "error",
        "numbers of payment cards, with a right check digit",
        "Remove them from the source and build again.",
        _cards,
        _hide_card,
    ),
)
