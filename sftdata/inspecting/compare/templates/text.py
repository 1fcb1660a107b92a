"""A template diff as text for a terminal, and as Markdown for a pull request."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from sftdata.base.escaping import escape
from sftdata.inspecting.compare.templates.diff import TemplateDiff
from sftdata.inspecting.compare.templates.tokens import TokenDiff
from sftdata.inspecting.compare.word_diff import DiffPiece

_NOTHING = "nothing"
_SHOWN_ROWS = 10
_CONTEXT = 80  # characters shown at each end of an unchanged piece


def to_text(diff: TemplateDiff) -> str:
    """Plain lines; removed words stand in [-brackets-], added ones in {+braces+}."""
    return "\n".join(_text_lines(diff))


def _text_lines(diff: TemplateDiff) -> Iterator[str]:
    yield f"{diff.old.label} → {diff.new.label}: {diff.level.upper()}"
    yield "\nChanges"
    for change in diff.changes:
        yield f"  {change.level.upper():5} {change.rule} ({change.where}): {change.detail}"
    if not diff.changes:
        yield f"  {_NOTHING}"
    yield "\nSource"
    yield from (f"  {line}" for line in diff.source or [_NOTHING])
    for sample in diff.samples:
        yield f"\nRow {sample.row_id}"
        yield _indented(_marked(sample.prompt))
        yield "  ----"
        yield _indented(_marked(sample.target))
    yield f"\nTokens ({diff.tokens.tokenizer}, {_limit(diff.tokens)})"
    yield from (f"  {name:24} {value}" for name, value in _sums(diff.tokens))
    yield from (f"  {line}" for line in _rows(diff.tokens))


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n"))


def _marked(pieces: list[DiffPiece]) -> str:
    marks = {"-": ("[-", "-]"), "+": ("{+", "+}"), " ": ("", "")}
    if all(sign == " " for sign, _ in pieces):
        return "(the same)"
    return "".join(
        f"{marks[sign][0]}{text if sign != ' ' else _shortened(text)}{marks[sign][1]}"
        for sign, text in pieces
    )


def _shortened(text: str) -> str:
    if len(text) <= 2 * _CONTEXT:
        return text
    return f"{text[:_CONTEXT]} … {text[-_CONTEXT:]}"


def _limit(tokens: TokenDiff) -> str:
    return "no limit" if tokens.max_length is None else f"at most {tokens.max_length:,}"


def _sums(tokens: TokenDiff) -> Iterator[tuple[str, str]]:
    found = tokens.summarize()
    yield "rows", f"{found['rows']:,}"
    yield (
        "prompt tokens",
        f"{found['prompt_tokens_before']:,} → {found['prompt_tokens_after']:,} "
        f"({found['prompt_tokens_change']:+,})",
    )
    for key in ("rows_changed", "newly_cut", "newly_dropped", "target_changed", "boundary_changed"):
        yield key.replace("_", " "), f"{found[key]:,}"


def _rows(tokens: TokenDiff) -> Iterator[str]:
    changed = [row for row in tokens.rows if row.first_difference is not None]
    for row in changed[:_SHOWN_ROWS]:
        before, after = row.prompt_tokens
        fate = "" if row.fate[0] == row.fate[1] else f", {row.fate[0]} → {row.fate[1]}"
        yield (
            f"{row.row_id}: {before:,} → {after:,} prompt tokens ({after - before:+,}), first "
            f"difference at token {row.first_difference}{fate}"
        )
    if len(changed) > _SHOWN_ROWS:
        yield f"… and {len(changed) - _SHOWN_ROWS:,} more rows (--json has all)"


def to_markdown(diff: TemplateDiff) -> str:
    """Markdown with tables and folded samples; text from data stands only in code."""
    return "\n".join(_markdown_lines(diff))


def _markdown_lines(diff: TemplateDiff) -> Iterator[str]:
    yield f"### Template `{diff.old.label}` → `{diff.new.label}`: {diff.level.upper()}\n"
    if diff.changes:
        yield "| bump | rule | where | change |\n|---|---|---|---|"
    for change in diff.changes:
        cells = (
            change.level.upper(),
            f"`{change.rule}`",
            _code(change.where),
            _code(change.detail),
        )
        yield f"| {' | '.join(cells)} |"
    yield f"\n| tokens (`{diff.tokens.tokenizer}`, {_limit(diff.tokens)}) | |\n|---|---|"
    yield from (f"| {name} | {value} |" for name, value in _sums(diff.tokens))
    yield from _folded("Source", "\n".join(diff.source) or _NOTHING)
    for sample in diff.samples:
        text = f"{_marked(sample.prompt)}\n----\n{_marked(sample.target)}"
        yield from _folded(f"Row <code>{html.escape(escape(sample.row_id))}</code>", text)


def _code(text: str) -> str:
    """Inline code; no character of the text ends it."""
    safe = escape(text).replace("|", "\\|").replace("`", "'")
    return f"`{safe}`"


def _folded(title: str, text: str) -> Iterator[str]:
    body = escape(text, keep_newlines=True)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", body)), default=0))
    yield f"\n<details><summary>{title}</summary>\n\n{fence}diff\n{body}\n{fence}\n</details>"
