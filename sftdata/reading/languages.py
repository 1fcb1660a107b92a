"""Languages: identify the language of texts with py3langid."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

_MOST_CHARS = 1000  # of each text; more do not change the result


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def known_languages() -> frozenset[str]:
    """The codes that `identify` can give."""
    return frozenset(map(str, _identifier().labels))


def identify(texts: Sequence[str]) -> list[tuple[str, float]]:
    """The language of each text, an ISO 639-1 code, and the confidence, from 0 to 1."""
    identifier = _identifier()
    found = (identifier.classify(text[:_MOST_CHARS]) for text in texts)
    return [(str(language), float(confidence)) for language, confidence in found]
