"""Greedy decoding: answers do not depend on the batch, and end before a stop id."""

from __future__ import annotations

import torch
from support.tiny_models import llama

from sftdata_train.generating.generation import generate


def test_answers_do_not_depend_on_what_stands_beside_them_in_a_batch() -> None:
    model = llama()
    prompts = [[1, 2, 3], [7], [9, 8, 7, 6, 5, 4, 3, 2, 1], [50, 60]]
    together = generate(model, prompts, [256], max_new_tokens=8, batch_size=4)
    alone = [generate(model, [p], [256], max_new_tokens=8, batch_size=1)[0] for p in prompts]
    assert together == alone
    greedy, ids = [], list(prompts[0])
    for _ in range(8):
        ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
        greedy.append(ids[-1])
    assert together[0] == greedy[: len(together[0])]


def test_an_answer_ends_before_any_of_the_stop_ids() -> None:
    model = llama()
    whole = generate(model, [[1, 2, 3]], [256], max_new_tokens=8)[0]
    stop = whole[4]
    assert (
        generate(model, [[1, 2, 3]], [256, stop], max_new_tokens=8)[0] == whole[: whole.index(stop)]
    )
