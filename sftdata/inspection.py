"""Inspect: an example as a reader sees it, with its tokens, its mask and its text."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import tokenizers

from sftdata.errors import SftdataError
from sftdata.loader import DataSet, Example
from sftdata.tokenizer import Tokenizer, load_tokenizer


@dataclass(frozen=True)
class Inspected:
    """An example with what its ids say."""

    split: str
    example: Example
    tokens: list[str]  # of each id, as the vocabulary writes it
    prompt: str  # decoded, without BOS
    target: str  # decoded, without EOS

    def to_json(self) -> dict[str, Any]:
        """The object `inspect --json` prints."""
        return {
            "row_id": self.example.row_id,
            "split": self.split,
            "template": self.example.template,
            "prompt": self.prompt,
            "target": self.target,
            "input_ids": self.example.input_ids.tolist(),
            "label_mask": self.example.label_mask.tolist(),
            "target_start": self.example.target_start,
            "tokens": self.tokens,
        }


@dataclass(frozen=True)
class Inspector:
    """Shows rows of a data set. Needs the tokenizer it was built with."""

    data: DataSet

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The data set's tokenizer. Raises `SftdataError` when it is gone or another one."""
        recorded = self.data.manifest["tokenizer"]
        tokenizer = load_tokenizer(recorded["name"])
        if tokenizer.sha256 != recorded["sha256"]:
            raise SftdataError(
                f"The tokenizer '{recorded['name']}' is not the one the data set was built with "
                f"(sha256 {tokenizer.sha256[:12]}…, recorded {recorded['sha256'][:12]}…).",
                "Put the recorded tokenizer back, or build the data set again.",
            )
        return tokenizer

    @cached_property
    def _decoder(self) -> tokenizers.Tokenizer:
        return self.tokenizer.decoder

    def inspect(self, split: str, example: Example) -> Inspected:
        """The example with its tokens and its decoded text."""
        ids = example.input_ids.tolist()
        start, first = example.target_start, int(self.tokenizer.bos_id is not None)
        # A target alone would lose its first space with some decoders; its prompt keeps it.
        prompt = self._decode(ids[first:start])
        whole = self._decode(ids[first:-1])
        target = whole[len(prompt) :] if whole.startswith(prompt) else self._decode(ids[start:-1])
        return Inspected(split, example, [self._token(i) for i in ids], prompt, target)

    def _decode(self, ids: list[int]) -> str:
        return str(self._decoder.decode(ids, skip_special_tokens=False))

    def _token(self, token_id: int) -> str:
        token = self._decoder.id_to_token(token_id)
        return f"<unknown id {token_id}>" if token is None else str(token)


def choose_rows(
    data: DataSet,
    *,
    split: str | None = None,
    row_id: str | None = None,
    index: int | None = None,
    sample: int | None = None,
    seed: int = 0,
) -> list[tuple[str, Example]]:
    """The rows asked for: one by id, one by index, `sample` at random, or else the first three.

    Raises `SftdataError` for an id or an index the data set does not have.
    """
    names = [split] if split is not None else [name for name in data if len(data[name])]
    if row_id is not None:
        for name in names:
            ids = data[name].to_arrow().column("row_id").to_pylist()
            if row_id in ids:
                return [(name, data[name][ids.index(row_id)])]
        raise SftdataError(
            f"No example has the row id {row_id!r}.",
            f"It may have been dropped: sftdata ledger {data.manifest.directory}",
        )
    name = names[0] if names else "train"
    rows = len(data[name])
    if index is not None:
        if not 0 <= index < rows:
            raise SftdataError(
                f"There is no index {index} in '{name}': it has {rows:,} rows, counted from 0."
            )
        return [(name, data[name][index])]
    if sample is not None:
        places = [(n, i) for n in names for i in range(len(data[n]))]
        chosen = random.Random(seed).sample(places, min(sample, len(places)))
        return [(n, data[n][i]) for n, i in chosen]
    return [(name, data[name][i]) for i in range(min(3, rows))]
