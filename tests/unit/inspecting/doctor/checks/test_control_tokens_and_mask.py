"""Planted control tokens and broken masks are found, and conversations are not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import tokenizers
from support.handmade import EOS
from support.planted import Planted, assert_found, in_targets

from sftdata.inspecting.doctor import diagnose
from sftdata.inspecting.doctor.checks import control_tokens_and_mask
from sftdata.loading.dataset import Dataset

BOS = 257


def eos_not_in_loss() -> Planted:
    planted = Planted()
    planted.change(2, input_ids=planted.rows[2].input_ids[:-1])
    return planted.change(7, label_mask=[*planted.rows[7].mask[:-1], False])


def target_cut() -> Planted:
    planted = Planted().put(3, target="The river of the market was [truncated]")
    planted.put(4, target="The river of the market was...")
    longest = max(len(r.input_ids) for r in planted.rows)
    planted.manifest["options"] = {"max_length": longest + 5}
    text = list(b"Article:\n" + b"The engine. " * longest)[:longest]
    return planted.change(8, input_ids=[*text, *b"cut\nX"], target_start=longest + 4)


def loss_outside_target() -> Planted:
    planted = Planted()
    mask = planted.rows[2].mask
    planted.change(2, label_mask=[True, *mask[1:]])
    start = planted.rows[6].target_start
    mask = planted.rows[6].mask
    return planted.change(6, label_mask=[*mask[: start + 2], False, *mask[start + 3 :]])


def control_in_text() -> Planted:
    planted = Planted()
    for number, at in ((2, 4), (9, -4)):
        ids = list(planted.rows[number].input_ids)
        ids[at] = EOS
        planted.change(number, input_ids=ids)
    return planted


def with_bos(planted: Planted) -> Planted:
    planted.rows = [
        replace(r, input_ids=[BOS, *r.input_ids], target_start=r.target_start + 1)
        for r in planted.rows
    ]
    return planted


def bos_missing() -> Planted:
    planted = with_bos(Planted())
    return planted.change(4, input_ids=planted.rows[4].input_ids[1:])


def bos_doubled() -> Planted:
    planted = with_bos(Planted())
    old = planted.rows[4]
    return planted.change(4, input_ids=[BOS, *old.input_ids], target_start=old.target_start + 1)


PLANTED: dict[str, Callable[[], Planted]] = {
    "bos-doubled": bos_doubled,
    "bos-missing": bos_missing,
    "eos-not-in-loss": eos_not_in_loss,
    "target-cut": target_cut,
    "target-empty": in_targets("", " \n", "\u200b\u00a0"),
    "loss-outside-target": loss_outside_target,
    "control-token-in-text": control_in_text,
}  # fmt: skip


@pytest.mark.parametrize("check", [check.id for check in control_tokens_and_mask.CHECKS])
def test_a_planted_defect_is_found_where_it_is_and_nothing_else(
    check: str, write: Callable[..., Dataset], bos_tokenizer: Path
) -> None:
    planted = PLANTED[check]()
    data = write(planted, bos_tokenizer) if check.startswith("bos") else write(planted)
    assert_found(check, planted, data)


def test_a_conversation_is_not_taken_for_a_broken_mask(write: Callable[..., Dataset]) -> None:
    planted = Planted(manifest={"chat": {"end_id": EOS}})
    for i, r in enumerate(planted.rows):
        turns = [*r.input_ids, *b"\nAnd then?\n", *b"The end of part %d." % i, EOS]
        mask = [*r.mask, *[False] * 11, *[True] * (len(turns) - len(r.input_ids) - 11)]
        planted.rows[i] = replace(r, input_ids=turns, label_mask=mask)
    assert diagnose(write(planted)) == []


@pytest.fixture(scope="session")
def bos_tokenizer(byte_tokenizer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The byte tokenizer with a BOS that it puts before each text."""
    folder = tmp_path_factory.mktemp("bos") / "tokenizer"
    shutil.copytree(byte_tokenizer, folder)
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.add_special_tokens(["<bos>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"eos_token": "<eos>", "bos_token": "<bos>", "add_bos_token": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder
