"""The use of the vocabulary, counted by hand."""

from __future__ import annotations

from pathlib import Path

from support.handmade import EOS

from sftdata.inspecting.stats.vocabulary import VocabularyUse
from sftdata.loading.dataset import Dataset
from sftdata.tokenizing.load import load_tokenizer


def test_vocabulary_and_characters(data: Dataset, byte_tokenizer: Path) -> None:
    tokenizer = load_tokenizer(str(byte_tokenizer))
    use = VocabularyUse(tokenizer.vocab_size)
    for split in data.values():
        for batch in split.to_arrow().to_batches():
            use.add_batch(batch)
    text = use.summarize(tokenizer)
    used = set(b"abcdqArB") | set("é".encode()) | {EOS}
    assert text["vocabulary_used"] == len(used)
    # 17 tokens that are not EOS; "é" is two of them and one character.
    assert text["chars_per_token"] == round(15 / 16, 4)
    assert text["byte_fallback_share"] == round(2 / 16, 6)
    assert text["unknown_share"] == 0
