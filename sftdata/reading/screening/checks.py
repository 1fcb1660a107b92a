"""Checks: find suspect golden rows by their fields.

Each check is a function over columns. The spec chooses the checks, and whether a suspect row is
flagged, dropped, or ends the build.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sftdata.base.arrow import numbers, to_flags, to_numbers
from sftdata.reading.languages import identify, known_languages
from sftdata.spec.check_rules import Action, CheckRule

_PLACEHOLDER = (
    r"(?i)^\W*(?:n/?a|none|null|nil|nan|todo|tbd|fixme|xxx|lorem ipsum.*|placeholder)\W*$"
)
# Shorter texts don't show their language; names and numbers look like any.
_MIN_LETTERS = 24
# In 6,000 right pairs of short technical texts the surest of the wrong guesses has 0.73 (German
# taken for Luxembourgish). 0.8 flags none of them, and 71 % of rows left untranslated (0.9: 63 %).
_SURE = 0.8
# Languages the classifier tells apart and a code in the data need not.
_PART_OF = {"arz": "ar", "ary": "ar", "nb": "no", "nn": "no", "uzs": "uz", "wuu": "zh", "yue": "zh"}
_SAMPLE = 400  # characters are enough, and the classifier reads them one by one


@dataclass(frozen=True, slots=True)
class Suspect:
    """A row that a check suspects."""

    row: int
    check: str
    action: Action
    detail: str


@dataclass(frozen=True)
class _Subject:
    """The columns a check looks at, with their names."""

    rows: pa.RecordBatch
    source_name: str
    target_name: str

    @property
    def source(self) -> pa.LargeStringArray:
        return self.rows.column(self.source_name)

    @property
    def target(self) -> pa.LargeStringArray:
        return self.rows.column(self.target_name)

    @cached_property
    def lengths(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Characters of each source and of each target."""
        source, target = (to_numbers(pc.utf8_length(c)) for c in (self.source, self.target))
        return source.astype(np.int64), target.astype(np.int64)


_Suspects = Iterator[tuple[int, str]]  # row, detail


def find_suspects(
    rows: pa.RecordBatch,
    rules: Mapping[str, CheckRule],
    source_field: str,
    target_field: str,
) -> Iterator[Suspect]:
    """The suspects of every check in `rules`, check by check and then in row order.

    `rows` holds the golden fields as `large_string` without nulls.
    """
    subject = _Subject(rows, source_field, target_field)
    for name, rule in rules.items():
        for row, detail in _CHECKS[name](subject, rule):
            yield Suspect(row, name, rule.action, detail)


def _target_equals_source(subject: _Subject, rule: CheckRule) -> _Suspects:
    # Trimming copies a text, and few can be equal: only white space may make up the difference.
    beginnings = (_beginning(column) for column in (subject.source, subject.target))
    rows = np.flatnonzero(to_flags(pc.equal(*beginnings)))
    source, target = (
        pc.utf8_trim_whitespace(column.take(numbers(rows)))
        for column in (subject.source, subject.target)
    )
    for row in rows[to_flags(pc.equal(source, target))]:
        yield int(row), f"'{subject.target_name}' is the same text as '{subject.source_name}'"


def _beginning(column: pa.LargeStringArray) -> pa.LargeStringArray:
    """Some of each text from its first visible character on; equal where the trimmed texts are."""
    start = pc.utf8_slice_codeunits(pc.utf8_ltrim_whitespace(column), 0, 16)
    return pc.utf8_rtrim_whitespace(start)


def _target_longer(subject: _Subject, rule: CheckRule) -> _Suspects:
    source, target = subject.lengths
    for row in np.flatnonzero(target > source):
        yield (
            int(row),
            (
                f"'{subject.target_name}' has {target[row]:,} characters, "
                f"'{subject.source_name}' only {source[row]:,}"
            ),
        )


def _length_ratio(subject: _Subject, rule: CheckRule) -> _Suspects:
    source, target = subject.lengths
    ratio = target / np.maximum(source, 1)
    low = rule.low if rule.low is not None else 0.0
    high = rule.high if rule.high is not None else np.inf
    for row in np.flatnonzero((source > 0) & ((ratio < low) | (ratio > high))):
        yield (
            int(row),
            (
                f"'{subject.target_name}' is {_show_ratio(ratio[row])} times as long as "
                f"'{subject.source_name}'; expected {low:g} to {high:g}"
            ),
        )


def _show_ratio(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"


def _answer_not_in_context(subject: _Subject, rule: CheckRule) -> _Suspects:
    contexts, answers = subject.source.to_pylist(), subject.target.to_pylist()
    for row, (context, answer) in enumerate(zip(contexts, answers, strict=True)):
        if context.strip() and answer.strip() not in context:
            yield row, f"'{subject.target_name}' does not stand in '{subject.source_name}'"


def _placeholder(subject: _Subject, rule: CheckRule) -> _Suspects:
    found = pc.match_substring_regex(subject.target, _PLACEHOLDER)
    for row in np.flatnonzero(to_flags(found)):
        yield int(row), f"'{subject.target_name}' is a placeholder: {subject.target[row].as_py()!r}"


def _wrong_language(subject: _Subject, rule: CheckRule) -> _Suspects:
    pairs = ((subject.target_name, "target_lang"), (subject.source_name, "source_lang"))
    letters = [
        _letters(subject.rows.column(name)) >= _MIN_LETTERS
        for name, language in pairs
        if language in subject.rows.schema.names
    ]
    for row in np.flatnonzero(np.logical_or.reduce(letters)) if letters else ():
        for (name, language), long_enough in zip(pairs, letters, strict=False):
            said = _language(subject.rows.column(language)[row].as_py())
            if not long_enough[row] or said not in known_languages():
                continue
            ((found, sureness),) = identify([subject.rows.column(name)[row].as_py()[:_SAMPLE]])
            if _language(found) != said and sureness >= _SURE:
                yield int(row), f"'{name}' reads as '{found}', not '{said}'"
                break


def _language(code: str) -> str:
    """The language of a code such as `pt_BR`; a name such as "Swedish" is no code of any."""
    language = code.strip().lower().replace("_", "-").partition("-")[0]
    return _PART_OF.get(language, language)


def _letters(column: pa.LargeStringArray) -> npt.NDArray[np.int64]:
    """Letters of each text; those of writing without blanks say more and count three times."""
    dense = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}]"
    letters = to_numbers(pc.count_substring_regex(column, r"\p{L}")).astype(np.int64)
    return letters + 2 * to_numbers(pc.count_substring_regex(column, dense)).astype(np.int64)


_CHECKS: dict[str, Callable[[_Subject, CheckRule], _Suspects]] = {
    "target_equals_source": _target_equals_source,
    "target_longer": _target_longer,
    "length_ratio": _length_ratio,
    "answer_not_in_context": _answer_not_in_context,
    "placeholder": _placeholder,
    "wrong_language": _wrong_language,
}
