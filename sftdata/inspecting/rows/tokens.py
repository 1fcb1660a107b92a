"""The tokens of a row: bytes, places in the decoded text, in the loss or not, control or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tokenizers

from sftdata.tokenizing.decoder import Decoder
from sftdata.tokenizing.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class Token:
    """One token of an example.

    `start` and `end` are characters of the decoded text. Tokens of one character, such as an
    emoji, overlap. A token outside the text (BOS, EOS) is empty.
    """

    id: int
    piece: str  # its entry in the vocabulary
    data: bytes  # its bytes of the text
    start: int
    end: int
    in_loss: bool
    is_control: bool


class TokenReader:
    """Reads ids of a tokenizer as tokens."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._library: tokenizers.Tokenizer = tokenizer.decoder
        self._decoder = Decoder(tokenizer)
        self._control = {*tokenizer.control_tokens.values(), tokenizer.eos_id}

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`, control tokens included."""
        return str(self._library.decode(list(ids), skip_special_tokens=False))

    def read(
        self, ids: Sequence[int], in_loss: Sequence[bool], text: str, around: tuple[int, int]
    ) -> tuple[Token, ...]:
        """The tokens of an example with the decoded text `text`.

        `around`: numbers of tokens before and after the text.
        """
        before, after = around
        pieces = [self._piece(i) for i in ids]
        data = [self._decoder.token_bytes(i) for i in ids]
        last = len(ids) - after
        places = [
            *[(0, 0)] * before,
            *self._places(ids[before:last], data[before:last], text),
            *[(len(text), len(text))] * after,
        ]
        return tuple(
            Token(i, piece, held, start, end, loss, i in self._control)
            for i, piece, held, (start, end), loss in zip(
                ids, pieces, data, places, in_loss, strict=True
            )
        )

    def _piece(self, token_id: int) -> str:
        piece = self._library.id_to_token(token_id)
        return f"<unknown id {token_id}>" if piece is None else str(piece)

    def _places(
        self, ids: Sequence[int], data: Sequence[bytes], text: str
    ) -> list[tuple[int, int]]:
        whole = b"".join(data)
        # Some decoders remove the space that their tokenizer puts before the first word.
        extra = len(whole.decode("utf-8", "replace")) - len(text)
        if extra < 0 or whole != whole[:extra] + text.encode():
            return self._places_by_decoding(ids, text)
        if not whole:
            return [(0, 0)] * len(ids)
        starts_character = (np.frombuffer(whole, np.uint8) & 0xC0) != 0x80
        character = np.maximum(np.cumsum(starts_character) - 1 - extra, -1)
        ends = np.cumsum([len(held) for held in data])
        starts = ends - [len(held) for held in data]
        return [
            (max(int(character[start]), 0), int(character[end - 1]) + 1)
            if end > start
            else (int(character[start - 1]) + 1,) * 2
            for start, end in zip(starts, ends, strict=True)
        ]

    def _places_by_decoding(self, ids: Sequence[int], text: str) -> list[tuple[int, int]]:
        """The slow way, for decoders that do more than join bytes: decode every prefix of `ids`."""
        places, start = [], 0
        for number in range(1, len(ids) + 1):
            end = _common_prefix(self.decode(ids[:number]), text)
            places.append((min(start, end), end))
            start = end
        return places


def _common_prefix(first: str, second: str) -> int:
    pairs = enumerate(zip(first, second, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(first), len(second)))
