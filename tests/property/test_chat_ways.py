"""Plain rows laid out by columns and conversations laid out one by one have the same tokens."""

from __future__ import annotations

import datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.made_chats import make_tokenizer

from sftdata.base.arrow import texts
from sftdata.base.conversation import Conversation, Turn
from sftdata.examples.conversations.encode import EncodedPieces
from sftdata.examples.conversations.plain import PlainConversations
from sftdata.examples.encode import encode_segments
from sftdata.examples.layout import ChatComposer
from sftdata.examples.tokens import join_segments
from sftdata.rendering.render import Rendered
from sftdata.tokenizing.chat.layout import ConversationFormat
from sftdata.tokenizing.chat.read_texts import ReadTexts
from sftdata.tokenizing.chat.skeleton import ChatFormat
from sftdata.tokenizing.chat.template import load_chat_template
from sftdata.tokenizing.encoder import REFERENCE, Encoder, load_encoder
from sftdata.tokenizing.load import load_tokenizer

DATE = datetime.date(2026, 1, 31)
TEMPLATES = {
    "closed": "{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}",
    "opened": "{% for m in messages %}{{ '<|u|>' if m.role == 'user' else '<|a|>' if m.role == "
    "'assistant' else '<|s|>' }} {{ m.content | trim }}{% endfor %}"
    "{% if add_generation_prompt %}<|a|>{% endif %}",
}
WORD = st.one_of(
    st.text(max_size=6), st.sampled_from(["<|end|>", "<|start|>", "<|", "|>", " ", "\n", "end|>"])
)
TEXT = st.lists(WORD, min_size=1, max_size=4).map("".join).map(str.strip).filter(bool)


@pytest.fixture(scope="module")
def folders(byte_tokenizer: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("made")
    return {
        name: make_tokenizer(byte_tokenizer, source, base / name, eos="<eos>")
        for name, source in TEMPLATES.items()
    }


@cache
def loaded(folder: Path) -> tuple[Encoder, ChatComposer, ConversationFormat]:
    tokenizer = load_tokenizer(str(folder))
    template = load_chat_template(tokenizer, {}, DATE)
    return (
        load_encoder(tokenizer, REFERENCE),
        ChatComposer(ChatFormat(tokenizer, {}, DATE)),
        ConversationFormat(tokenizer, template),
    )


@pytest.mark.parametrize("name", list(TEMPLATES))
@settings(max_examples=60)
@given(rows=st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=3))
def test_both_ways_give_the_same_tokens(
    folders: dict[str, Path], name: str, rows: list[tuple[str, str, str]]
) -> None:
    encoder, composer, conversations = loaded(folders[name])
    system, prompt, target = (texts(list(column)) for column in zip(*rows, strict=True))
    segments = composer.compose(Rendered(system=system, prompt=prompt, target=target), None)
    by_columns = join_segments(encode_segments(segments, encoder), len(rows))
    roles = ("system", "user", "assistant")
    pieces = [
        conversations.lay_out(Conversation(tuple(map(Turn, roles, row))), [len(roles) - 1]).pieces
        for row in rows
    ]
    one_by_one = EncodedPieces(pieces, encoder).token_batch()
    assert by_columns.input_ids.tolist() == one_by_one.input_ids.tolist()
    assert by_columns.label_mask.tolist() == one_by_one.label_mask.tolist()
    assert by_columns.target_start.tolist() == one_by_one.target_start.tolist()


@pytest.mark.parametrize("name", list(TEMPLATES))
@settings(max_examples=60)
@given(contents=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4), system=st.booleans())
def test_plain_conversations_are_filled_in_as_they_are_rendered(
    folders: dict[str, Path], name: str, contents: list[tuple[str, str]], system: bool
) -> None:
    _, composer, conversations = loaded(folders[name])
    turns = [Turn("system", "S.")] if system else []
    for question, answer in contents:
        turns += [Turn("user", question), Turn("assistant", answer)]
    conversation = Conversation(tuple(turns))
    filled = PlainConversations(composer.chat, all_turns=True).lay_out(conversation.to_json())
    wanted = [at for at, turn in enumerate(turns) if turn.role == "assistant"]
    assert filled is None or filled == conversations.lay_out(conversation, wanted)
    words = all(char.isalnum() for turn in turns for char in turn.text.replace(".", ""))
    assert filled is not None or not words


def test_a_content_that_the_template_reads_is_not_filled_in() -> None:
    read = ReadTexts.of(
        "{% if '</think>' in m.content or m.content.startswith('/no') or m.content == 'x' %}"
        "{{ m.content.split('</think>')[-1].strip('\n') }}{% endif %}{{ '<|u|>' }}"
    )
    assert read.within == ("/no", "</think>")
    shown = ["a", "xx", "<|u|>", "a\nb"]
    assert [text for text in [*shown, "x", "/now", "a</think>b", " a", "a\n", ""] if
            read.are_not_in(text)] == shown  # fmt: skip
