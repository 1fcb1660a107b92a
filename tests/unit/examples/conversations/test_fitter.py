"""Fitting conversations: which turns go, what the ledger says, ids and masks as aligned rows."""

from __future__ import annotations

import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from support.made_chats import make_tokenizer

from sftdata.base.arrow import texts
from sftdata.base.conversation import Conversation, Turn
from sftdata.examples.conversations.fitter import ConversationFitter, LongConversations
from sftdata.examples.conversations.plain import PlainConversations
from sftdata.examples.fit import ExampleTokens
from sftdata.reading.outcomes import RowOutcomes
from sftdata.tokenizing.chat.layout import ConversationFormat
from sftdata.tokenizing.chat.skeleton import ChatFormat
from sftdata.tokenizing.chat.template import load_chat_template
from sftdata.tokenizing.encoder import REFERENCE, load_encoder
from sftdata.tokenizing.load import load_tokenizer

TEMPLATE = (
    "{% for m in messages %}{{ '<|u|>' if m.role == 'user' else '<|s|>' if m.role == 'system' else "
    "'<|t|>' if m.role == 'tool' else '<|a|>' }}{{ m.content }}"
    "{% if m.tool_calls %}{{ m.tool_calls[0].function.name }}{% endif %}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|a|>{% endif %}"
)
U, A = Turn("user", "u"), Turn("assistant", "a")
CALL = Turn("assistant", "", tool_calls=({"type": "function", "function": {"name": "f"}},))


def fit(
    folder: Path,
    *conversations: tuple[Turn, ...],
    max_length: int | None = None,
    all_turns: bool = True,
    long: LongConversations = "drop_turns",
) -> tuple[ExampleTokens, list[tuple[int, str, str, str]]]:
    tokenizer = load_tokenizer(str(folder))
    template = load_chat_template(tokenizer, {}, datetime.date(2026, 1, 31))
    fitter = ConversationFitter(
        load_encoder(tokenizer, REFERENCE),
        ConversationFormat(tokenizer, template),
        PlainConversations(ChatFormat(tokenizer, {}), all_turns),
        max_length,
        all_turns,
        long,
    )
    column = texts([Conversation(turns).to_json() for turns in conversations])
    outcomes = RowOutcomes(len(conversations))
    found = fitter.fit(column, np.arange(len(conversations)), outcomes)
    return found, [(row, str(status), reason, detail) for row, status, reason, detail in outcomes]


@pytest.fixture
def folder(byte_tokenizer: Path, tmp_path: Path) -> Path:
    return make_tokenizer(byte_tokenizer, TEMPLATE, tmp_path / "made", eos="<eos>")


def shown(folder: Path, found: ExampleTokens) -> list[str]:
    decoder = load_tokenizer(str(folder)).decoder
    cuts = found.batch.offsets
    rows = [found.batch.input_ids[a:b].tolist() for a, b in pairwise(cuts.tolist())]
    return [decoder.decode(row, skip_special_tokens=False) for row in rows]


def test_ids_and_mask_stand_side_by_side(folder: Path) -> None:
    found, ledger = fit(folder, (U, A, U, A))
    token = load_tokenizer(str(folder)).control_tokens
    user, answer, end = token["<|u|>"], token["<|a|>"], token["<|end|>"]
    #                 <|u|> u    end  <|a|>   a    end
    pair = [user, ord("u"), end, answer, ord("a"), end]
    assert found.batch.input_ids.tolist() == pair * 2
    assert found.batch.label_mask.tolist() == [0, 0, 0, 0, 1, 1] * 2
    assert found.batch.target_start.tolist() == [4]
    assert ledger == []
    last, _ = fit(folder, (U, A, U, A), all_turns=False)
    assert last.batch.label_mask.tolist() == [0] * 10 + [1, 1]


def test_whole_exchanges_go_first_and_the_system_turn_stays(folder: Path) -> None:
    long = (Turn("system", "s"), U, CALL, Turn("tool", "r"), A, Turn("user", "v"), A)
    found, ledger = fit(folder, long, (U, A), max_length=12)
    assert shown(folder, found) == [
        "<|s|>s<|end|><|u|>v<|end|><|a|>a<|end|>",
        "<|u|>u<|end|><|a|>a<|end|>",
    ]
    detail = "the first 4 of 7 turns; 21 tokens of at most 12"
    assert ledger == [(0, "cut", "fewer_turns", detail)]


def test_what_does_not_fit_is_dropped(folder: Path) -> None:
    for long, length in (("drop", 10), ("drop_turns", 5)):
        found, ledger = fit(folder, (U, A, U, A), (U, A), max_length=length, long=long)  # type: ignore[arg-type]
        assert len(found.places) == (1 if long == "drop" else 0)
        assert ledger[0] == (0, "dropped", "too_long", f"12 tokens of at most {length}")


def test_the_rows_that_stay_keep_their_order_and_places(folder: Path) -> None:
    odd = (Turn("user", "x"), Turn("assistant", "", reasoning=""))
    found, _ = fit(folder, (U, A), odd, (Turn("user", "w"), A))
    assert found.places.tolist() == [0, 1, 2]
    assert shown(folder, found)[2] == "<|u|>w<|end|><|a|>a<|end|>"
