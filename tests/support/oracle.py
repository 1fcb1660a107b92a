"""An independent, slow answer to "which tokens is this row?", for tests to compare builds with.

Nothing here comes from the package under test: plain Jinja renders the blocks, the plain
`tokenizers` library encodes them, and BOS and EOS are added by hand.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import tokenizers


@dataclass(frozen=True)
class OracleExample:
    """The tokens of one row."""

    prompt: str
    target: str
    input_ids: list[int]
    label_mask: list[bool]
    target_start: int


class OracleTokenizer:
    """A tokenizer folder, its control tokens and post-processor taken out."""

    def __init__(self, folder: Path) -> None:
        spec = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        self.added = {token["content"]: token["id"] for token in spec["added_tokens"]}
        self.eos_id = self.added[_content(config["eos_token"])]
        self.bos_id = _bos_of(spec)
        self.normalizes = (spec["normalizer"] or {}).get("type") == "NFC"
        self._prefixes_space = "Prepend" in json.dumps(spec["normalizer"])
        if self._prefixes_space:
            with_newline = [piece for piece in spec["model"]["vocab"] if "\n" in piece]
            assert not with_newline, "the newline trick below needs newlines that never merge"
        self.full = tokenizers.Tokenizer.from_str(json.dumps(spec))
        # In these chat templates, a token that is in the source is also in the text.
        template = config.get("chat_template") or ""
        self.control = {
            token["content"]: token["id"]
            for token in spec["added_tokens"]
            if token["special"] or token["content"] in template
        }
        # Control tokens get names that no text has, and so keep their places in the numbers.
        added = [
            {**t, "content": f"\ufdd5{t['id']}"} if t["content"] in self.control else t
            for t in spec["added_tokens"]
        ]
        self._plain = tokenizers.Tokenizer.from_str(
            json.dumps({**spec, "added_tokens": added, "post_processor": None})
        )

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text on its own."""
        encodings = self._plain.encode_batch_fast(list(texts), add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def encode_continuation(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text as what follows a prompt that ends with a newline.

        A tokenizer that puts a space before each text puts it before a newline here, where both
        are whole tokens, and they are taken off again.
        """
        if not self._prefixes_space:
            return self.encode(texts)
        head = self.encode(["\n"])[0]
        encoded = self.encode(["\n" + text for text in texts])
        assert all(ids[: len(head)] == head for ids in encoded)
        return [ids[len(head) :] for ids in encoded]

    def as_stored(self, text: str) -> str:
        """The text as decoding gives it back: NFC where the tokenizer normalizes to that."""
        return unicodedata.normalize("NFC", text) if self.normalizes else text

    def decode_parts(self, input_ids: Sequence[int], target_start: int) -> tuple[str, str]:
        """Prompt and target text of an example, without the BOS and EOS that it must have."""
        ids = list(input_ids)
        assert ids[-1] == self.eos_id
        first = 0 if self.bos_id is None else 1
        assert first == 0 or ids[0] == self.bos_id
        prompt = self.full.decode(ids[first:target_start], skip_special_tokens=False)
        # Decoded with the prompt: a decoder may take a space off the front of what it is given.
        whole = self.full.decode(ids[first:-1], skip_special_tokens=False)
        assert whole.startswith(prompt)
        return prompt, whole[len(prompt) :]


def render(source: str, row: Mapping[str, Any]) -> tuple[str, str]:
    """Prompt (system + prompt) and target of one row."""
    return render_rows(source, [row])[0]


def render_rows(source: str, rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Prompt (system + prompt) and target of each row."""
    environment = jinja2.Environment(
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    template = environment.from_string(source)

    def block(name: str, row: Mapping[str, Any]) -> str:
        if name not in template.blocks:
            return ""
        return "".join(template.blocks[name](template.new_context(dict(row))))

    return [(block("system", r) + block("prompt", r), block("target", r)) for r in rows]


def make_examples(
    source: str, rows: Sequence[Mapping[str, Any]], tokenizer: OracleTokenizer
) -> list[OracleExample]:
    """The example of each row, of any length."""
    texts = render_rows(source, rows)
    prompts = tokenizer.encode([prompt for prompt, _ in texts])
    targets = tokenizer.encode_continuation([target for _, target in texts])
    bos = [] if tokenizer.bos_id is None else [tokenizer.bos_id]
    examples = []
    for (prompt, target), prompt_ids, target_ids in zip(texts, prompts, targets, strict=True):
        before, after = [*bos, *prompt_ids], [*target_ids, tokenizer.eos_id]
        mask = [False] * len(before) + [True] * len(after)
        examples.append(OracleExample(prompt, target, before + after, mask, len(before)))
    return examples


def _content(token: str | Mapping[str, str]) -> str:
    return token if isinstance(token, str) else token["content"]


def _bos_of(spec: Mapping[str, Any]) -> int | None:
    """The token that the post-processor puts before a text, if it puts any."""
    single = (spec["post_processor"] or {}).get("single") or [{}]
    name = single[0].get("SpecialToken", {}).get("id")
    return spec["post_processor"]["special_tokens"][name]["ids"][0] if name else None
