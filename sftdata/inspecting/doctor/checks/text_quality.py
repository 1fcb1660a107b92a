"""Checks on the text of prompts and targets: damage, placeholders, white space, wrong answers."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sftdata.inspecting.doctor.batch import RowBatch, matches, text_bytes
from sftdata.inspecting.doctor.check import RowCheck
from sftdata.inspecting.doctor.quotes import Quote, quote_match

# Patterns start with a fixed character if possible: RE2 then skips to that character.
_MARKERS = (
    r"<(?:\|[A-Za-z0-9_]{2,30}\|>|/?s>|<SYS>>|</SYS>>|(?:bos|eos|pad|unk|mask)>"
    r"|(?:start|end)_of_turn>|/?(?:think|tool_call)>|｜[^<>｜]{2,30}｜>)"
)
_BRACKETS = r"\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]"
_JINJA = (
    r"\{(?:\{[-+]?\s*[A-Za-z_][\w.\[\]'\"]*\s*(?:\|[^{}]*)?[-+]?\}\}"
    r"|%[-+]?\s*(?:if|for|endif|endfor|else|elif|block|endblock|set|include|raw|macro)\b)"
)
_ENTITY = (
    r"&(?:amp|lt|gt|quot|apos|nbsp|copy|reg|trade|hellip|[mn]dash|[lr][sd]quo|[lr]aquo|bull|middot"
    r"|szlig|[aeiouyAEIOUY](?:acute|grave|circ|uml)|[anoANO]tilde|[cC]cedil"
    r"|#[0-9]{2,6}|#[xX][0-9a-fA-F]{2,6});"
)
# UTF-8 read as Latin-1 or Windows-1252. Quotes and dashes may follow these letters in real text.
_MOJIBAKE = (
    r"Ã[\x{80}-\x{BF}ƒ†‡ˆ‰ŠŒŽšœžŸ]",
    r"Â[\x{80}-\x{9F}\x{A1}-\x{BF}]",
    r"â(?:€[\x{80}-\x{BF}™œ˜¦š¢]|\x{80}[\x{80}-\x{BF}])",
    r"ï¿½|ï»¿",
)
_PLACEHOLDER = (
    r"(?i)^\W*(?:n/a|n\.a\.|todo|tbd|tba|fixme|null|none|nan|undefined|placeholder|x{3,}"
    r"|lorem ipsum\b.*|(?:your|insert) (?:text|answer|summary|translation) here)\W*$"
    r"|^\s*[-.?_*/][-.?_*/\s]*$|^\s*[<\[{](?:answer|summary|target|text|translation|output)[>\]}]\s*$"
)

_PADDING = 8  # bytes of white space around a field


def _control_like(rows: RowBatch) -> npt.NDArray[np.bool_]:
    return _anywhere(_without_own(rows), *_control_patterns(rows))


def _quote_control_like(rows: RowBatch) -> str:
    return quote_match(_without_own(rows), *_control_patterns(rows))


def _without_own(rows: RowBatch) -> list[pa.LargeStringArray]:
    """The texts without intended marks like control tokens: those that a template writes, or that
    the spec names in `text_tokens`."""
    written = "\n".join(rows.context.template_texts)
    own = dict.fromkeys([*re.findall(f"{_MARKERS}|{_BRACKETS}", written)])
    columns = list(rows.texts)
    for marker in (*own, *rows.context.tokenizer.text_tokens):
        columns = [pc.replace_substring(column, marker, " ") for column in columns]
    return columns


def _control_patterns(rows: RowBatch) -> list[str]:
    patterns = [_MARKERS, _BRACKETS]
    known = re.compile(f"{_MARKERS}|{_BRACKETS}")
    others = [t for t in rows.context.tokenizer.control_tokens if not known.fullmatch(t)]
    if 0 < len(others) <= 64:
        patterns.append("|".join(map(_literal, others)))
    return patterns


def _unrendered(rows: RowBatch) -> npt.NDArray[np.bool_]:
    return _anywhere(rows.texts, _JINJA)


def _entities(rows: RowBatch) -> npt.NDArray[np.bool_]:
    return _anywhere(rows.texts, _ENTITY)


def _mojibake(rows: RowBatch) -> npt.NDArray[np.bool_]:
    return _anywhere(rows.texts, *_MOJIBAKE)


def _replacement(rows: RowBatch) -> npt.NDArray[np.bool_]:
    found = _anywhere(rows.texts, "\ufffd")
    for row, prompt, target in rows.pairs(found):
        found[row] = "FFFD" not in prompt + target  # a text about the character itself
    return found


def _placeholder(rows: RowBatch) -> npt.NDArray[np.bool_]:
    short = text_bytes(rows.target) > 0
    return np.asarray(short & matches(rows.target, _PLACEHOLDER))


def _boundary_space(rows: RowBatch) -> npt.NDArray[np.bool_]:
    if rows.context.is_chat:  # its contents are stripped
        return np.zeros(len(rows), np.bool_)
    meant = rows.where_template({n: facts.has_any_seam for n, facts in rows.templates.items()})
    found = matches(rows.target, r"^[\s\p{Z}]+[^\s\p{Z}\p{Cf}]|[^\s\p{Z}\p{Cf}][\s\p{Z}]+$")
    ends = matches(rows.prompt, r"[ \t\p{Zs}]$|\n\n$")
    return np.asarray((found | ends) & ~meant)


def _equals_source(rows: RowBatch) -> npt.NDArray[np.bool_]:
    """The target repeats all of the prompt that is not the template's own text."""
    fixed = {name: facts.fixed_bytes for name, facts in rows.templates.items()}
    known = rows.where_template({name: size is not None for name, size in fixed.items()})
    content = text_bytes(rows.prompt) - rows.by_template(fixed, np.int64)
    chosen = known & (content > 0) & (text_bytes(rows.target) >= content - _PADDING)
    bounds = [
        (facts.before or 0, facts.after) if facts else (0, 0)
        for facts in map(rows.templates.get, rows.template_names)
    ]
    found = np.zeros(len(rows), np.bool_)
    for row, prompt, text in rows.pairs(np.asarray(chosen)):
        before, after = bounds[rows.template[row]]
        whole = prompt.encode()
        # All fields may start alike, so `before` may take a part of the source along.
        source = whole[before : len(whole) - after].strip()
        found[row] = source in text.encode() and text.strip() in prompt
    return found


def _not_in_context(rows: RowBatch) -> npt.NDArray[np.bool_]:
    extractive = {name: facts.is_extractive for name, facts in rows.templates.items()}
    found = np.zeros(len(rows), np.bool_)
    for row, prompt, text in rows.pairs(rows.where_template(extractive)):
        answer = text.strip()
        found[row] = answer not in prompt and _squeezed(answer) not in _squeezed(prompt)
    return found


def _squeezed(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".")


def _anywhere(columns: Sequence[pa.LargeStringArray], *patterns: str) -> npt.NDArray[np.bool_]:
    """bool[rows]: rows with a match of a pattern in one of the columns."""
    found = [matches(column, pattern) for column in columns for pattern in patterns]
    return np.asarray(np.logical_or.reduce(found))


def _quote(*patterns: str) -> Quote:
    """Quotes the first match."""
    return lambda rows: quote_match(rows.texts, *patterns)


def _literal(text: str) -> str:
    return re.sub(r"([^\w\s])", r"\\\1", text, flags=re.ASCII)


CHECKS = (
    RowCheck(
        "control-like-text",
        "note",
        "text that looks like a control token of some chat format",
        "Leave it if the text means it: it is encoded as plain text. Else clean the field.",
        _control_like,
        _quote_control_like,
    ),
    RowCheck(
        "unrendered-template",
        "warning",
        "a template's braces were not filled in, as in '{{ name }}'",
        "Render the source's own template first, or drop the rows.",
        _unrendered,
        _quote(_JINJA),
    ),
    RowCheck(
        "html-entity",
        "warning",
        "HTML entities such as '&amp;' in the text",
        "Unescape the field in the source (Python: html.unescape).",
        _entities,
        _quote(_ENTITY),
    ),
    RowCheck(
        "mojibake",
        "warning",
        "UTF-8 text that was once read in another encoding, as in 'Ã©' for 'é'",
        "Read the source again as UTF-8, or repair the field (the ftfy package does).",
        _mojibake,
        _quote(*_MOJIBAKE),
    ),
    RowCheck(
        "replacement-character",
        "warning",
        "U+FFFD stands where bytes were lost",
        "Read the source again in its own encoding.",
        _replacement,
        _quote(r".{0,20}\x{FFFD}.{0,20}"),
    ),
    RowCheck(
        "boundary-whitespace",
        "warning",
        "white space at the boundary: a prompt not ending in one newline, or a padded target",
        "Trim the field, or the template at the end of its block: {{ field | trim }}.",
        _boundary_space,
    ),
    RowCheck(
        "target-placeholder",
        "warning",
        "the target is a placeholder such as 'N/A' or 'TODO'",
        "Fill the field, or drop the rows.",
        _placeholder,
    ),
    RowCheck(
        "target-equals-source",
        "warning",
        "the target repeats the source",
        "Drop the rows, unless an unchanged text is a right answer, as in corrections.",
        _equals_source,
    ),
    RowCheck(
        "answer-not-in-context",
        "warning",
        "the answer is not in the prompt, although nearly all others are",
        "Correct the answer, or drop the rows.",
        _not_in_context,
    ),
)
