"""The export formats: for each trainer, the writer of its files and how it loads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sftdata.base.new_folder import new_folder
from sftdata.errors import SftdataError, did_you_mean
from sftdata.exporting import columns, conversations, packed, text, tokenized
from sftdata.loading.conversations import ConversationRow, check_no_templates, holds_conversations
from sftdata.loading.dataset import Dataset, load

CARD = "README.md"
MESSAGES, OLMO = "messages", "olmo"


@dataclass(frozen=True, slots=True)
class Format:
    """An export format."""

    name: str
    # Writes splits into a folder; called with data, splits, folder, max_length (and with_text).
    write: Callable[..., None]
    keeps_mask: bool  # the trainer's loss is on exactly the tokens of the label mask
    needs_pack_plan: bool
    loading: str  # the trainer's setting or code that loads the files
    holds_text: bool = False  # whether prompts and targets can go along


FORMATS = {
    item.name: item
    for item in (
        Format(
            "hf", columns.write_hf, True, False,
            'datasets.load_from_disk("THIS_FOLDER")  # a DatasetDict',
            holds_text=True,
        ),
        Format(
            "parquet", columns.write_parquet, True, False,
            'datasets.load_dataset("parquet", data_files="train.parquet")',
            holds_text=True,
        ),
        Format(
            "jsonl", columns.write_jsonl, True, False,
            'datasets.load_dataset("json", data_files="train.jsonl")',
            holds_text=True,
        ),
        Format(
            "trl", tokenized.write_trl, True, False,
            'train = datasets.load_dataset("parquet", data_files="train.parquet")["train"]\n'
            "SFTTrainer(model, train_dataset=train, args=SFTConfig(max_length=None, …))\n"
            "# With max_length set, TRL cuts examples at it, and their targets too.",
        ),
        Format(
            "axolotl", tokenized.write_axolotl, True, False,
            "sequence_len: 2048  # axolotl drops examples that are longer; its default is 512\n"
            "datasets:\n  - path: train.parquet\n    ds_type: parquet\n    type:\n"
            "test_datasets:\n  - path: validation.parquet\n    ds_type: parquet\n"
            "    split: train  # the only split of a file\n    type:\n"
            "# Leave `type` empty: axolotl then uses the columns unchanged.",
        ),
        Format(
            "llamafactory", tokenized.write_llamafactory, True, False,
            "tokenized_path: THIS_FOLDER\n"
            "dataset: any  # must be set, but is not read when tokenized_path holds a dataset",
        ),
        Format(
            "megatron", packed.write_megatron, True, True,
            "GPTSFTDatasetConfig(seq_length=N, dataset_root=…, enable_offline_packing=True,\n"
            "    offline_packing_specs=PackedSequenceSpecs(packed_sequence_size=N,\n"
            "        packed_train_data_path='train.idx.parquet',\n"
            "        packed_val_data_path='validation.idx.parquet'))\n"
            "# Its loss mask belongs to the next token: the label mask shifted by one.",
        ),
        Format(
            OLMO, packed.write_olmo, True, False,
            "NumpyPackedFSLDatasetConfig.glob('train/token_ids_part_*.npy',\n"
            "    label_mask_paths=['train/labels_mask_part_*.npy'],\n"
            "    generate_doc_lengths=True, sequence_length=N, tokenizer=…)\n"
            "# It cuts examples that are longer than N.\n"
            "# The files are raw arrays without a header; example boundaries are in *.csv.gz.\n"
            "# OLMo-core finds boundaries by EOS: an example should end with it and hold no other.",
        ),
        Format(
            MESSAGES, text.write_messages, False, False,
            'datasets.load_dataset("json", data_files="train.jsonl")',
        ),
        Format(
            "prompt-completion", text.write_prompt_completion, False, False,
            'datasets.load_dataset("json", data_files="train.jsonl")',
        ),
    )
}  # fmt: skip


def export(
    directory: Path,
    name: str,
    out: Path,
    *,
    max_length: int | None = None,
    with_text: bool = False,
    read_conversations: Callable[[Dataset], Iterator[ConversationRow]] | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> list[Path]:
    """Write the dataset's splits in the format `name` as the folder `out`, and return the files.

    The folder appears when all files are on disk.

    `max_length` chooses the pack plan, for formats that need one. `with_text` adds prompt and
    target as text, to formats that hold other columns. `read_conversations` reads the conversations
    of a dataset from its sources, for the format `messages`.
    Raises `SftdataError` for an unknown format, a missing pack plan, or an `out` that is not empty.
    """
    _check_options(name, max_length, with_text)
    if out.exists() and any(out.iterdir()):
        raise SftdataError(
            f"{out} is not empty.", "Choose another directory with --out.", code="E105"
        )
    data = load(directory)
    splits = [split for split in data if len(data[split])]
    with new_folder(out) as folder:
        if (
            name == MESSAGES
            and read_conversations is not None
            and holds_conversations(data.manifest)
        ):
            check_no_templates(data.manifest)
            conversations.write_conversations(read_conversations(data), splits, folder)
        else:
            options = {"with_text": True} if with_text else {}
            FORMATS[name].write(data, splits, folder, max_length, **options)
        (folder / CARD).write_text(_card(data, FORMATS[name]), encoding="utf-8")
    if name == OLMO and (split_up := packed.count_split_examples(data, splits)):
        report(
            f"{split_up:,} of {sum(len(data[split]) for split in splits):,} examples hold EOS "
            "inside, as the turns of a chat do, or don't end with it. OLMo-core takes EOS for the "
            "end of a document, so it may split or join them."
        )
    return sorted(path for path in out.rglob("*") if path.is_file())


def _check_options(name: str, max_length: int | None, with_text: bool) -> None:
    """Raises `SftdataError` for an unknown format, and for options that it does not have."""
    if name not in FORMATS:
        raise SftdataError(
            f"There is no format '{name}'.", did_you_mean(name, FORMATS), code="E102"
        )
    if FORMATS[name].needs_pack_plan and max_length is None:
        raise SftdataError(
            f"The format '{name}' holds packed sequences, so it needs a pack plan.",
            "Choose the plan by its length: --max-length N",
            code="E705",
        )
    if max_length is not None and not FORMATS[name].needs_pack_plan:
        raise SftdataError(
            f"The format '{name}' has no packed sequences, so --max-length has no effect.",
            "Leave it out. For shorter examples build with --max-length.",
            code="E102",
        )
    if with_text and not FORMATS[name].holds_text:
        able = ", ".join(item.name for item in FORMATS.values() if item.holds_text)
        raise SftdataError(
            f"The format '{name}' has no columns for texts.",
            f"Leave --with-text out, or export to one that has: {able}.",
            code="E102",
        )


def _card(data: Dataset, chosen: Format) -> str:
    manifest = data.manifest
    mask = (
        "The loss is on exactly the tokens of the dataset's label mask."
        if chosen.keeps_mask
        else "These files hold text. The trainer tokenizes it again with its own chat template and "
        "mask, so ids and label mask may differ from the dataset's."
    )
    longest = max(int(split.lengths.max()) for split in data.values() if len(split))
    templates = [f"template `{label}`" for label in manifest["template"]]
    if holds_conversations(data.manifest):
        templates.append("the tokenizer's chat template")
    return f"""# {manifest["task"]} for {chosen.name}

Exported by sftdata from the build `{manifest["build"]}` ({", ".join(templates)}; tokenizer:
`{manifest["tokenizer"]["name"]}`, sha256 `{manifest["tokenizer"]["sha256"]}`).

{mask} The longest example has {longest:,} tokens.

```text
{chosen.loading}
```
"""
