"""Generation: prompts as ids in, answers as ids out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from sftdata.base.reporting import Report
from sftdata.errors import SftdataError
from sftdata_train.generating.decoding import (
    SEED,
    Decoding,
    make_generation_config,
    without_own_settings,
)
from sftdata_train.models.inference import inference
from sftdata_train.models.model_loading import first_line

Ids = list[int]


def generate(
    model: Any,
    prompts: Sequence[Ids],
    stop_ids: Sequence[int],
    *,
    max_new_tokens: int,
    decoding: Decoding | None = None,
    batch_size: int = 16,
    report: Report = lambda line: None,
) -> list[Ids]:
    """The answer to each prompt, without the stop id; greedy if no decoding is given.

    Raises `SftdataError` when the model's own settings cannot be used.
    """
    answers: list[Ids] = [[] for _ in prompts]
    batches = generate_batches(
        model,
        prompts,
        stop_ids,
        max_new_tokens=max_new_tokens,
        decoding=decoding,
        batch_size=batch_size,
    )
    done = 0
    for batch in batches:
        for place, ids in batch.items():
            answers[place] = ids
        done += len(batch)
        report(f"  {done:,} of {len(prompts):,} answers")
    return answers


def generate_batches(
    model: Any,
    prompts: Sequence[Ids],
    stop_ids: Sequence[int],
    *,
    max_new_tokens: int,
    decoding: Decoding | None = None,
    batch_size: int = 16,
) -> Iterator[dict[int, Ids]]:
    """The answers batch by batch, as they are ready: by the place of the prompt, see `generate`."""
    config = make_generation_config(decoding or Decoding(), stop_ids, max_new_tokens)
    device = next(model.parameters()).device
    by_length = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    for start in range(0, len(by_length), batch_size):
        chosen = by_length[start : start + batch_size]
        batch = [prompts[i] for i in chosen]
        if config.do_sample:  # anew for each batch, so that an evaluation can go on after a kill
            torch.manual_seed(SEED)
        ids, mask = _pad_left(batch, stop_ids[0])
        with inference(model), without_own_settings(model), _explain(decoding):
            generated = model.generate(
                input_ids=ids.to(device), attention_mask=mask.to(device), generation_config=config
            )
        answers = generated[:, ids.shape[1] :].tolist()
        yield {i: _cut_at_stop(answer, stop_ids) for i, answer in zip(chosen, answers, strict=True)}


@contextmanager
def _explain(decoding: Decoding | None) -> Iterator[None]:
    try:
        yield
    except (ValueError, OSError) as error:  # settings that do not go together, or need the Hub
        if decoding is None or not decoding.settings:
            raise
        raise SftdataError(
            f"The model's own generation settings ({decoding.describe()}) cannot be used: "
            f"{first_line(error)}",
            "Decode greedily: --decoding greedy",
            code="E901",
        ) from error


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
