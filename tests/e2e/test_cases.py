"""Files as people have them: every row of each arrives unchanged, or an error names the fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.cases import Case, Pairs, all_cases
from support.conversation_cases import ConversationCase, all_conversation_cases
from support.places import SHARED

from sftdata import SftdataError, build, load
from sftdata.loading.text import TextReader

pytestmark = pytest.mark.real

CASES = all_cases()
CONVERSATIONS = all_conversation_cases()
# Files that other tests build, and what else their outcome depends on.
ELSEWHERE = {
    "labels/templates.yaml": "imported, in test_texts_and_numbers",
    "labels/nli.csv": "with the imported template",
    "labels/nli.jsonl": "with the imported template",
    "conversations/odd_turns.jsonl": "the reason of each row, in test_conversation_cases",
    "conversations/sharegpt_roles.jsonl": "the reason of each row, in test_conversation_cases",
    "conversations/long.jsonl": "with a length limit",
    "conversations/repeats.jsonl": "with near duplicates and an evaluation file",
    "conversations/evaluation.jsonl": "the evaluation file",
    **{
        f"tokenizers/{name}/{file}": "in test_added_tokens"
        for name in ("bert", "bert_eos", "t5")
        for file in ("tokenizer.json", "tokenizer_config.json")
    },
}


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_case_has_the_right_outcome(
    case: Case, byte_tokenizer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    notes: list[str] = []

    def run() -> Any:
        options = {"task": "summarize", "tokenizer": byte_tokenizer, **case.options}
        files = [SHARED / "cases" / name for name in case.files]
        return build(data=files, out="out", report=notes.append, **options)

    if case.words:
        with pytest.raises(SftdataError) as caught:
            run()
        message = str(caught.value)
        assert [word for word in case.words if word not in message] == [], message
        assert not Path("out/manifest.json").exists()
        return
    outcome = run()
    manifest = outcome.manifest.content
    assert manifest["dropped"] == case.dropped
    assert manifest["rows_in"] == manifest["rows_out"] + sum(case.dropped.values())
    check_texts(read_texts(Path("out"), manifest), case.pairs)
    reported = "\n".join(notes)
    assert [word for word in case.notes if word not in reported] == [], reported


@pytest.mark.parametrize("case", CONVERSATIONS, ids=[case.file for case in CONVERSATIONS])
def test_a_conversation_shows_and_teaches_what_it_says(
    case: ConversationCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    build(
        "chat",
        data=SHARED / "cases" / "conversations" / case.file,
        tokenizer=SHARED / "tokenizers" / "qwen3",
        out="out",
        max_dropped=100,
        **case.options,
    )
    manifest = load("out").manifest.content
    assert manifest["dropped"] == case.dropped
    left = read_conversations(Path("out"), manifest)
    for row in case.rows:
        found = next((t for t in left if t[1] == row.taught and shows(t[0], row.shown)), None)
        assert found is not None, (row, left[:2])
        left.remove(found)
    assert left == []


def read_conversations(out: Path, manifest: Mapping[str, Any]) -> Pairs:
    """The whole text and all that is in the loss, of every row of a dataset."""
    texts: Pairs = []
    data = load(out)
    reader = TextReader(data)
    for split in manifest["splits"]:
        for at in range(len(data[split])):
            ids, mask = data[split][at].input_ids, data[split][at].label_mask
            texts.append((reader.decode(ids.tolist()), reader.decode(ids[mask].tolist())))
    return texts


def shows(text: str, parts: Sequence[str]) -> bool:
    """Whether the parts stand in the text, one after another."""
    at = 0
    for part in parts:
        at = text.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return True


def read_texts(out: Path, manifest: Mapping[str, Any]) -> Pairs:
    """Prompt and target of every row of a dataset."""
    texts: Pairs = []
    data = load(out)
    reader = TextReader(data)
    for split in manifest["splits"]:
        texts += [reader.read(data[split][at]) for at in range(len(data[split]))]
    return texts


def check_texts(texts: Pairs, pairs: Pairs) -> None:
    """Each pair is one row: its target is exact, and its prompt holds the other text."""
    left = list(texts)
    for part, target in pairs:
        found = next((t for t in left if t[1] == target and part in t[0]), None)
        assert found is not None, (part, target, left[:3])
        left.remove(found)
    assert left == []


def test_every_file_is_a_case() -> None:
    """A file that is put beside the others has an outcome here, too."""
    folder = SHARED / "cases"
    known = {name for case in CASES for name in case.files} | set(ELSEWHERE)
    known |= {f"conversations/{case.file}" for case in CONVERSATIONS}
    there = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.*")
        if path.is_file() and path.name != "README.md"
    }
    assert there - known == set()
