"""The example of the card is the first training row, in the words of the row itself."""

from __future__ import annotations

from pathlib import Path

from support.forty_rows import build_rows, rows, write_spec

import sftdata


def test_the_manifest_records_the_first_training_row(byte_tokenizer: Path) -> None:
    write_spec(byte_tokenizer)
    manifest = build_rows(rows()).manifest
    first = sftdata.load("out")["train"][0]
    assert manifest["examples"] == {
        "made": {
            "split": "train",
            "row_id": first.row_id,
            "template": first.template,
            "prompt": first.prompt,
            "target": first.target,
        }
    }


def test_a_long_text_keeps_its_start_and_its_end(byte_tokenizer: Path) -> None:
    write_spec(byte_tokenizer)
    build_rows([{"id": f"r{i}", "article": f"{i}" + "a" * 9000, "summary": "s"} for i in range(9)])
    first = sftdata.load("out")["train"][0]
    prompt = sftdata.load("out").manifest["examples"]["made"]["prompt"]
    head, told, tail = prompt[:1500], prompt[1500:-500], prompt[-500:]
    assert first.prompt.startswith(head)
    assert first.prompt.endswith(tail)
    assert told == f"\n… {len(first.prompt) - 2000:,} characters …\n"


def test_a_dataset_without_training_rows_has_no_example(byte_tokenizer: Path) -> None:
    write_spec(byte_tokenizer, more="split = { validation = 0.5, test = 0.5 }\n")
    assert build_rows(rows()).manifest["examples"] == {}
    assert "Examples" not in Path("out/README.md").read_text()
