"""The formats: what each trainer takes, how its files are made, and how they are loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sftdata.base.files import write_atomically
from sftdata.errors import SftdataError, did_you_mean
from sftdata.exporting import packed, text, tokenized
from sftdata.loading.dataset import Dataset, load

CARD = "README.md"


@dataclass(frozen=True, slots=True)
class Format:
    """One format. `write` puts the splits into a folder; `packs` says whether it needs a plan."""

    name: str
    write: Callable[[Dataset, list[str], Path, int | None], None]
    keeps_mask: bool  # whether the loss will be on exactly the tokens of the label mask
    packs: bool
    loading: str  # how the trainer is told to take it


FORMATS = {
    item.name: item
    for item in (
        Format(
            "trl", tokenized.write_trl, True, False,
            'train = datasets.load_dataset("parquet", data_files="train.parquet")["train"]\n'
            "SFTTrainer(model, train_dataset=train, args=SFTConfig(max_length=None, …))\n"
            "# With max_length set, TRL cuts examples at it, targets too.",
        ),
        Format(
            "axolotl", tokenized.write_axolotl, True, False,
            "datasets:\n  - path: train.parquet\n    ds_type: parquet\n    type:\n"
            "# `type` stays empty: the columns are used as they are.",
        ),
        Format(
            "llamafactory", tokenized.write_llamafactory, True, False,
            "tokenized_path: THIS_FOLDER",
        ),
        Format(
            "megatron", packed.write_megatron, True, True,
            "# Megatron-Bridge, packed sequences: packed_train_data_path: train.idx.parquet\n"
            "# Its loss mask is that of the next token, so it is the label mask shifted by one.",
        ),
        Format(
            "olmo", packed.write_olmo, True, False,
            "NumpyPackedFSLDatasetConfig.glob('train/token_ids_part_*.npy',\n"
            "    label_mask_paths=['train/labels_mask_part_*.npy'], …)\n"
            "# The files are bare arrays without a header; boundaries are in *.csv.gz.\n"
            "# OLMo-core finds them by EOS, so a chat dataset must end its turns with that.",
        ),
        Format(
            "messages", text.write_messages, False, False,
            'datasets.load_dataset("json", data_files="train.jsonl")',
        ),
        Format(
            "prompt-completion", text.write_prompt_completion, False, False,
            'datasets.load_dataset("json", data_files="train.jsonl")',
        ),
    )
}  # fmt: skip


def export(directory: Path, name: str, out: Path, *, max_length: int | None = None) -> list[Path]:
    """Writes the dataset's splits in the format into `out`, and gives the files.

    `max_length` names the pack plan of a format that packs.
    Raises `SftdataError` for an unknown format, a missing plan, or an `out` that holds something.
    """
    if name not in FORMATS:
        raise SftdataError(f"There is no format '{name}'.", did_you_mean(name, FORMATS))
    if FORMATS[name].packs and max_length is None:
        raise SftdataError(
            f"The format '{name}' holds packed sequences.", "Say how long they are: --max-length N"
        )
    if out.exists() and any(out.iterdir()):
        raise SftdataError(f"{out} is not empty.", "Name another directory with --out.")
    data = load(directory)
    splits = [split for split in data if len(data[split])]
    out.mkdir(parents=True, exist_ok=True)
    FORMATS[name].write(data, splits, out, max_length)
    write_atomically(out / CARD, _card(data, FORMATS[name]).encode())
    return sorted(path for path in out.rglob("*") if path.is_file())


def _card(data: Dataset, chosen: Format) -> str:
    manifest = data.manifest
    mask = (
        "The loss is on exactly the tokens of the dataset's label mask."
        if chosen.keeps_mask
        else "This is text: the trainer tokenizes it again, with its own chat template and mask, "
        "so neither the ids nor the label mask of the dataset are guaranteed any more."
    )
    templates = ", ".join(f"`{label}`" for label in manifest["template"])
    return f"""# {manifest["task"]} for {chosen.name}

Exported by sftdata from the build `{manifest["build"]}` (templates: {templates}; tokenizer:
`{manifest["tokenizer"]["name"]}`, sha256 `{manifest["tokenizer"]["sha256"]}`).

{mask}

```text
{chosen.loading}
```
"""
