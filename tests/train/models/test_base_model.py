"""An adapter of QLoRA answers over 4-bit weights where there are any; else it is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from sftdata.serving.passport import Passport
from sftdata_train.models.base_model import is_over_four_bits, load_for_answers


def passport(method: str, **more: Any) -> Passport:
    return Passport(Path("a"), {"recipe": {"method": method}} | more)


def test_only_an_adapter_of_qlora_wants_four_bits() -> None:
    assert is_over_four_bits(passport("qlora"))
    assert not is_over_four_bits(passport("lora"))
    assert not is_over_four_bits(passport("qlora", merged={"adapter": {}}))
    assert not is_over_four_bits(None)


@pytest.mark.skipif(torch.cuda.is_available(), reason="with a GPU there may be 4-bit weights")
def test_other_weights_than_in_the_training_are_said(model_directory: Path) -> None:
    said = list[str]()
    model = load_for_answers(str(model_directory), passport("qlora"), False, said.append)
    assert model.dtype == torch.float32
    assert ["trained over 4-bit weights" in line for line in said] == [True]
    assert "float32 ones" in said[0]
    load_for_answers(str(model_directory), passport("lora"), False, said.append)
    assert len(said) == 1
