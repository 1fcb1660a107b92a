"""Turns of conversations in templates that trainers ship: a role that is told is the right one."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from support.made_chats import make_tokenizer, shapes
from support.places import BUNDLED_TOKENIZER, SHARED

from sftdata.base.conversation import Conversation, wanted_turns
from sftdata.examples.conversations.encode import EncodedPieces
from sftdata.inspecting.rows.tokens import TokenReader
from sftdata.inspecting.rows.turns import find_turns
from sftdata.reading.conversations.turns import read_turn
from sftdata.tokenizing.chat.layout import ConversationFormat
from sftdata.tokenizing.chat.rendering import UnusableError
from sftdata.tokenizing.chat.template import load_chat_template
from sftdata.tokenizing.chat.turn_marks import learn_turn_marks
from sftdata.tokenizing.encoder import REFERENCE, load_encoder
from sftdata.tokenizing.load import load_tokenizer

pytestmark = pytest.mark.real
# Of different makes: a marker before each turn or two, a role as a word, channels, a stop token
# that starts the next turn, results in the user's turn or in the answer's.
NAMES = (
    "axolotl-jamba", "axolotl-mistral_v3_tekken", "trl-cohere", "trl-gemma3", "trl-gemma4",
    "trl-glm4moe", "trl-gptoss", "trl-llama3_1", "trl-phi3", "trl-qwen3",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_role_that_is_told_is_right(name: str, tmp_path: Path) -> None:
    source = (SHARED / "chat_templates" / f"{name}.jinja").read_text(encoding="utf-8")
    tokenizer = load_tokenizer(str(make_tokenizer(BUNDLED_TOKENIZER, source, tmp_path / "made")))
    chat = ConversationFormat(
        tokenizer, load_chat_template(tokenizer, {}, datetime.date(2026, 1, 31))
    )
    encoder, reader = load_encoder(tokenizer, REFERENCE), TokenReader(tokenizer)
    marks = learn_turn_marks(chat)
    shown = 0
    for messages, tools in shapes().values():
        turns = tuple(
            read_turn(dict(message), number, null_filled=False, ignored=frozenset())
            for number, message in enumerate(messages, 1)
        )
        wanted = wanted_turns(turns, all_turns=True)
        try:
            pieces = chat.lay_out(Conversation(turns, tools), wanted).pieces
        except UnusableError:
            continue
        batch = EncodedPieces([pieces], encoder).token_batch()
        ids, mask = batch.input_ids.tolist(), batch.label_mask.tolist()
        text = reader.decode(ids[:-1])
        found = find_turns(reader.read(ids, mask, text, (0, 1)), text, marks)
        # What the template says by itself has no role, and system turns may be part of another.
        told = [turn.role for turn in found if turn.role not in (None, "system")]
        assert told == [turn.role for turn in turns if turn.role != "system"]
        assert [t.start for t in found[1:]] == [t.end for t in found[:-1]]
        assert all(turn.role == "assistant" for turn in found if turn.taught)
        shown += 1
    assert shown >= 7
