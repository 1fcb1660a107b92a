"""The estimate of GPT-2 has the published numbers."""

from __future__ import annotations

from pathlib import Path

from transformers import AutoConfig

from sftdata_train.training.recipe import Recipe
from sftdata_train.training.training_run import prepare


def test_the_table_of_gpt2_has_the_numbers_everyone_knows(
    dataset: Path, copied_model: Path
) -> None:
    from sftdata_train.training.cost_estimate import estimate_cost

    AutoConfig.for_model("gpt2").save_pretrained(copied_model)
    run = prepare(dataset, str(copied_model), Recipe(rank=16), allow_draft=True)
    found = estimate_cost(run)
    c_attn = next(a for a in found.adapted if a.name.endswith("c_attn"))
    assert (c_attn.shape, c_attn.modules) == ((768, 2304), 12)
    assert (c_attn.parameters, c_attn.lora_parameters) == (1_769_472, 49_152)
    assert round(c_attn.reduction, 1) == 36.0
    assert found.parameters == 124_439_808
    assert found.trained == sum(a.modules * a.lora_parameters for a in found.adapted)
    assert all(size > 0 for size in found.memory_bytes.values())
    assert found.seconds > 0
