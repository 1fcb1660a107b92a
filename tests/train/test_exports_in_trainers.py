"""What trainers make of the exports: their own collators put the loss where the dataset has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig
from support.exported import READERS
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq

from sftdata.exporting.export import export
from sftdata.loading.dataset import Dataset


@pytest.mark.parametrize("form", ["trl", "axolotl", "llamafactory", "open-instruct"])
def test_the_collator_of_transformers_keeps_every_position_of_the_loss(
    form: str, data: Dataset, model_directory: Path
) -> None:
    export(data.manifest.directory, form, Path("x"))
    found = READERS[form](Path("x"), "train")
    rows = [{"input_ids": ids, "labels": labels} for ids, labels in found]
    batch = DataCollatorForSeq2Seq(AutoTokenizer.from_pretrained(model_directory))(rows)
    for row, ids, labels in zip(data["train"], batch["input_ids"], batch["labels"], strict=True):
        assert ids[: len(row.input_ids)].tolist() == row.input_ids.tolist()
        assert (labels != -100).nonzero().flatten().tolist() == row.label_mask.nonzero()[0].tolist()


@pytest.mark.filterwarnings("ignore")  # of TRL's own, about settings that it chooses
def test_a_step_of_trl_has_the_loss_of_our_labels(data: Dataset, model_directory: Path) -> None:
    trl = pytest.importorskip("trl", reason="trl is not installed: pip install trl")
    import datasets

    losses: list[float] = []
    batches: list[Any] = []

    class Trainer(trl.SFTTrainer):  # type: ignore[misc, name-defined]
        def compute_loss(self, model: Any, inputs: Any, *args: Any, **options: Any) -> Any:
            found = super().compute_loss(model, inputs, *args, **options)
            batches.append(inputs["input_ids"].tolist())
            losses.append(float(found[0] if isinstance(found, tuple) else found))
            return found

    export(data.manifest.directory, "trl", Path("x"))
    rows = datasets.load_dataset("parquet", data_files={"train": "x/train.parquet"})["train"]
    settings = trl.SFTConfig(
        output_dir="out", max_length=None, max_steps=1, per_device_train_batch_size=4,
        learning_rate=0.0, use_cpu=True, bf16=False, report_to=[],
        save_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    lora = LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False)
    model = AutoModelForCausalLM.from_pretrained(model_directory, dtype=torch.float64)
    tokenizer = AutoTokenizer.from_pretrained(model_directory)
    trainer = Trainer(
        model, args=settings, train_dataset=rows, processing_class=tokenizer, peft_config=lora
    )
    theirs = [(row["input_ids"], row["labels"]) for row in trainer.train_dataset]
    ours = [(row.input_ids.tolist(), row.labels.tolist()) for row in data["train"]]
    assert theirs == ours
    trainer.train()
    taught = [next(o for o in ours if ids[: len(o[0])] == o[0]) for ids in batches[0]]
    assert losses[0] == pytest.approx(mean_loss(trainer.model, taught), rel=1e-6)


def mean_loss(model: Any, rows: list[tuple[list[int], list[int]]]) -> float:
    """The mean loss of the tokens with a label, in plain torch."""
    total, count = 0.0, 0
    with torch.no_grad():
        for ids, labels in rows:
            logits = model(input_ids=torch.tensor([ids])).logits[0, :-1]
            wanted = torch.tensor(labels[1:])
            total += float(cross_entropy(logits, wanted, ignore_index=-100, reduction="sum"))
            count += int((wanted != -100).sum())
    return total / count
