"""The export formats: for each trainer, the writer of its files and how it loads them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sftdata.errors import SftdataError, did_you_mean
from sftdata.exporting import columns, mds, packed, text, tokenized
from sftdata.loading.dataset import Dataset

FOLDER, LONGEST, LENGTH = "THIS_FOLDER", "LONGEST", "PACK_LENGTH"  # in `loading`
VALIDATION = "VALIDATION\n"  # `load_validation` goes here, where the dataset has that split
POWER_OF_TWO = "POWER_OF_2"  # the first one that is as long as the longest example
_STAYS = "They stay in the dataset: line n of a split is its row n."
_ALL_BUT_TOKENS = f"row ids, templates, tasks, texts, the ledger, pack plans. {_STAYS}"
_ALL_BUT_COLUMNS = f"the ledger, the manifest, pack plans. {_STAYS}"
_ALL_BUT_TEXTS = (
    "token ids and label mask (the trainer makes its own), templates, tasks, pack plans."
)


@dataclass(frozen=True, slots=True)
class Format:
    """An export format."""

    name: str
    # Writes splits into a folder; called with data, splits, folder, max_length (and with_text).
    # None: the rows are read again from their sources, as messages.
    write: Callable[..., None] | None
    loading: str  # the trainer's setting or code that loads the files
    lacks: str  # what the files do not carry
    load_validation: str = ""  # the lines of `loading` for the validation split
    keeps_mask: bool = True  # the trainer's loss is on exactly the tokens of the label mask
    needs_pack_plan: bool = False
    holds_text: bool = False  # whether prompts and targets can go along
    count_exceptions: Callable[[Dataset, list[str]], int] | None = None
    exception: str = ""  # follows the number of rows that the trainer reads otherwise


FORMATS = {
    item.name: item
    for item in (
        Format(
            "hf", columns.write_hf,
            'data = datasets.load_from_disk("THIS_FOLDER")  # a DatasetDict',
            _ALL_BUT_COLUMNS, holds_text=True,
        ),
        Format(
            "parquet", columns.write_parquet,
            'data = datasets.load_dataset("parquet", data_files="THIS_FOLDER/train.parquet")',
            _ALL_BUT_COLUMNS, holds_text=True,
        ),
        Format(
            "jsonl", columns.write_jsonl,
            'data = datasets.load_dataset("json", data_files="THIS_FOLDER/train.jsonl")',
            _ALL_BUT_COLUMNS, holds_text=True,
        ),
        Format(
            "trl", tokenized.write_trl,
            'files = {"train": "THIS_FOLDER/train.parquet"}\n'
            'train = datasets.load_dataset("parquet", data_files=files)["train"]\n'
            "SFTTrainer(model, train_dataset=train, args=SFTConfig(max_length=None, …))\n"
            "# With max_length set, TRL cuts examples at it, and their targets too.",
            _ALL_BUT_TOKENS,
        ),
        Format(
            "axolotl", tokenized.write_axolotl,
            "sequence_len: LONGEST  # axolotl drops examples that are longer; its default is 512\n"
            "datasets:\n  - path: THIS_FOLDER/train.parquet\n    ds_type: parquet\n    type:\n"
            "VALIDATION\n"
            "# Leave `type` empty: axolotl then uses the columns unchanged.",
            _ALL_BUT_TOKENS,
            "test_datasets:\n  - path: THIS_FOLDER/validation.parquet\n    ds_type: parquet\n"
            "    split: train  # the only split of a file\n    type:\n",
        ),
        Format(
            "llamafactory", tokenized.write_with_attention,
            "tokenized_path: THIS_FOLDER\n"
            "dataset: any  # must be set, but is not read when tokenized_path holds a dataset",
            _ALL_BUT_TOKENS,
        ),
        Format(
            "open-instruct", tokenized.write_with_attention,
            "python open_instruct/finetune.py … --dataset_local_cache_dir THIS_FOLDER "
            "--dataset_config_hash train\n"
            "# It takes the split for a dataset that it has cached, so --dataset_mixer_list,\n"
            "# --dataset_transform_fn, --max_seq_length and chat templates have no effect on it.",
            _ALL_BUT_TOKENS,
        ),
        Format(
            "mds", mds.write_mds,
            "train_loader:  # of llm-foundry\n  name: finetuning\n  dataset:\n"
            "    local: THIS_FOLDER\n    split: train\n    max_seq_len: LONGEST\n"
            "    decoder_only_format: true\n    target_prompts: none\n    target_responses: all\n"
            "# max_seq_len cuts longer examples at their end, and target_responses: last, the "
            "default,\n# trains on the last answer only. Your own code:\n"
            '# streaming.StreamingDataset(local="THIS_FOLDER", split="train", batch_size=…)[0]',
            _ALL_BUT_TOKENS,
            count_exceptions=mds.count_other_ends,
            exception="don't end with EOS, as the turns of a chat do. llm-foundry adds EOS to "
            "them, in the loss. Code that reads `input_ids` and `labels` of the shards is not "
            "affected.",
        ),
        Format(
            "megatron-packed", packed.write_megatron,
            "GPTSFTDatasetConfig(seq_length=PACK_LENGTH, dataset_root='THIS_FOLDER',\n"
            "    enable_offline_packing=True, do_test=False,\n"
            "    offline_packing_specs=PackedSequenceSpecs(packed_sequence_size=PACK_LENGTH,\n"
            "        packed_train_data_path='THIS_FOLDER/train.idx.parquet',\n"
            "VALIDATION\n"
            "    ))\n"
            "# Its loss mask belongs to the next token: the label mask shifted by one.",
            "row ids, templates, tasks, texts, the ledger. The order is that of the packs.",
            "        packed_val_data_path='THIS_FOLDER/validation.idx.parquet',\n",
            needs_pack_plan=True,
        ),
        Format(
            "olmo-core", packed.write_olmo,
            "NumpyPackedFSLDatasetConfig.glob('THIS_FOLDER/train/token_ids_part_*.npy',\n"
            "    label_mask_paths=['THIS_FOLDER/train/labels_mask_part_*.npy'],\n"
            "    generate_doc_lengths=True, sequence_length=POWER_OF_2, tokenizer=…)\n"
            "# It cuts examples that are longer than sequence_length, a power of 2.\n"
            "# The files are raw arrays without a header; example boundaries are in *.csv.gz.\n"
            "# OLMo-core finds boundaries by EOS: an example should end with it and hold no other.",
            _ALL_BUT_TOKENS,
            count_exceptions=packed.count_split_examples,
            exception="hold EOS inside, as the turns of a chat do, or don't end with it. OLMo-core "
            "takes EOS for the end of a document, so it may split or join them.",
        ),
        Format(
            "messages", None,
            'data = datasets.load_dataset("json", data_files="THIS_FOLDER/train.jsonl")',
            _ALL_BUT_TEXTS, keeps_mask=False,
        ),
        Format(
            "prompt-completion", text.write_prompt_completion,
            'data = datasets.load_dataset("json", data_files="THIS_FOLDER/train.jsonl")',
            _ALL_BUT_TEXTS + " And BOS and the end token: the trainer must add them, once.",
            keeps_mask=False,
        ),
    )
}  # fmt: skip


def find_format(name: str, max_length: int | None, with_text: bool) -> Format:
    """The format. Raises `SftdataError` for an unknown one, and for options it does not have."""
    if name not in FORMATS:
        raise SftdataError(
            f"There is no format '{name}'.", did_you_mean(name, FORMATS), code="E102"
        )
    found = FORMATS[name]
    if found.needs_pack_plan and max_length is None:
        raise SftdataError(
            f"The format '{name}' holds packed sequences, so it needs a pack plan.",
            "Choose the plan by its length: --max-length N",
            code="E705",
        )
    if max_length is not None and not found.needs_pack_plan:
        raise SftdataError(
            f"The format '{name}' has no packed sequences, so --max-length has no effect.",
            "Leave it out. For shorter examples build with --max-length.",
            code="E102",
        )
    if with_text and not found.holds_text:
        able = ", ".join(item.name for item in FORMATS.values() if item.holds_text)
        raise SftdataError(
            f"The format '{name}' has no columns for texts.",
            f"Leave --with-text out, or export to one that has: {able}.",
            code="E102",
        )
    return found
