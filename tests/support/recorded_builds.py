"""Builds whose bytes are on record, to see that a change of the code did not change them.

The record is `tests/e2e/recorded_digests.json`. It was made with the code of commit 8b94ffc, before
the modules were moved into folders. Only `sftdata.build` and the files of a dataset are used here,
so this module can run the code of any commit. To record again, with the code of this checkout:

    cd tests && python -m support.recorded_builds

or with the code of another checkout, bundled templates and samples included:

    cd tests && PYTHONPATH=OTHER_CHECKOUT python -m support.recorded_builds

Do so only where a change of the bytes is meant, or where a new pyarrow writes the same rows in
other bytes. Then read the diff: it shows which datasets change for the people who have them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

import sftdata
from support.places import BUNDLED_TOKENIZER, REAL_TOKENIZERS, ROOT, SHARED

RECORD = Path(__file__).resolve().parents[1] / "e2e" / "recorded_digests.json"
BUNDLED_TASKS = ("summarize", "translate", "qa", "grammar", "rewrite", "multitask")
GOLDEN_TASKS = ("summarize", "translate", "qa", "grammar")
GOLDEN_ROWS = 240
EVALUATION_ROWS = range(220, 260)  # half of them are in the golden rows, too
CHAT_TOKENIZER = "small-chat"  # the bundled tokenizer with this chat template
CHAT_TEMPLATE = (
    "{% for turn in messages %}{{ turn.role }}:\n{{ turn.content }}{{ eos_token }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:\n{% endif %}"
)
MIXTURE = """
task = "mixture"
[mixture]
by = "tokens"
temperature = 2.0
max_repeats = 3
[[sources]]
spec = "summarize"
data = ["summarize.jsonl"]
cap = 100
weight = 1.0
[[sources]]
spec = "translate"
data = ["translate.jsonl"]
weight = 1.0
[[sources]]
spec = "qa"
data = ["qa.jsonl"]
weight = 3.0
[[sources]]
spec = "grammar"
data = ["grammar.jsonl"]
weight = 1.0
"""
CONVERSATIONS = """
task = "conversations"
data = ["conversations.jsonl"]
max_dropped = 100
chat = true
[fields]
id = "id"
messages = "messages"
[split]
train = 0.9
validation = 0.1
"""

# Keyword arguments of `sftdata.build`; a real tokenizer is given by its name.
Options = Mapping[str, Any]


def bundled_builds() -> dict[str, Options]:
    """Builds of the bundled samples with the bundled tokenizer; they need no other file."""
    return {task: {"task": task} for task in BUNDLED_TASKS} | {
        "summarize, shots": {"task": "summarize", "shots": [0, 1, 3], "seed": 7},
        "summarize, shots, cut": {"task": "summarize", "shots": 4, "max_length": 1500},
        "summarize, cut": {"task": "summarize", "max_length": 300, "keep": "middle"},
        "qa, too long": {"task": "qa", "max_length": 70, "max_dropped": 100},
        "summarize, near duplicates": {
            "task": "summarize",
            "data": "nearly_repeated.jsonl",
            "near_duplicates": 0.7,
        },
        "summarize, evaluation rows": {"task": "summarize", "against": ["nearly_repeated.jsonl"]},
        "multitask, shots": {"task": "multitask", "shots": 1},
        "summarize, chat, shots": {
            "task": "summarize",
            "tokenizer": CHAT_TOKENIZER,
            "chat": True,
            "shots": 2,
        },
    }


def real_builds() -> dict[str, Options]:
    """Builds of the first rows of the real golden sets with the real tokenizers."""
    builds: dict[str, Options] = {}
    for name in REAL_TOKENIZERS:
        # A mixture holds the dataset of each task, too, and loads the tokenizer once.
        builds[f"{name}, mixture"] = {"spec": "mixture.toml", "tokenizer": name}
        builds[f"{name}, shots, cut"] = _golden("summarize", name, shots=[0, 2], max_length=256)
    chat = {"chat": True, "chat_options": {"enable_thinking": False}, "max_dropped": 100}
    for name in ("smollm2", "qwen3"):
        builds[f"{name}, chat, shots, cut"] = _golden("qa", name, shots=2, max_length=600, **chat)
        builds[f"{name}, conversations"] = {"spec": "conversations.toml", "tokenizer": name}
    return builds | {
        "smollm2, chat": _golden("translate", "smollm2", **chat),
        "gpt2, near duplicates": _golden("summarize", "gpt2", near_duplicates=0.5),
        "gpt2, evaluation rows": _golden("qa", "gpt2", against=["evaluation.jsonl"]),
        "gpt2, repeated rows": {
            "task": "qa",
            "data": ["qa.jsonl", "evaluation.jsonl"],
            "tokenizer": "gpt2",
            "max_dropped": 100,
        },
        "smollm2, conversations, last turn": {
            "spec": "conversations.toml",
            "tokenizer": "smollm2",
            "loss": "last",
        },
        "smollm2, cut, end": _golden("summarize", "smollm2", max_length=120, keep="end"),
    }


def _golden(task: str, tokenizer: str, **options: Any) -> Options:
    return {"task": task, "data": f"{task}.jsonl", "tokenizer": tokenizer, **options}


def build_and_digest(options: Options) -> dict[str, Any]:
    """Builds into the working directory, which must be empty, and returns the entry to record.

    An entry has no paths, dates, versions or build names: they may change while the rows stay
    equal. It has no rows either: those of the real golden sets must not be copied.
    """
    _write_bundled_inputs()
    if options.get("tokenizer") in REAL_TOKENIZERS:
        _write_real_inputs(SHARED / "golden")
        options = {**options, "tokenizer": SHARED / "tokenizers" / options["tokenizer"]}
    sftdata.build(**options, out="out")
    return _digest_dataset(Path("out"))


def _digest_dataset(directory: Path) -> dict[str, Any]:
    """Counts and digests of a dataset and, where it is a mixture, of its parts."""
    manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    build = manifest["build"]
    with pa.OSFile(str(directory / "ledger" / f"{build}.arrow")) as file:
        ledger = pa.ipc.open_file(file).read_all()
    found: dict[str, Any] = {
        **{key: manifest[key] for key in ("rows_in", "rows_out", "cut", "dropped", "flagged")},
        "shards": {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted((directory / "shards" / build).glob("*.arrow"))
        },
        "ledger": _digest_rows(ledger.select(["row_id", "source", "status", "reason"])),
        "ledger_details": _digest_rows(ledger.select(["detail"])),  # apart: these are sentences
    }
    parts = {path.name: _digest_dataset(path) for path in sorted(directory.glob("parts/*"))}
    return found | ({"parts": parts} if parts else {})


def _digest_rows(table: pa.Table) -> str:
    """The digest of a table's rows, each a line of JSON."""
    lines = [json.dumps(list(row.values())) + "\n" for row in table.to_pylist()]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _write_bundled_inputs() -> None:
    """The files that `bundled_builds` reads, in the working directory."""
    shutil.copytree(BUNDLED_TOKENIZER, CHAT_TOKENIZER)
    Path(CHAT_TOKENIZER, "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")
    rows = _read_rows(ROOT / "pipelines" / "samples" / "summarize.jsonl", range(30))
    again = [
        {**row, "id": f"{row['id']}-again", "article": f"{row['article']} That was all."}
        for row in rows[::3]
    ]
    _write_rows("nearly_repeated.jsonl", [*rows, *again])


def _write_real_inputs(golden: Path) -> None:
    """The files that `real_builds` reads, in the working directory."""
    for task in GOLDEN_TASKS:
        _write_rows(f"{task}.jsonl", _read_rows(golden / f"{task}.jsonl", range(GOLDEN_ROWS)))
    _write_rows("evaluation.jsonl", _read_rows(golden / "qa.jsonl", EVALUATION_ROWS))
    rows = _read_rows(golden / "qa.jsonl", range(GOLDEN_ROWS))
    conversations = [
        {"id": first["id"], "messages": [*_turns(first), *_turns(second)]}
        for first, second in zip(rows[::2], rows[1::2], strict=True)
    ]
    _write_rows("conversations.jsonl", conversations)
    Path("conversations.toml").write_text(CONVERSATIONS, encoding="utf-8")
    Path("mixture.toml").write_text(MIXTURE, encoding="utf-8")


def _read_rows(path: Path, rows: range) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in islice(lines, rows.start, rows.stop)]


def _write_rows(path: str, rows: Sequence[Mapping[str, Any]]) -> None:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    Path(path).write_text(text, encoding="utf-8")


def _turns(row: Mapping[str, str]) -> list[dict[str, str]]:
    return [
        {"role": "user", "content": f"{row['context']}\n\n{row['question']}"},
        {"role": "assistant", "content": row["answer"]},
    ]


def read_record() -> dict[str, dict[str, Any]]:
    """The recorded builds, by name."""
    record: dict[str, dict[str, Any]] = json.loads(RECORD.read_text(encoding="utf-8"))
    return record


def main() -> None:
    """Builds everything and writes the record."""
    if not (SHARED / "golden").is_dir():
        raise SystemExit("Put the real golden sets beside the checkout, or set SFTDATA_REAL.")
    print(f"Recording what {Path(sftdata.__file__).parent} builds.")
    record = {}
    with tempfile.TemporaryDirectory() as cache:
        os.environ |= {"XDG_CACHE_HOME": cache, "HF_HUB_OFFLINE": "1"}
        for name, options in (bundled_builds() | real_builds()).items():
            with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
                record[name] = build_and_digest(options)
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
