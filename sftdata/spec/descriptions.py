"""One sentence about each key of a spec, for editors (`sftdata schema spec`)."""

from __future__ import annotations

from collections.abc import Mapping

SPEC_KEYS: Mapping[str, str] = {
    "task": "Name of the task; the dataset goes to data/TASK.",
    "description": "What the rows are, for the dataset card.",
    "license": "License of the rows, for the dataset card.",
    "language": "Languages of the rows, such as en, for the dataset card.",
    "data": "Files, globs, folders, - for standard input, hf:NAME or preset:NAME; a table gives "
    "each split its own. A path is relative to this file.",
    "preset": "A known dataset whose columns the rows have; list: sftdata sources.",
    "template": "The template of every row, such as summarize/article or summarize/article@1.2.0.",
    "templates": "Templates; each row gets one of them, by weight.",
    "tokenizer": "A folder with tokenizer.json, or a name on the Hugging Face Hub.",
    "fields": "Golden field = where it is in a row: a path, or a table (path, first, value, "
    "optional, strip_prefix, type).",
    "where": "Build only rows that hold one of these values: path = value or list of values.",
    "swap": "Pairs of fields that change places.",
    "loss": "Which assistant turns of a conversation count in the loss.",
    "unroll": "Make a row of each turn that counts, cut after it.",
    "ignore_turn_keys": "Keys of turns that nothing reads, such as source.",
    "drop_trailing_user": "Leave out the turns after the last answer.",
    "drop_leading_assistant": "Leave out answers before the first user's turn.",
    "merge_same_role": "Join turns of one speaker that follow each other.",
    "max_length": "Fit examples into this many tokens. Without it nothing is cut.",
    "keep": "The part of the shortened field that stays.",
    "max_dropped": "Percent of the rows that may be unusable; more is an error.",
    "nul": "What happens to rows with a NUL character.",
    "id_prefix": "Put before each id: file, for the name of the row's file, or any other text.",
    "quoting": "Whether quotation marks quote cells in CSV and TSV files.",
    "group": "Path; rows with the same value there stay in one split.",
    "seed": "Decides splits, templates and shots.",
    "split": "Splits and their shares of the rows that have no split yet; only their ratios count.",
    "given_splits": "Keep the splits that files and datasets name, or join all rows.",
    "split_column": "Path of the column that names the split of each row.",
    "chat": "Write prompt and target as turns of the tokenizer's chat template.",
    "chat_options": "Values for the chat template, such as enable_thinking = false.",
    "chat_template": "A file with a chat template, instead of the tokenizer's.",
    "date": "The date that the chat template writes.",
    "teach_reasoning": "Whether the reasoning of taught turns is in the loss.",
    "long_conversations": "Conversations longer than max_length lose turns at their start, or are "
    "dropped.",
    "text_tokens": "Control tokens that the data means, so they are text.",
    "shots": "Solved examples before each prompt; a list gives each row one of the numbers.",
    "source_field": "The field that checks compare with the target.",
    "target_field": "The field with the text to learn, for the checks.",
    "checks": "Checks of golden rows; each is flag, drop or fail.",
    "duplicates": "What happens to rows that repeat another one.",
    "near_duplicates": "Keep one of the rows that are at least this similar, such as 0.8.",
    "against": "Evaluation files whose texts must not be in the dataset.",
    "against_overlap": "Share of a row's word runs that an evaluation file may not hold.",
}

MIXTURE_KEYS: Mapping[str, str] = {
    **{key: SPEC_KEYS[key] for key in ("task", "description", "license", "language", "seed")},
    "mixture": "How much of each source the dataset gets.",
    "by": "What shares are measured in.",
    "temperature": "At 1 the share of a source is its size or weight; above, shares get equal.",
    "max_repeats": "How often the rows of a small source may be repeated.",
    "sources": "The sources of a mixture: specs, with keys laid over them.",
}

# Keys of the tables inside a spec.
FIELD_KEYS: Mapping[str, str] = {
    "path": "Where the field is in a row, such as answers.text[0].",
    "first": "Paths; the first that has visible text is read.",
    "value": "A constant for every row, instead of a path.",
    "optional": "Read an empty text where a row has nothing there.",
    "strip_prefix": "Texts; the one that the field starts with is taken off.",
    "type": "Read a number, a boolean or, without a flag in the ledger, a text.",
}

TEMPLATE_KEYS: Mapping[str, str] = {
    "id": "A template, such as summarize/article or summarize/article@1.2.0.",
    "weight": "How many rows get it, compared with the other templates.",
}

CHECK_KEYS: Mapping[str, str] = {
    "action": "Flag the row, drop it, or end the build.",
    "low": "The least that is right, for a check with bounds.",
    "high": "The most that is right, for a check with bounds.",
}

SOURCE_KEYS: Mapping[str, str] = {
    "name": "Name of the source; its own dataset is in parts/NAME.",
    "spec": "A task, or a TOML file beside this one.",
    "weight": "Share of the source, compared with the others. Give every source one, or none.",
    "cap": "Rows of the training split, at most.",
}
