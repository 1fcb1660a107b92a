"""A loaded tokenizer: its ids, its control tokens, and the plain tokenizers for rendered text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import orjson
import tokenizers
import xxhash

from sftdata.base.cache import read_content, write_content
from sftdata.base.pickling import PicklesFieldsOnly
from sftdata.errors import TokenizerError, did_you_mean
from sftdata.tokenizing.control_tokens import find_control_tokens
from sftdata.tokenizing.plain_text import (
    PlainTokenizer,
    continuation_spec,
    plain_text_spec,
    prefixes_first_only,
)
from sftdata.tokenizing.structure import not_a_tokenizer

_PLAIN_VERSION = 3  # raise it when the plain tokenizers change: they are cached between builds


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
    unk_id: int | None  # for characters outside the vocabulary; None if there are none
    stop_ids: tuple[int, ...]  # EOS first, then the others that end a model's answer
    has_given_template: bool = False  # whether the spec's chat template replaced its own
    text_tokens: tuple[str, ...] = ()  # control tokens that the data means, so they are text
    notes: tuple[str, ...] = field(default=(), compare=False)  # for a person to read
    chat_notes: tuple[str, ...] = field(default=(), compare=False)  # the same, in a chat build

    @cached_property
    def spec(self) -> Mapping[str, Any]:
        """The parsed `tokenizer.json`."""
        spec: Mapping[str, Any] = orjson.loads(self.content)
        return spec

    @cached_property
    def control_tokens(self) -> dict[str, int]:
        """Added tokens that text must never produce, with their ids (see `control_tokens`)."""
        return find_control_tokens(
            self.added_tokens, self.chat_template, self.special_texts, self.text_tokens
        )

    def with_chat_template(self, source: str | None) -> Tokenizer:
        """The same tokenizer with another chat template; None keeps its own."""
        if source is None:
            return self
        return replace(self, chat_template=source, has_given_template=True, chat_notes=())

    def with_text_tokens(self, text_tokens: Sequence[str]) -> Tokenizer:
        """The same tokenizer, for data in which these control tokens are text.

        Raises `TokenizerError` for a token that it does not have, or that ends an example.
        """
        if not text_tokens:
            return self
        for text in text_tokens:
            token = self.added_tokens.get(text)
            if token is None:
                raise TokenizerError(
                    f"text_tokens names '{text}', which the tokenizer '{self.name}' has not as an "
                    "added token.",
                    did_you_mean(text, self.control_tokens),
                    code="E604",
                )
            if token["id"] in (self.bos_id, self.pad_id, *self.stop_ids):
                raise TokenizerError(
                    f"text_tokens names '{text}', which starts, ends or pads an example of the "
                    f"tokenizer '{self.name}', so data cannot mean it.",
                    "Leave it out; text that reads like it stays plain text.",
                    code="E604",
                )
        return replace(self, text_tokens=tuple(text_tokens))

    @cached_property
    def control_ids(self) -> frozenset[int]:
        """Ids that the text of an example never has: control tokens, without the unknown one."""
        return frozenset(self.control_tokens.values()) - {self.unk_id}

    @cached_property
    def control_pattern(self) -> re.Pattern[str]:
        """Finds control tokens in the text of a chat template, as the `tokenizers` library does.

        At each place it takes the longest.
        """
        longest_first = sorted(self.control_tokens, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, longest_first)) or "(?!)")

    @cached_property
    def prefixes_first_only(self) -> bool:
        """Whether only text at the very start gets the tokenizer's prefix space."""
        return self.continuation_differs and prefixes_first_only(self.spec)

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
        try:
            added = self.spec.get("added_tokens") or []
            plain = plain_text_spec(self.spec, self.control_tokens, self.vocab_size, added)
            tokenizer = PlainTokenizer.from_spec(change(plain))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise not_a_tokenizer(self.name, error) from error
        write_content("plain", digest.hexdigest(), tokenizer.to_bytes())
        return tokenizer

    @cached_property
    def decoder(self) -> tokenizers.Tokenizer:
        """The tokenizer of the file, unchanged: for showing tokens and decoding ids."""
        return tokenizers.Tokenizer.from_str(orjson.dumps(self.spec).decode())
