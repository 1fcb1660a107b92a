"""Encode probe texts with a tokenizer: does it come to an end, and give the same ids each time?"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import orjson
import tokenizers

from sftdata.base import arrow as columns
from sftdata.errors import TokenizerError
from sftdata.tokenizing.engines import Engine, GigatokenEngine, ReferenceEngine
from sftdata.tokenizing.plain_text import PlainTokenizer, continuation_spec, plain_text_spec
from sftdata.tokenizing.structure import find_parts

PROBES = (
    "",
    " ",
    "  two  spaces\t\ttabs\n\n\nlines\r\n",
    "It's we're I'll DON'T you'd",
    "digits 0 12 345 6789 3.14159 1,000,000 ½ ² ٣ Ⅷ 一",
    "naïve café Ångström e\u0301 \u1e9b\u0323 ﬁ",
    "日本語のテキスト、改行\nと空白　全角",
    "Привет, мир! Ελληνικά עברית العربية हिन्दी ไทย",
    "emoji 👩‍👩‍👧‍👦 🇫🇷 👍🏽 ❤️",
    "code: for (int i=0;i<10;++i){ x->y[i] *= 2; } // ok",
    "\u00a0nbsp \u200bzero\u200dwidth \ufeffbom \u2028line",
    "control-like <|im_start|> <|endoftext|> [INST] </s> <unk> <0x0A> ▁ Ġ",
    "https://example.org/a?b=c&d=%20#frag user_name CamelCaseWord",
    "-----=====*****~~~~~.....!!!!!?????",
    "a" * 300,
    " " * 40 + "x" + "\n" * 40,
    "\x00\x01\x7f\x85",
)
_RUN = 2_000  # characters; a pattern that backtracks for ever does so on a run of one character
_RUNS_OF = "a 1.\né日"
_MOST_OF_PATTERNS = 16  # characters of the file's own patterns
_MOST_WORDS = 8  # of these patterns
_CLASS = re.compile(r"\\[pP]\{[^}]*\}|\\.")  # in a pattern, what is no text of its own
_THREADS = 4
_GIVEN_UP = "retry-limit-in-match"  # an error of Oniguruma

Encode = Callable[[Sequence[str]], list[list[int]]]


def probe_tokenizer(place: object, spec: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Loads the tokenizer as a build does, and encodes probes, again and again.

    Raises `TokenizerError` for ids that differ. A library's own error is none here: the build meets
    it again, if its rows do.
    """
    control = {text: t["id"] for text, t in facts["added_tokens"].items() if t["special"]}
    added = spec.get("added_tokens") or []
    plain = plain_text_spec(spec, control, facts["vocab_size"], added)
    forms = [plain, continuation_spec(plain)] if facts["continuation_differs"] else [plain]
    texts = [*PROBES, *_runs(spec)]
    for form in forms:
        for load in (ReferenceEngine, GigatokenEngine):
            with _library_errors(place):
                engine: Engine = load(PlainTokenizer.from_spec(form))
                check_repeats(place, _encoder(engine), texts)
    with _library_errors(place):
        whole = tokenizers.Tokenizer.from_str(orjson.dumps(spec).decode())
        _check_ids(place, whole, added)
        for text in texts:
            with _library_errors(place):
                whole.decode(whole.encode(text).ids)


def _check_ids(
    place: object, tokenizer: tokenizers.Tokenizer, added: Sequence[Mapping[str, Any]]
) -> None:
    """Raises `TokenizerError` for an added token that the library gives another id."""
    for token in added:
        known = tokenizer.token_to_id(token["content"])
        if known is not None and known != token["id"]:
            raise TokenizerError(
                f"{place}: the added token '{token['content']}' has the id {token['id']:,} there, "
                f"and {known:,} in the tokenizers library.",
                "Copy the file again from where the tokenizer came from.",
            )


def check_repeats(place: object, encode: Encode, texts: Sequence[str]) -> None:
    """Raises `TokenizerError` if the same text has other ids: in a batch, alone, or in threads."""
    first = encode(texts)
    batches = [[text] for text in texts]
    with ThreadPoolExecutor(_THREADS) as pool:
        in_threads = list(pool.map(encode, [texts] * _THREADS))
        alone = [ids for batch in pool.map(encode, batches) for ids in batch]
    for again in (alone, *in_threads):
        for text, one, other in zip(texts, first, again, strict=True):
            if one != other:
                raise TokenizerError(
                    f"{place}: the tokenizer is not deterministic: it gives other ids for the same "
                    f"text, {text[:40]!r}.",
                    "Switch off its sampling (dropout, alpha, nbest_size), or use another "
                    "tokenizer.",
                    code="E606",
                )


@contextlib.contextmanager
def _library_errors(place: object) -> Iterator[None]:
    """Ignores errors and panics of a Rust library, except for a pattern without end."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError):
        raise
    except BaseException as error:  # a panic is no `Exception`
        if _GIVEN_UP in str(error):
            raise TokenizerError(
                f"{place}: a pattern of the tokenizer tries too many ways to match a text of "
                f"{_RUN:,} characters.",
                "Use the tokenizer of a source that you trust.",
            ) from error
        if isinstance(error, TokenizerError) and not isinstance(error.__cause__, BaseException):
            raise  # our own, and not the library's


def _encoder(engine: Engine) -> Encode:
    def encode(texts: Sequence[str]) -> list[list[int]]:
        encoded = engine.encode(columns.texts(list(texts)))
        return [encoded.ids[a:b].tolist() for a, b in pairwise(encoded.offsets)]

    return encode


def _runs(spec: Mapping[str, Any]) -> Iterator[str]:
    """Long runs of one character or word, with and without others at the end."""
    own = _characters_of_patterns(spec)
    # A pattern is tried at all only where the characters stand that it needs.
    end = "\x01" + "".join(own)
    for part in dict.fromkeys([*_RUNS_OF, *own, *_words_of_patterns(spec)]):
        run = part * (_RUN // len(part))
        yield run
        yield run + end


def _characters_of_patterns(spec: Mapping[str, Any]) -> list[str]:
    """The letters, digits and marks in the patterns of the file."""
    found = dict.fromkeys(c for regex in _patterns(spec) for c in regex if c.isprintable())
    return [c for c in found if c not in r"\()[]{}|^$?*+"][:_MOST_OF_PATTERNS]


def _words_of_patterns(spec: Mapping[str, Any]) -> list[str]:
    """The texts of two characters or more in the patterns of the file, such as "ll"."""
    plain = " ".join(_CLASS.sub(" ", regex) for regex in _patterns(spec))
    return [*dict.fromkeys(re.findall(r"\w{2,40}", plain))][:_MOST_WORDS]


def _patterns(spec: Mapping[str, Any]) -> Iterator[str]:
    for stage in ("normalizer", "pre_tokenizer", "decoder"):
        for part in find_parts(spec.get(stage)):
            pattern = part.get("pattern")
            regex = pattern.get("Regex") if isinstance(pattern, dict) else None
            yield str(regex or "")
