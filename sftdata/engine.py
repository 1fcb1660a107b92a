"""Engines turn a column of text into token ids.

`tokenizers` is the reference. gigatoken is some hundred times faster; what it encodes is committed
only after it gave the reference's ids on a probe set and on a sample of the rows. Both return
flat buffers: ids as int32[tokens], and offsets as int64[rows + 1].
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import threading
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import tokenizers

from sftdata import columns
from sftdata.reference_process import ReferenceProcess

# gigatoken's word cache grows with the text it sees; a fresh instance starts small again.
_RENEW_AFTER_BYTES = 192 * 1024 * 1024
_GATE_SAMPLE_CHARS = 128 * 1024
_LARGE_VOCABULARY = 20_000  # entries; one of 50,000 takes the reference 0.08 s, a process 0.05 s

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


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids of a column of text. Row i has `ids[offsets[i]:offsets[i + 1]]`."""

    ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """int64[rows], in tokens."""
        return np.diff(self.offsets)


class Engine(Protocol):
    """Encodes text as plain text: no token is added before or after it."""

    name: str

    def encode(self, texts: pa.LargeStringArray) -> Encoded:
        """Token ids of each text."""
        ...


class ReferenceEngine:
    """The `tokenizers` library. `spec` is a parsed `tokenizer.json`."""

    name = "tokenizers"

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._tokenizer = tokenizers.Tokenizer.from_str(orjson.dumps(spec).decode())

    def encode(self, texts: pa.LargeStringArray) -> Encoded:
        """Token ids of each text."""
        encodings = self._tokenizer.encode_batch_fast(texts.to_pylist(), add_special_tokens=False)
        return _encoded([encoding.ids for encoding in encodings])


class _ReferenceApart:
    """The same in a process of its own, which loads while the caller goes on."""

    name = "tokenizers"

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._spec = spec
        self._process = ReferenceProcess(orjson.dumps(spec))

    def encode(self, texts: pa.LargeStringArray) -> Encoded:
        """Token ids of each text."""
        try:
            return _encoded(self._process.encode(texts.to_pylist()))
        except (OSError, ValueError):  # killed, as for want of memory
            return ReferenceEngine(self._spec).encode(texts)


def _encoded(ids: Sequence[Sequence[int]]) -> Encoded:
    rows = [np.array(row, np.int32) for row in ids]
    return Encoded(
        np.concatenate([np.empty(0, np.int32), *rows]),
        np.concatenate(([0], np.cumsum([len(row) for row in rows], dtype=np.int64))),
    )


def _load_reference(spec: Mapping[str, Any]) -> Engine:
    """The reference, apart where its vocabulary takes longer to load than a process to start."""
    if len(spec["model"]["vocab"]) >= _LARGE_VOCABULARY:
        with contextlib.suppress(OSError):
            return _ReferenceApart(spec)
    return ReferenceEngine(spec)


class GigatokenEngine:
    """The gigatoken library. Raises `ValueError` or `RuntimeError` for what it cannot load."""

    name = "gigatoken"

    def __init__(self, spec: Mapping[str, Any]) -> None:
        spec, self._normalizer = _without_nfc(spec)
        spec, self._splits_digits = _digits_as_boundaries(spec)
        self._json = orjson.dumps(spec)
        self._tokenizer = self._load()
        self._seen_bytes = 0
        self._lock = threading.Lock()  # one call at a time: each uses every core by itself

    def _load(self) -> Any:
        import awkward  # noqa: F401 - gigatoken would import it in its first call
        import gigatoken

        return gigatoken.Tokenizer.from_json(self._json)

    def encode(self, texts: pa.LargeStringArray) -> Encoded:
        """Token ids of each text."""
        with self._lock:
            return self._encode(texts)

    def _encode(self, texts: pa.LargeStringArray) -> Encoded:
        if self._normalizer is not None:
            texts = _normalized(texts, self._normalizer)
        offsets, data = columns.string_buffers(texts)
        if self._seen_bytes > _RENEW_AFTER_BYTES:
            self._tokenizer = self._load()
            self._seen_bytes = 0
        self._seen_bytes += int(offsets[-1] - offsets[0])
        if not self._splits_digits:
            return self._encode_documents(offsets, data)
        pieces, first_piece = _split_at_digits(offsets, data, texts)
        encoded = self._encode_documents(pieces, data)
        return Encoded(encoded.ids, encoded.offsets[first_piece])

    def vocabulary_texts(self) -> list[str]:
        """Every vocabulary entry as a text of its own.

        Joined to its neighbours an entry may be part of a longer word, whose ids say nothing of
        the merge that makes the entry.
        """
        return [entry.decode("utf-8", "replace") for entry in self._tokenizer.vocab.values()]

    def _encode_documents(
        self, offsets: npt.NDArray[np.int64], data: npt.NDArray[np.uint8]
    ) -> Encoded:
        import awkward as ak

        documents = ak.contents.ListOffsetArray(
            ak.index.Index64(offsets),
            ak.contents.NumpyArray(data, parameters={"__array__": "char"}),
            parameters={"__array__": "string"},
        )
        layout = self._tokenizer.encode_batch(ak.Array(documents)).layout
        ids = np.asarray(layout.content.data)
        return Encoded(ids.view(np.int32), np.asarray(layout.offsets.data))


def _without_nfc(spec: Mapping[str, Any]) -> tuple[Mapping[str, Any], Any | None]:
    """The tokenizer without a normalizer that is NFC alone, and that normalizer.

    Each version of Unicode adds marks that NFC puts in order, and the two libraries know different
    versions. So it is the reference that normalizes.
    """
    if spec.get("normalizer") != {"type": "NFC"}:
        return spec, None
    return {**spec, "normalizer": None}, tokenizers.normalizers.NFC()


def _normalized(texts: pa.LargeStringArray, normalizer: Any) -> pa.LargeStringArray:
    """The texts normalized; those without a character that NFC could change are left alone."""
    offsets, data = columns.string_buffers(texts)
    window = data[offsets[0] : offsets[-1]]
    # Every character before U+0300, which is 0xCC 0x80 in UTF-8, stays as it is in any text.
    at = np.flatnonzero(window >= 0xCC) + offsets[0]
    rows = np.unique(np.searchsorted(offsets, at, side="right") - 1)
    if not len(rows):
        return texts
    changed = np.zeros(len(texts), np.bool_)
    changed[rows] = True
    new = [normalizer.normalize_str(t) for t in texts.take(columns.numbers(rows)).to_pylist()]
    return pc.replace_with_mask(texts, columns.flags(changed), columns.texts(new))


def _digits_as_boundaries(spec: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """The tokenizer without a leading "every digit alone" stage, and whether it had one.

    gigatoken has no such stage, but it can be said with the boundaries of the text it is given
    (see `_split_at_digits`), as long as no vocabulary entry holds a digit and something else.
    """
    pre = spec.get("pre_tokenizer") or {}
    stages = pre.get("pretokenizers") or []
    if len(stages) < 2 or stages[0] != {"type": "Digits", "individual_digits": True}:
        return spec, False
    if any(len(entry) > 1 and re.search("[0-9]", entry) for entry in spec["model"]["vocab"]):
        return spec, False
    rest = stages[1] if len(stages) == 2 else {**pre, "pretokenizers": stages[1:]}
    return {**spec, "pre_tokenizer": rest}, True


def _split_at_digits(
    offsets: npt.NDArray[np.int64], data: npt.NDArray[np.uint8], texts: pa.LargeStringArray
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Offsets of the pieces to encode one by one, and for each row boundary the index of its piece.

    Cutting at every digit would be right and slow. Where the vocabulary joins no digit with
    anything, an uncut digit still comes out alone, and the only thing a cut changes is how the
    white space right before it is grouped: so ASCII digits after two white-space characters, or
    after a character that may be white space beyond ASCII, are cut off, and no other.
    """
    start, stop = int(offsets[0]), int(offsets[-1])
    window = data[start:stop]
    at = np.flatnonzero((window >= 0x30) & (window <= 0x39)) + start
    before, second = data[np.maximum(at - 1, start)], data[np.maximum(at - 2, start)]
    is_space = (before == 0x20) | ((before >= 0x09) & (before <= 0x0D))
    grouped = is_space & ((second <= 0x20) | (second >= 0x80)) | (before >= 0x80)
    cuts = [offsets, at[grouped]]
    other = pc.match_substring_regex(texts, _other_digits_class())
    for row in np.flatnonzero(columns.to_flags(other)):
        begin, end = offsets[row], offsets[row + 1]
        cuts.append(_other_digits(data[begin:end].tobytes()) + begin)
    pieces = np.unique(np.concatenate(cuts))
    return pieces, np.searchsorted(pieces, offsets)


def _other_digits(text: bytes) -> npt.NDArray[np.int64]:
    """Byte positions before and after each numeric character outside ASCII."""
    decoded = text.decode("utf-8")
    cuts = []
    position = seen = 0
    for match in re.finditer(r"[^\x00-\x7f]", decoded):
        if not _is_numeric(match[0]):
            continue
        position += len(decoded[seen : match.start()].encode("utf-8"))
        cuts.append(position)
        position += len(match[0].encode("utf-8"))
        cuts.append(position)
        seen = match.end()
    return np.array(cuts, np.int64)


def _is_numeric(char: str) -> bool:
    """The general categories Nd, Nl and No, as the Digits stage of `tokenizers` has them."""
    return unicodedata.category(char)[0] == "N"


@functools.cache
def _other_digits_class() -> str:
    """A character class, in ranges, of every numeric character outside ASCII."""
    ranges: list[list[int]] = []
    for code in range(0x80, 0x110000):
        if _is_numeric(chr(code)):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "[" + "".join(rf"\x{{{first:x}}}-\x{{{last:x}}}" for first, last in ranges) + "]"


FindFault = Callable[[pa.LargeStringArray], str | None]  # a text that comes out wrong, or None


@dataclass(frozen=True)
class EngineChoice:
    """An engine, and the check that is still to be made of it on the rows at hand."""

    engine: Engine
    find_fault: FindFault


def choose_engine(spec: Mapping[str, Any], report: Callable[[str], None]) -> EngineChoice:
    """gigatoken if it gives the reference's ids for every vocabulary entry, else the reference.

    The check on the probes and a sample of rows is left to the caller, who can make it beside the
    build: it must be made before anything is committed. `report` gets one line, with the reason,
    when the reference is used.
    """
    reference = _load_reference(spec)
    try:
        fast = GigatokenEngine(spec)
    except (RuntimeError, ValueError, KeyError) as error:
        reason = str(error).partition("\n")[0]
        report(f"the tokenizers library encodes this build: gigatoken refuses it ({reason})")
        return EngineChoice(ReferenceEngine(spec), lambda sample: None)
    fault = _probe(fast, reference, spec)
    if fault is not None:
        report(f"the tokenizers library encodes this build: gigatoken differs on {fault!r}")
        return EngineChoice(ReferenceEngine(spec), lambda sample: None)

    def find_fault(sample: pa.LargeStringArray) -> str | None:
        probes = columns.texts([*_PROBES, *_start_of(sample)])
        return first_difference(fast, reference, probes)

    return EngineChoice(fast, find_fault)


def _probe(fast: GigatokenEngine, reference: Engine, spec: Mapping[str, Any]) -> str | None:
    """A text made of vocabulary entries that the engine gets wrong, or None.

    The verdict holds for this tokenizer and these library versions, so a good one is kept on disk.
    """
    versions = f"{version('gigatoken')} {version('tokenizers')}"
    key = hashlib.sha256(versions.encode() + b"\0" + orjson.dumps(spec)).hexdigest()
    verdict = cache_folder() / "exact" / key
    if verdict.exists():
        return None
    entries = columns.texts(fast.vocabulary_texts())
    fault = first_difference(fast, reference, entries)
    if fault is None:
        with contextlib.suppress(OSError):  # a read-only home costs the probe, not the build
            verdict.parent.mkdir(parents=True, exist_ok=True)
            verdict.touch()
    return fault


def cache_folder() -> Path:
    """Where verdicts are kept between builds."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sftdata"


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
