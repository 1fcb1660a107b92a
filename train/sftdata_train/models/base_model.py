"""The model to answer with: in the number type that the training saw, on this process's device."""

from __future__ import annotations

from typing import Any

from sftdata.base.reporting import Report
from sftdata.errors import SftdataError
from sftdata.serving.passport import Passport
from sftdata_train.models.device import choose_device, choose_dtype
from sftdata_train.models.model_loading import load_model, require_four_bits


def load_for_answers(
    name: str, passport: Passport | None, trust_remote_code: bool, report: Report
) -> Any:
    """The model `name`, in 4 bits if the adapter of `passport` was trained over 4 bits.

    Where this machine has no 4-bit weights, it is loaded in its own type, and this is said.
    """
    quantized = is_over_four_bits(passport)
    if quantized:
        try:
            require_four_bits()
        except SftdataError:
            quantized = False
            report(
                "The adapter was trained over 4-bit weights, which this machine cannot load: it "
                f"answers over {str(choose_dtype()).removeprefix('torch.')} ones."
            )
    model = load_model(
        name, dtype=choose_dtype(), quantized=quantized, trust_remote_code=trust_remote_code
    )
    return model if quantized else model.to(choose_device())


def is_over_four_bits(passport: Passport | None) -> bool:
    """Whether an adapter was trained over 4-bit weights. A merged model has weights of its own."""
    return (
        passport is not None
        and not passport.is_whole_model
        and passport.content.get("recipe", {}).get("method") == "qlora"
    )
