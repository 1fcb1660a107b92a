"""Reasons: their text in ledgers and manifests, and an explanation for each."""

from __future__ import annotations

import json
import pickle

from sftdata.base.reasons import Reason, Status


def test_a_reason_is_its_text_in_ledgers_and_manifests() -> None:
    assert Reason("too_long") is Reason.TOO_LONG == "too_long"
    assert f"{Status.CUT}, {Reason.FEWER_SHOTS}" == "cut, fewer_shots"
    assert json.dumps({Reason.FILTERED: Status.DROPPED}) == '{"filtered": "dropped"}'
    assert pickle.loads(pickle.dumps(Reason.FILTERED)) is Reason.FILTERED


def test_every_reason_is_explained_in_one_sentence_of_its_own() -> None:
    sentences = [reason.explanation for reason in Reason]
    assert all(text[0].isupper() and text.endswith(".") for text in sentences)
    assert len(set(sentences)) == len(Reason)
