"""Checks on ids and masks: control tokens, and what is in the loss."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sftdata.base.arrow import texts
from sftdata.inspecting.doctor.finding import Found, RowCheck, SetCheck
from sftdata.inspecting.doctor.rows import Rows, matches
from sftdata.inspecting.doctor.survey import Survey

_CUT_TEXT = (
    r"(?i)(?:\[(?:truncated|cut|\.\.\.|…)\]|\((?:truncated|more)\)|read more|[^.]\.\.\.|…)\s*$"
)
# Of a line in the prompt: then the source ends like that, too.
_ELLIPSIS_AT_END = r"(?:\.\.\.|…)[\"'”’)]*[ \t]*\n"
_RECHECKED_CHARS = 400_000  # of rows encoded again to find examples of merges


def _bos_doubled(rows: Rows) -> npt.NDArray[np.bool_]:
    first = rows.ids[rows.offsets[:-1]]
    second = rows.ids[np.minimum(rows.offsets[:-1] + 1, rows.offsets[1:] - 1)]
    long = np.diff(rows.offsets) > 1
    return np.asarray(long & (first == second) & _is_control(rows, first))


def _bos_missing(rows: Rows) -> npt.NDArray[np.bool_]:
    bos = rows.context.tokenizer.bos_id
    if bos is None or rows.context.is_chat:  # whose template decides how a text starts
        return np.zeros(len(rows), np.bool_)
    return np.asarray(rows.ids[rows.offsets[:-1]] != bos)


def _eos_not_in_loss(rows: Rows) -> npt.NDArray[np.bool_]:
    last_in_loss = rows.mask[rows.offsets[1:] - 1]
    return np.asarray(~(rows.ends_well & last_in_loss) & ~_stops_at_limit(rows))


def _target_cut(rows: Rows) -> npt.NDArray[np.bool_]:
    shortened = matches(rows.target, _CUT_TEXT)
    if shortened.any():
        shortened = shortened & ~matches(rows.prompt, _ELLIPSIS_AT_END)
    return np.asarray(_stops_at_limit(rows) | shortened)


def _stops_at_limit(rows: Rows) -> npt.NDArray[np.bool_]:
    limit = rows.context.max_length
    full = np.diff(rows.offsets) >= limit if limit else np.zeros(len(rows), np.bool_)
    return np.asarray(full & ~rows.ends_well)


def _target_empty(rows: Rows) -> npt.NDArray[np.bool_]:
    return matches(rows.target, r"^[\s\p{Z}\p{Cf}]*$")


def _loss_outside_target(rows: Rows) -> npt.NDArray[np.bool_]:
    """Before the target nothing counts; after its start all does, but for the turns of a chat."""
    wrong = rows.mask & rows.before_target
    if not rows.context.is_chat:
        wrong |= ~rows.mask & ~rows.before_target
        wrong[rows.offsets[1:] - 1] = False  # the last token has a check of its own
    return _rows_with(rows, wrong)


def _control_in_text(rows: Rows) -> npt.NDArray[np.bool_]:
    if rows.context.is_chat:  # whose turns are made of control tokens
        return np.zeros(len(rows), np.bool_)
    control = _is_control(rows, rows.ids)
    control[rows.offsets[1:] - 1] = False
    bos = rows.context.tokenizer.bos_id
    firsts = rows.offsets[:-1]
    control[firsts[rows.ids[firsts] == bos]] = False
    seconds = firsts[_bos_doubled(rows)] + 1  # has a check of its own
    control[np.concatenate((seconds, seconds - 1))] = False
    return _rows_with(rows, control)


def _is_control(rows: Rows, ids: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    table = rows.context.is_control
    return np.asarray(table[np.minimum(ids.view(np.uint32), len(table) - 1)])


def _rows_with(rows: Rows, marked: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """bool[rows]: which rows hold a marked token."""
    found = np.zeros(len(rows), np.bool_)
    found[np.searchsorted(rows.offsets, np.flatnonzero(marked), side="right") - 1] = True
    return found


def _boundary(survey: Survey) -> Found | None:
    certificate = survey.data.manifest["certificate"]
    rows = certificate["rows"]
    merged = rows - certificate["whole_text_equal"]
    unlike = rows - certificate["prompt_equal"]
    if not merged and not unlike:
        return None
    detail = f"prompt + target encoded at once gives other ids for {merged:,} of {rows:,} rows"
    if unlike:
        detail += f"; the prompt's ids are not its plain encoding for {unlike:,}"
    return Found(_merged_rows(survey), detail, count=max(merged, unlike))


def _merged_rows(survey: Survey) -> npt.NDArray[np.int64]:
    """The first rows whose whole text encodes to other ids; the search ends after some text."""
    from sftdata.tokenizing.encoder import REFERENCE, load_encoder

    encoder, left, first = load_encoder(survey.context.tokenizer, REFERENCE), _RECHECKED_CHARS, 0
    found: list[int] = []
    for rows in survey.batches():
        part = Rows(rows.split, rows.batch.slice(0, 500), rows.context, rows.templates)
        if rows.context.is_chat or left <= 0:
            break
        whole = [p + t for _, p, t in part.pairs(np.ones(len(part), np.bool_))]
        while whole and sum(map(len, whole)) > 2 * left:
            whole = whole[: len(whole) // 2]
        left -= sum(map(len, whole))
        encoded = encoder.encode_prompts(texts(whole))
        content = ~_is_control(part, part.ids)
        counts = np.concatenate(([0], np.cumsum(content)))[part.offsets]
        ids = part.ids[content]
        for row in range(len(whole)):
            mine = ids[counts[row] : counts[row + 1]]
            again = encoded.ids[encoded.offsets[row] : encoded.offsets[row + 1]]
            if not np.array_equal(mine, again):
                found.append(first + row)
        first += len(rows)
    return np.array(found, np.int64)


CHECKS = (
    RowCheck(
        "bos-doubled",
        "error",
        "the BOS token stands twice at the start",
        "Tokenize once, or switch off add_bos_token in one of the two places that add it.",
        _bos_doubled,
    ),
    RowCheck(
        "bos-missing",
        "error",
        "the tokenizer starts a text with BOS, but the example has none",
        "Build again with the tokenizer the model is served with.",
        _bos_missing,
    ),
    RowCheck(
        "eos-not-in-loss",
        "error",
        "the last token is not EOS or not in the loss, so the model never learns to stop",
        "Build again; sftdata puts EOS in the loss by its position, also where pad is EOS.",
        _eos_not_in_loss,
    ),
    RowCheck(
        "target-cut",
        "warning",
        "the target is cut off: it stops at the length limit, or ends with an ellipsis",
        "Build with a larger --max-length; take the full text where the source shortened it.",
        _target_cut,
    ),
    RowCheck(
        "target-empty",
        "error",
        "the target has no visible text, so only the end token is taught",
        "Fill the field, or drop the rows.",
        _target_empty,
    ),
    RowCheck(
        "loss-outside-target",
        "error",
        "the label mask is true in the prompt, or false inside the target",
        "Build again; do not edit label_mask by hand.",
        _loss_outside_target,
    ),
    RowCheck(
        "control-token-in-text",
        "error",
        "a control token stands inside the prompt or the target",
        "Build from text with sftdata: it encodes control-like text as plain text.",
        _control_in_text,
    ),
    SetCheck(
        "boundary-merge",
        "warning",
        "the boundary certificate is below 100 %: prompt and target merge over their seam",
        "End the prompt with exactly one newline and start the target with a visible character.",
        _boundary,
    ),
)
