"""The device to compute on, and the number type of frozen weights."""

from __future__ import annotations

import torch


def choose_device() -> torch.device:
    """The GPU of this process when there is one, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")


def choose_dtype(precision: str = "auto") -> torch.dtype:
    """The type that frozen weights are held in, for a recipe's `precision`."""
    if precision == "float32" or (precision == "auto" and not torch.cuda.is_available()):
        return torch.float32
    return torch.bfloat16
