"""Checks on control tokens and the label mask: BOS, EOS, and the tokens in the loss."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sftdata.inspecting.doctor.batch import RowBatch, find_control, matches
from sftdata.inspecting.doctor.check import RowCheck

_CUT_TEXT = (
    r"(?i)(?:\[(?:truncated|cut|\.\.\.|…)\]|\((?:truncated|more)\)|read more|[^.]\.\.\.|…)\s*$"
)
# Of a line in the prompt: then the source itself ends like that.
_ELLIPSIS_AT_END = r"(?:\.\.\.|…)[\"'”’)]*[ \t]*\n"


def _bos_doubled(rows: RowBatch) -> npt.NDArray[np.bool_]:
    first = rows.ids[rows.offsets[:-1]]
    second = rows.ids[np.minimum(rows.offsets[:-1] + 1, rows.offsets[1:] - 1)]
    long = np.diff(rows.offsets) > 1
    return np.asarray(long & (first == second) & find_control(rows, first))


def _bos_missing(rows: RowBatch) -> npt.NDArray[np.bool_]:
    bos = rows.context.tokenizer.bos_id
    if bos is None or rows.context.is_chat:  # its chat template decides how a text starts
        return np.zeros(len(rows), np.bool_)
    return np.asarray(rows.ids[rows.offsets[:-1]] != bos)


def _eos_not_in_loss(rows: RowBatch) -> npt.NDArray[np.bool_]:
    last_in_loss = rows.mask[rows.offsets[1:] - 1]
    return np.asarray(~(rows.ends_well & last_in_loss) & ~_stops_at_limit(rows))


def _target_cut(rows: RowBatch) -> npt.NDArray[np.bool_]:
    shortened = matches(rows.target, _CUT_TEXT)
    if shortened.any():
        shortened = shortened & ~matches(rows.prompt, _ELLIPSIS_AT_END)
    return np.asarray(_stops_at_limit(rows) | shortened)


def _stops_at_limit(rows: RowBatch) -> npt.NDArray[np.bool_]:
    limit = rows.context.max_length
    full = np.diff(rows.offsets) >= limit if limit else np.zeros(len(rows), np.bool_)
    return np.asarray(full & ~rows.ends_well)


def _target_empty(rows: RowBatch) -> npt.NDArray[np.bool_]:
    return matches(rows.target, r"^[\s\p{Z}\p{Cf}]*$")


def _loss_outside_target(rows: RowBatch) -> npt.NDArray[np.bool_]:
    wrong = rows.mask & rows.before_target
    if not rows.context.is_chat:  # a conversation may have turns after the target's start
        wrong |= ~rows.mask & ~rows.before_target
        wrong[rows.offsets[1:] - 1] = False  # eos-not-in-loss checks the last token
    return _rows_with(rows, wrong)


def _control_in_text(rows: RowBatch) -> npt.NDArray[np.bool_]:
    if rows.context.is_chat:  # its turns are made of control tokens
        return np.zeros(len(rows), np.bool_)
    control = find_control(rows, rows.ids)
    control[rows.offsets[1:] - 1] = False
    bos = rows.context.tokenizer.bos_id
    firsts = rows.offsets[:-1]
    control[firsts[rows.ids[firsts] == bos]] = False
    seconds = firsts[_bos_doubled(rows)] + 1  # bos-doubled finds these
    control[np.concatenate((seconds, seconds - 1))] = False
    return _rows_with(rows, control)


def _rows_with(rows: RowBatch, marked: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """bool[rows]: which rows hold a marked token."""
    found = np.zeros(len(rows), np.bool_)
    found[np.searchsorted(rows.offsets, np.flatnonzero(marked), side="right") - 1] = True
    return found


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
)
