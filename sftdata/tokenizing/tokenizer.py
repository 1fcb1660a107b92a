"""A loaded tokenizer: its ids, its control tokens, and the plain tokenizers for rendered text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson
import tokenizers
import xxhash

from sftdata.base.cache import read_content, write_content
from sftdata.base.pickling import PicklesFieldsOnly
from sftdata.tokenizing.plain_text import (
    PlainTokenizer,
    continuation_spec,
    plain_text_spec,
)

_PLAIN_VERSION = 2  # raise it when the plain tokenizers change: they are cached between builds
_MARKER = re.compile(r"<[^<>\s]+>|\[[^\[\]\s]+\]")


@dataclass(frozen=True)
class Tokenizer(PicklesFieldsOnly):
    """A loaded tokenizer. Ids are of the vocabulary in `tokenizer.json`.

    `vocab_size` is one more than the largest id. Ids at or past it never reach a shard: they are
    stand-ins for bytes the vocabulary has no entry for (see `plain_text_spec`).
    """

    name: str
    content: bytes = field(repr=False)  # of tokenizer.json
    sha256: str  # of the canonical tokenizer.json: parsed, keys sorted, no spaces, UTF-8
    added_tokens: Mapping[str, Mapping[str, Any]] = field(repr=False)  # its entries, by their text
    eos_id: int
    bos_id: int | None  # None unless the tokenizer's rule puts one at the start
    pad_id: int | None
    chat_template: str | None = field(repr=False)
    special_texts: Mapping[str, str] = field(repr=False)  # bos_token, eos_token … for chat
    vocab_size: int
    continuation_differs: bool  # whether text that continues a prompt may have other ids

    @cached_property
    def spec(self) -> Mapping[str, Any]:
        """The parsed `tokenizer.json`."""
        spec: Mapping[str, Any] = orjson.loads(self.content)
        return spec

    @cached_property
    def control_tokens(self) -> dict[str, int]:
        """Added tokens that text must never produce, with their ids.

        These are special tokens, tokens of the chat template, and tokens written like a marker:
        `<|fim_prefix|>` is not special in some vocabularies, and still no article means it. Added
        tokens that are ordinary text (runs of spaces in some vocabularies) are not among them.
        """
        return {
            token["content"]: token["id"]
            for token in self.added_tokens.values()
            if token["special"]
            or (self.chat_template and token["content"] in self.chat_template)
            or _MARKER.fullmatch(token["content"])
        }

    @cached_property
    def control_pattern(self) -> re.Pattern[str]:
        """Finds control tokens in the text of a chat template, as the `tokenizers` library does.

        At each place it takes the longest.
        """
        longest_first = sorted(self.control_tokens, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, longest_first)) or "(?!)")

    @cached_property
    def plain_text(self) -> PlainTokenizer:
        """Encodes rendered text (see `plain_text_spec`)."""
        return self._cached("plain", lambda spec: spec)

    @cached_property
    def continuation(self) -> PlainTokenizer:
        """Encodes text that continues a prompt (see `continuation_spec`)."""
        if not self.continuation_differs:
            return self.plain_text
        return self._cached("continuation", continuation_spec)

    def _cached(
        self, form: str, change: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    ) -> PlainTokenizer:
        """The plain tokenizer after a change, cached between builds.

        Parsing `tokenizer.json` and writing the plain one takes as long as loading an engine.
        """
        digest = xxhash.xxh3_128(self.content)
        digest.update(orjson.dumps([_PLAIN_VERSION, form, sorted(self.control_tokens.items())]))
        data = read_content("plain", digest.hexdigest())
        if data is not None:
            return PlainTokenizer.from_bytes(data)
        plain = plain_text_spec(self.spec, self.control_tokens, self.vocab_size)
        tokenizer = PlainTokenizer.from_spec(change(plain))
        write_content("plain", digest.hexdigest(), tokenizer.to_bytes())
        return tokenizer

    @cached_property
    def decoder(self) -> tokenizers.Tokenizer:
        """The tokenizer of the file, unchanged: for showing tokens and decoding ids."""
        return tokenizers.Tokenizer.from_str(orjson.dumps(self.spec).decode())
