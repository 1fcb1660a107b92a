"""Greedy decoding: prompts as ids in, answers as ids out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from sftdata_train.progress import Report

Ids = list[int]


def generate(
    model: Any,
    prompts: Sequence[Ids],
    stop_ids: Sequence[int],
    *,
    max_new_tokens: int,
    batch_size: int = 16,
    report: Report = lambda line: None,
) -> list[Ids]:
    """The answer to each prompt, without the stop id."""
    from transformers import GenerationConfig

    # The model's own config may enable sampling, which would make comparisons random.
    config = GenerationConfig(  # type: ignore[no-untyped-call]
        do_sample=False,
        max_new_tokens=max_new_tokens,
        eos_token_id=list(stop_ids),
        pad_token_id=stop_ids[0],
    )
    device = next(model.parameters()).device
    answers: list[Ids] = [[] for _ in prompts]
    by_length = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    was_training = model.training
    model.eval()
    for start in range(0, len(by_length), batch_size):
        chosen = by_length[start : start + batch_size]
        ids, mask = _pad_left([prompts[i] for i in chosen], stop_ids[0])
        with torch.inference_mode():
            generated = model.generate(
                input_ids=ids.to(device), attention_mask=mask.to(device), generation_config=config
            )
        for i, row in zip(chosen, generated[:, ids.shape[1] :].tolist(), strict=True):
            answers[i] = _cut_at_stop(row, stop_ids)
        report(f"  {min(start + batch_size, len(prompts)):,} of {len(prompts):,} answers")
    model.train(was_training)
    return answers


def _pad_left(prompts: Sequence[Ids], pad_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The prompts padded on the left, as generation needs it, and their attention mask."""
    width = max(map(len, prompts))
    ids = torch.full((len(prompts), width), pad_id)
    mask = torch.zeros((len(prompts), width), dtype=torch.long)
    for i, prompt in enumerate(prompts):
        ids[i, width - len(prompt) :] = torch.tensor(prompt)
        mask[i, width - len(prompt) :] = 1
    return ids, mask


def _cut_at_stop(ids: Ids, stop_ids: Sequence[int]) -> Ids:
    ends = [i for i, token_id in enumerate(ids) if token_id in stop_ids]
    return ids[: ends[0]] if ends else ids
