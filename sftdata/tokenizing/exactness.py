"""The exactness check: gigatoken is used only where it gives the ids of the reference.

It must do so for every entry of the vocabulary before it is used, and for probes and a sample of
the rows before its result is committed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

import numpy as np
import pyarrow as pa

from sftdata.base import arrow as columns
from sftdata.base.cache import read_content, write_content
from sftdata.tokenizing.engines import Engine, GigatokenEngine, ReferenceEngine
from sftdata.tokenizing.plain_text import PlainTokenizer
from sftdata.tokenizing.probes import PROBES

_EXACT = b"exact"  # the cached verdict
_SAMPLE_CHARS = 128 * 1024


@dataclass(frozen=True)
class EngineChoice:
    """An engine, and its check on probes and sample texts, which remains to be run."""

    engine: Engine
    find_fault: Callable[[pa.LargeStringArray], str | None]  # a text with other ids, or None


def choose_engine(
    plain: PlainTokenizer,
    report: Callable[[str], None],
    load_reference: Callable[[PlainTokenizer], Engine] = ReferenceEngine,
) -> EngineChoice:
    """gigatoken if it gives the reference's ids for every vocabulary entry, else the reference.

    The caller runs `find_fault` beside the build, before anything is committed. `report` gets one
    line with the reason when the reference is used. The reference is loaded late: with a cached
    verdict on the vocabulary, only `find_fault` needs it, and the first rows need not wait.
    """
    try:
        fast = GigatokenEngine(plain)
    except (RuntimeError, ValueError, KeyError) as error:
        reason = str(error).partition("\n")[0]
        report(f"the tokenizers library encodes this build: gigatoken refuses it ({reason})")
        return EngineChoice(load_reference(plain), lambda sample: None)
    reference = cache(lambda: load_reference(plain))
    fault = _check_vocabulary(fast, reference, plain)
    if fault is not None:
        report(f"the tokenizers library encodes this build: gigatoken differs on {fault!r}")
        return EngineChoice(reference(), lambda sample: None)

    def find_fault(sample: pa.LargeStringArray) -> str | None:
        probes = columns.texts([*PROBES, *_start_of(sample)])
        return first_difference(fast, reference(), probes)

    return EngineChoice(fast, find_fault)


def _check_vocabulary(
    fast: GigatokenEngine, reference: Callable[[], Engine], plain: PlainTokenizer
) -> str | None:
    """A vocabulary entry that gets other ids from the fast engine, or None.

    The verdict holds for this tokenizer and these versions of the libraries. A good one is cached.
    """
    versions = f"2 {version('gigatoken')} {version('tokenizers')}"  # 2: of this check
    key = hashlib.sha256(versions.encode() + b"\0" + plain.content).hexdigest()
    if read_content("exact", key) == _EXACT:
        return None
    entries = columns.texts([*fast.vocabulary_texts(), *_around(plain.added_texts)])
    fault = first_difference(fast, reference(), entries)
    if fault is None:
        write_content("exact", key, _EXACT)
    return fault


def _around(added_texts: Sequence[str]) -> Iterator[str]:
    """Each added token beside letters, blanks, digits, marks and itself."""
    for text in added_texts:
        yield f"a{text}b {text} c  {text}  1{text}2\n{text}\n{text}{text}é{text}\u0338"


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
    """The first texts, `_SAMPLE_CHARS` characters in all."""
    left = _SAMPLE_CHARS
    for text in sample:
        if left <= 0:
            return
        yield text.as_py()[:left]
        left -= len(text.as_py())
