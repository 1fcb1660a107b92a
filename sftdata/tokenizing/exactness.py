"""The gate: gigatoken encodes only what it encodes as the reference does.

It must give the reference's ids for every vocabulary entry before it is used, and for probes and a
sample of the rows before what it has made is committed.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

import numpy as np
import pyarrow as pa

from sftdata.base import arrow as columns
from sftdata.base.cache import cache_folder
from sftdata.tokenizing.engines import Engine, GigatokenEngine, ReferenceEngine
from sftdata.tokenizing.plain_text import PlainTokenizer

_GATE_SAMPLE_CHARS = 128 * 1024

_PROBES = (
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


FindFault = Callable[[pa.LargeStringArray], str | None]  # a text that comes out wrong, or None


@dataclass(frozen=True)
class EngineChoice:
    """An engine, and the check that is still to be made of it on the rows at hand."""

    engine: Engine
    find_fault: FindFault


def choose_engine(
    plain: PlainTokenizer,
    report: Callable[[str], None],
    load_reference: Callable[[PlainTokenizer], Engine] = ReferenceEngine,
) -> EngineChoice:
    """gigatoken if it gives the reference's ids for every vocabulary entry, else the reference.

    The check on the probes and a sample of rows is left to the caller, who can make it beside the
    build: it must be made before anything is committed. `report` gets one line, with the reason,
    when the reference is used. The reference is loaded when it is first needed: a cached verdict
    on the vocabulary needs none, so that loading it does not delay the first rows.
    """
    try:
        fast = GigatokenEngine(plain)
    except (RuntimeError, ValueError, KeyError) as error:
        reason = str(error).partition("\n")[0]
        report(f"the tokenizers library encodes this build: gigatoken refuses it ({reason})")
        return EngineChoice(load_reference(plain), lambda sample: None)
    reference = cache(lambda: load_reference(plain))
    fault = _probe(fast, reference, plain.content)
    if fault is not None:
        report(f"the tokenizers library encodes this build: gigatoken differs on {fault!r}")
        return EngineChoice(reference(), lambda sample: None)

    def find_fault(sample: pa.LargeStringArray) -> str | None:
        probes = columns.texts([*_PROBES, *_start_of(sample)])
        return first_difference(fast, reference(), probes)

    return EngineChoice(fast, find_fault)


def _probe(fast: GigatokenEngine, reference: Callable[[], Engine], content: bytes) -> str | None:
    """A text made of vocabulary entries that the engine gets wrong, or None.

    The verdict holds for this tokenizer and these library versions, so a good one is kept on disk.
    """
    versions = f"{version('gigatoken')} {version('tokenizers')}"
    key = hashlib.sha256(versions.encode() + b"\0" + content).hexdigest()
    verdict = cache_folder() / "exact" / key
    if verdict.exists():
        return None
    entries = columns.texts(fast.vocabulary_texts())
    fault = first_difference(fast, reference(), entries)
    if fault is None:
        with contextlib.suppress(OSError):  # a read-only home costs the probe, not the build
            verdict.parent.mkdir(parents=True, exist_ok=True)
            verdict.touch()
    return fault


def first_difference(fast: Engine, reference: Engine, column: pa.LargeStringArray) -> str | None:
    """The first text the two engines encode differently, or None."""
    a, b = fast.encode(column), reference.encode(column)
    if np.array_equal(a.offsets, b.offsets) and np.array_equal(a.ids, b.ids):
        return None
    for row, text in enumerate(column.to_pylist()):
        mine, theirs = (e.ids[e.offsets[row] : e.offsets[row + 1]] for e in (a, b))
        if not np.array_equal(mine, theirs):
            return str(text)[:80]
    return None


def _start_of(sample: pa.LargeStringArray) -> Iterator[str]:
    left = _GATE_SAMPLE_CHARS
    for text in sample:
        if left <= 0:
            return
        yield text.as_py()[:left]
        left -= len(text.as_py())
