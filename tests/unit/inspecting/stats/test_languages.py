"""The languages of the targets of a sample."""

from __future__ import annotations

from pathlib import Path

from support import handmade
from support.handmade import row

from sftdata.inspecting.stats.languages import sample_languages
from sftdata.tokenizing.load import load_tokenizer


def test_languages_of_the_targets_are_those_of_the_sample(
    tmp_path: Path, byte_tokenizer: Path
) -> None:
    german = "Das ist ein kurzer deutscher Satz über das Wetter und die Stadt."
    french = "Ceci est une phrase française assez courte sur la ville et le temps."
    texts = [german] * 3 + [french] * 2 + ["ok"]
    rows = [row(f"r{i}", f"{i}\n", text) for i, text in enumerate(texts)]
    data = handmade.write(tmp_path, byte_tokenizer, rows)
    found = sample_languages(data, load_tokenizer(str(byte_tokenizer)))
    assert found == {"sampled_rows": 6, "rows": {"de": 3, "fr": 2, "unknown": 1}}
