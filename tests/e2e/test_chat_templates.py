"""Every chat template that trainers ship, on conversations of every shape, against transformers.

The text must be that of `apply_chat_template`, the ids those of its text encoded plainly between
control tokens, and the loss what a model writes after what a server feeds. Where a template marks
the assistant's text (`{% generation %}`), its own mask must be equal, after three named rules.
"""

from __future__ import annotations

import datetime
import json
import re
from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.made_chats import EOS, Message, make_tokenizer, shapes
from support.places import BUNDLED_TOKENIZER, SHARED

from sftdata.base.conversation import Conversation, wanted_turns
from sftdata.examples.conversations.encode import EncodedPieces
from sftdata.reading.conversations.turns import read_turn
from sftdata.tokenizing.chat.layout import ConversationFormat
from sftdata.tokenizing.chat.rendering import UnusableError
from sftdata.tokenizing.chat.template import load_chat_template
from sftdata.tokenizing.encoder import REFERENCE, load_encoder
from sftdata.tokenizing.load import load_tokenizer

pytestmark = pytest.mark.real
TEMPLATES = sorted(path.stem for path in (SHARED / "chat_templates").glob("*.jinja"))

CODE = """{['"]type['"]: ['"]text['"]"""
OFFER = {"add_generation_prompt": True}
# Templates whose generation prompt is not what they show before an answer without reasoning (or,
# for qwen3, with it). What is taught goes on from the generation prompt.
GO_ON = {
    "axolotl-gemma4": "an empty reasoning in the prompt alone",
    "axolotl-qwen3": "a blank line after <think> in the prompt alone",
    "axolotl-mistral_v2v3": "the system turn in the prompt alone",
    "axolotl-mistral_v3_tekken": "the system turn in the prompt alone",
    "axolotl-pixtral": "the system turn in the prompt alone",
}
# Pairs that cannot be taught exactly: nothing says how a model goes on from such a prompt.
_BESIDE_CALL = {"text and call": "a text beside a call after the result"}
_OPENED = dict.fromkeys(
    ("ua", "sua", "uaua", "suaua", "empty system", "code"), "<think> in the prompt alone"
)
_IN_CHANNEL = {"reasoning inline": "a reasoning after an empty one in the prompt"}
CONTRADICT = {
    "axolotl-gemma4": _IN_CHANNEL,
    "trl-deepseek_r1_distill": _OPENED,
    "trl-deepseek_r1_distill_training": _OPENED,
    "trl-diffusion_gemma": _BESIDE_CALL,
    "trl-diffusion_gemma_training": _BESIDE_CALL,
    "trl-gemma4_v5": _BESIDE_CALL,
}
# What an assistant mask leaves out although a model writes it: the header of an answer after a
# tool's result, which no generation prompt holds, and the token that stops after a call.
UNMARKED_HEADERS = {"trl-diffusion_gemma_training": "<|turn>model\n"}
UNMARKED_STOPS = {"trl-diffusion_gemma_training": "<|tool_response>"}


@dataclass(frozen=True)
class Made:
    """A chat template on a made tokenizer, in transformers and here."""

    folder: Path
    reference: Any

    @classmethod
    def of(cls, name: str, folder: Path) -> Made:
        from transformers import PreTrainedTokenizerFast

        source = (SHARED / "chat_templates" / f"{name}.jinja").read_text(encoding="utf-8")
        made = make_tokenizer(BUNDLED_TOKENIZER, source, folder)
        return cls(
            made,
            PreTrainedTokenizerFast(
                tokenizer_file=str(made / "tokenizer.json"),
                chat_template=source,
                bos_token=EOS,
                eos_token=EOS,
            ),
        )

    def apply(self, messages: list[Message], **options: Any) -> str:
        return str(self.reference.apply_chat_template(messages, tokenize=False, **options))

    def encode(self, text: str) -> list[int]:
        return list(self.reference.encode(text, add_special_tokens=False))

    def decode(self, ids: Any) -> str:
        return str(self.reference.decode(ids, skip_special_tokens=False))


def to_conversation(messages: list[Message], tools: list[Any] | None) -> Conversation:
    turns = (
        read_turn(dict(message), number, null_filled=False, ignored=frozenset())
        for number, message in enumerate(messages, 1)
    )
    return Conversation(tuple(turns), tools)


def spans(mask: Any) -> list[tuple[int, int]]:
    """Where the runs of true start and end."""
    places = enumerate(np.asarray(mask, bool).tolist())
    runs = [[at for at, _ in group] for true, group in groupby(places, lambda p: p[1]) if true]
    return [(run[0], run[-1] + 1) for run in runs]


def shows_everything(messages: list[Message], tools: list[Any] | None, text: str) -> bool:
    def leaves(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [leaf for pair in value.items() for part in pair for leaf in leaves(part)]
        if isinstance(value, list):
            return [leaf for item in value for leaf in leaves(item)]
        return [value if isinstance(value, str) else json.dumps(value)]

    needed = [m for t in tools or () for m in (t["function"]["name"], t["function"]["description"])]
    for message in messages:
        parts = message["content"]
        needed += [parts] if isinstance(parts, str) else [part["text"] for part in parts]
        needed.append(message.get("reasoning_content", ""))
        for call in message.get("tool_calls", ()):
            needed += [call["function"]["name"], *leaves(call["function"]["arguments"])]
    stripped = [part.strip() for part in needed]
    escaped = [json.dumps(part, ensure_ascii=False)[1:-1] for part in stripped]
    return all(a in text or b in text for a, b in zip(stripped, escaped, strict=True))


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_laid_out_exactly(name: str, tmp_path: Path) -> None:
    made = Made.of(name, tmp_path)
    tokenizer = load_tokenizer(str(made.folder))
    template = load_chat_template(tokenizer, {}, datetime.date.today())
    chat = ConversationFormat(tokenizer, template)
    encoder = load_encoder(tokenizer, REFERENCE)
    counts: Counter[str] = Counter()
    for shape, (messages, tools) in shapes().items():
        conversation = to_conversation(messages, tools)
        wanted = wanted_turns(conversation.turns, all_turns=True)
        text = error = None
        try:
            text = made.apply(messages, tools=tools)
        except Exception as caught:
            error = caught
        try:
            layout = chat.lay_out(conversation, wanted)
        except UnusableError as refusal:
            # Everything that the template shows as it feeds it can be laid out.
            shown = text is not None and shows_everything(messages, tools, text)
            if shown and shape not in CONTRADICT.get(name, {}):
                raise AssertionError(shape) from refusal
            counts["refused"] += 1
            continue
        assert shape not in CONTRADICT.get(name, {}), shape
        assert type(error).__name__ != "TemplateError", f"{shape}: the template refuses it: {error}"
        encoded = EncodedPieces([layout.pieces], encoder).token_batch()
        ids, mask = encoded.input_ids, encoded.label_mask
        counts["laid out"] += 1
        if (
            text is None
            or not shows_everything(messages, tools, text)
            or is_shown_otherwise(chat, shape, text)
        ):
            continue  # shown in another form, with what is lost in this one
        got = made.decode(ids)
        starts = [start for start, _ in spans(mask)]
        if not (text.startswith(got) or got.startswith(text)):
            assert name in GO_ON, shape
            assert text.rstrip().endswith(made.decode(ids[starts[-1] :])), shape
        # Each taught part follows what a server feeds; its own text is encoded as a continuation.
        cuts = [len(made.decode(ids[:start])) for start in starts]
        texts = [got[a:b] for a, b in zip([0, *cuts], [*cuts, len(got)], strict=True)]
        assert ids.tolist() == [token for part in texts for token in made.encode(part)], shape
        thinking = dict(layout.thinking)
        turns = [turn for turn in wanted if f"turn {turn + 1}:" not in str(layout.untaught)]
        for turn, cut in zip(turns, cuts, strict=True):
            option = {"enable_thinking": thinking[turn + 1]} if turn + 1 in thinking else {}
            assert got[:cut] == made.apply(messages[:turn], tools=tools, **OFFER, **option), shape
        assert len(starts) + len(layout.untaught) == len(wanted), shape
        if name.endswith("_training"):
            fed = {turn: got[:cut] for turn, cut in zip(turns, cuts, strict=True)}
            check_own_mask(made, name, messages, tools, fed, spans(mask), ids)
    assert counts["laid out"] >= 3 or name == "trl-deepseek_r1_distill", counts


def is_shown_otherwise(chat: ConversationFormat, shape: str, text: str) -> bool:
    """Whether the text here is meant to differ from that of transformers.

    Reasoning at the head of a content is shown as the template shows reasoning under its key, and
    no list of parts is printed as Python or JSON has it.
    """
    has_key = re.search("reasoning|thinking", chat.template.source) is not None
    return (shape == "reasoning inline" and has_key) or re.search(CODE, text) is not None


def check_own_mask(
    made: Made,
    name: str,
    messages: list[Message],
    tools: list[Any] | None,
    fed: dict[int, str],
    taught: list[tuple[int, int]],
    ids: Any,
) -> None:
    """What is taught is exactly what the template marks, after three rules.

    What a server feeds is not taught, and nothing after the stop token is. What a model writes is
    taught, also where the mask leaves it out (`UNMARKED_HEADERS`, `UNMARKED_STOPS`).
    """
    own = made.reference.apply_chat_template(
        messages, tools=tools, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
    )
    text = made.decode(own["input_ids"])
    answers = [at for at, message in enumerate(messages) if message["role"] == "assistant"]
    marked = dict(zip(answers, spans(own["assistant_masks"]), strict=True))
    header, stop = UNMARKED_HEADERS.get(name), UNMARKED_STOPS.get(name, "")
    for (turn, prompt), (first, last) in zip(fed.items(), taught, strict=True):
        start, end = (len(made.decode(own["input_ids"][:at])) for at in marked[turn])
        assert text.startswith(prompt)
        start = len(prompt) if text[len(prompt) : start] == header else max(start, len(prompt))
        written = text[start:end].removesuffix("\n")
        if messages[turn].get("tool_calls") and text[end:].startswith(stop):
            written += stop
        assert start == len(prompt)
        assert made.decode(ids[first:last]) == written
