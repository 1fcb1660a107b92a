"""Inference: no dropout and no gradients inside, and the model as it was afterwards."""

from __future__ import annotations

import pytest
import torch

from sftdata_train.models.inference import inference


def fail_inside(model: torch.nn.Module) -> None:
    with inference(model):
        assert not model.training
        assert not torch.is_grad_enabled()
        raise RuntimeError("a fault")


@pytest.mark.parametrize("training", [True, False])
def test_an_error_leaves_the_model_as_it_was(training: bool) -> None:
    model = torch.nn.Dropout(0.5).train(training)
    with pytest.raises(RuntimeError, match="a fault"):
        fail_inside(model)
    assert model.training is training
    assert torch.is_grad_enabled()
