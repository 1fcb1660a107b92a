"""Units of a step: a pack has the tokens and targets of its rows."""

from __future__ import annotations

from pathlib import Path

from sftdata.loading.dataset import load
from sftdata.loading.packing import plan_packs
from sftdata_train.batches import PackUnits


def test_packs_have_the_targets_of_their_rows(dataset: Path) -> None:
    split = load(dataset)["train"]
    units = PackUnits(split, plan_packs(split.lengths, 500))
    assert units.targets.sum() == split.target_counts.sum()
    for pack in range(len(units.tokens)):
        examples = units[pack]
        assert units.tokens[pack] == sum(len(e.input_ids) for e in examples)
        assert units.targets[pack] == sum(e.label_mask.sum() for e in examples)
