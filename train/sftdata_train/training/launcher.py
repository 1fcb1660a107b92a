"""The program that started the processes of a run; refuses launches that `train` cannot follow."""

from __future__ import annotations

import os
from collections.abc import Mapping

from sftdata.errors import SftdataError

# Variables that `accelerate launch` sets. transformers' trainer follows them without a word.
_SHARDED = {
    "ACCELERATE_USE_FSDP": "FSDP",
    "ACCELERATE_USE_DEEPSPEED": "DeepSpeed",
    "ACCELERATE_USE_MEGATRON_LM": "Megatron-LM",
    "ACCELERATE_USE_PARALLELISM_CONFIG": "a parallelism config",
}
_RANKS = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")


def is_first_rank(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this is the only process of a run, or the one that speaks for all."""
    return environment.get("RANK", "0") == "0"


def check_launcher(environment: Mapping[str, str] = os.environ) -> str | None:
    """A note about processes that were asked for and not started; None if all is as asked.

    Raises `SftdataError` where the model is to be spread over the processes: the exact loss needs
    all of it in each.
    """
    asked = [
        name
        for variable, name in _SHARDED.items()
        if environment.get(variable, "").lower() in ("1", "true", "yes")
    ]
    if asked:
        raise SftdataError(
            f"accelerate was told to use {' and '.join(asked)}. sftdata train keeps a copy of the "
            "model in each process and spreads the rows only.",
            "Start it with torchrun, or train the exported dataset with another trainer: "
            "sftdata export --to trl",
            code="E902",
        )
    is_launched = "ACCELERATE_MIXED_PRECISION" in environment and "MASTER_PORT" in environment
    if is_launched and not environment.keys() & set(_RANKS):
        return (
            "accelerate was asked for several processes and has started this one alone: on CPUs it "
            "starts more with --multi_gpu. Or use torchrun --nproc-per-node N -m sftdata train …"
        )
    return None
