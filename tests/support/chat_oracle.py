"""An independent answer to "which tokens is this conversation?": chat templates by transformers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Message = dict[str, str]


class ChatOracle:
    """A tokenizer folder as transformers applies its chat template."""

    def __init__(self, folder: Path, template: str | None = None) -> None:
        from transformers import PreTrainedTokenizerFast

        config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        file = folder / "chat_template.jinja"
        own = file.read_text(encoding="utf-8") if file.is_file() else config["chat_template"]
        tokens = {
            name: value["content"] if isinstance(value, dict) else value
            for name, value in config.items()
            if name in ("bos_token", "eos_token", "pad_token", "unk_token") and value
        }
        self.tokenizer = PreTrainedTokenizerFast(
            tokenizer_file=str(folder / "tokenizer.json"), chat_template=template or own, **tokens
        )
        self.end_id = self.tokenizer.convert_tokens_to_ids("<|im_end|>")

    def prompt_ids(self, messages: Sequence[Message], **options: Any) -> list[int]:
        """The prompt that a server sends."""
        return self._apply(messages, add_generation_prompt=True, **options)

    def example_ids(self, messages: Sequence[Message], **options: Any) -> list[int]:
        """The conversation up to the end of its last turn."""
        ids = self._apply(messages, **options)
        last = len(ids) - 1 - ids[::-1].index(self.end_id)
        return ids[: last + 1]

    def _apply(self, messages: Sequence[Message], **options: Any) -> list[int]:
        ids = self.tokenizer.apply_chat_template(
            list(messages), tokenize=True, return_dict=False, **options
        )
        return [int(i) for i in ids]

    def assistant_mask(self, messages: Sequence[Message]) -> tuple[list[int], list[int]]:
        """Ids and mask of a template that marks the assistant's text with `generation`."""
        found = self.tokenizer.apply_chat_template(
            list(messages), tokenize=True, return_dict=True, return_assistant_tokens_mask=True
        )
        return found["input_ids"], found["assistant_masks"]

    def messages_of(self, ids: Sequence[int]) -> list[Message]:
        """The turns that ids of the `<|im_start|>role` kind of template spell."""
        text = self.tokenizer.decode(ids, skip_special_tokens=False)
        turns = text.split("<|im_start|>")[1:]
        pairs = [turn.partition("<|im_end|>")[0].partition("\n") for turn in turns]
        return [{"role": role, "content": content} for role, _, content in pairs]
