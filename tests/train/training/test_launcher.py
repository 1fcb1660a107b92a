"""What `accelerate launch` asks for: refused where a run cannot do it, named where it did not."""

from __future__ import annotations

import pytest

from sftdata.errors import SftdataError
from sftdata_train.training.launcher import check_launcher, is_first_rank

LAUNCHED = {"ACCELERATE_MIXED_PRECISION": "no", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}


@pytest.mark.parametrize(
    ("variable", "name"),
    [("ACCELERATE_USE_FSDP", "FSDP"), ("ACCELERATE_USE_DEEPSPEED", "DeepSpeed")],
)
def test_a_model_that_is_to_be_spread_is_refused(variable: str, name: str) -> None:
    with pytest.raises(SftdataError, match=f"told to use {name}.*(?s:.*)torchrun"):
        check_launcher({variable: "true", "WORLD_SIZE": "2"})
    assert check_launcher({variable: "false", "WORLD_SIZE": "2"}) is None


def test_processes_that_did_not_start_are_named() -> None:
    assert "has started this one alone" in str(check_launcher(LAUNCHED))
    assert check_launcher(LAUNCHED | {"WORLD_SIZE": "2", "RANK": "0"}) is None
    assert check_launcher({"ACCELERATE_MIXED_PRECISION": "no"}) is None  # one was asked for
    assert check_launcher({}) is None


def test_the_first_rank_speaks_for_all() -> None:
    assert [is_first_rank(e) for e in ({}, {"RANK": "0"}, {"RANK": "1"})] == [True, True, False]
