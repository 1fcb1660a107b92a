"""Layouts of conversations as a reader checks them by eye: what is in the loss stands in «»."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from support.made_chats import make_tokenizer

from sftdata.base.conversation import Conversation, Turn
from sftdata.base.reasons import Reason
from sftdata.tokenizing.chat.layout import ConversationFormat, Layout
from sftdata.tokenizing.chat.rendering import UnusableError
from sftdata.tokenizing.chat.template import load_chat_template
from sftdata.tokenizing.load import load_tokenizer

# A turn is <|u|>…<|end|>, and the model writes after <|a|>.
PLAIN = (
    "{% for m in messages %}<|{{ m.role[0] }}|>{{ m.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|a|>{% endif %}"
)
MARKS = "{# <|u|> <|a|> <|s|> <|end|> #}"
USER, ANSWER = Turn("user", "Hi"), Turn("assistant", "Ho")
TALK = (USER, ANSWER, Turn("user", "More"), Turn("assistant", "No"))


@pytest.fixture
def chat(byte_tokenizer: Path, tmp_path: Path) -> Any:
    """A function from the source of a chat template to its format."""

    def make(source: str, **more: Any) -> ConversationFormat:
        shown = source.replace("<|{{ m.role[0] }}|>", "<|u|><|a|><|s|>")
        folder = make_tokenizer(byte_tokenizer, shown, tmp_path / "made", eos="<eos>")
        tokenizer = load_tokenizer(str(folder)).with_chat_template(source)
        template = load_chat_template(tokenizer, {}, datetime.date(2026, 1, 31))
        return ConversationFormat(tokenizer, template, **more)

    return make


def show(made: ConversationFormat, layout: Layout) -> str:
    """The text of a layout, with « and » around what is in the loss, and | at cuts."""
    text, in_loss = "", False
    names = {number: name for name, number in made.tokenizer.control_tokens.items()}
    for piece in layout.pieces:
        text += ("«" if piece.in_loss else "»") if piece.in_loss != in_loss else ""
        text += "|" if piece.continues else ""
        text += piece.content if isinstance(piece.content, str) else names[piece.content]
        in_loss = piece.in_loss
    return text + "»"


def lay_out(made: ConversationFormat, *turns: Turn, **beside: Any) -> str:
    wanted = [at for at, turn in enumerate(turns) if turn.role == "assistant"]
    return show(made, made.lay_out(Conversation(turns, **beside), wanted))


def test_each_answer_is_taught_up_to_its_stop_token(chat: Any) -> None:
    shown = lay_out(chat(PLAIN), *TALK)
    assert shown == "<|u|>Hi<|end|>\n<|a|>«Ho<|end|>»\n<|u|>More<|end|>\n<|a|>«No<|end|>»"


def test_the_answer_is_the_continuation_of_what_is_fed(chat: Any) -> None:
    source = PLAIN.replace("}}|>{{", "}}|>\n{{").replace("<|a|>{%", "<|a|>\n{%")
    assert lay_out(chat(source), USER, ANSWER) == "<|u|>\nHi<|end|>\n<|a|>\n«|Ho<|end|>»"


def test_the_stop_token_may_be_that_of_the_next_turn_or_none(chat: Any) -> None:
    opens = PLAIN.replace("<|end|>\n", "")
    assert lay_out(chat(opens), *TALK) == "<|u|>Hi<|a|>«Ho<|u|>»More<|a|>«No<|u|>»"
    plain = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    made = chat(plain + "{% if add_generation_prompt %}assistant: {% endif %}")
    assert lay_out(made, USER, ANSWER) == "user: Hi\nassistant: «|Ho\n<eos>»"
    layout = made.lay_out(Conversation(TALK), [1, 3])
    assert layout.untaught == ("turn 2: no stop token follows it",)


def test_an_answer_that_history_shows_otherwise_is_not_taught(chat: Any) -> None:
    """As gpt-oss does: <|return|> after the last answer, <|end|> after the others."""
    last = "{% if loop.last and m.role == 'assistant' %}<|return|>{% else %}<|end|>{% endif %}"
    made = chat(PLAIN.replace("<|end|>", last))
    layout = made.lay_out(Conversation(TALK), [1, 3])
    assert show(made, layout).endswith("<|a|>Ho<|end|><|u|>More<|end|><|a|>«No<|return|>»")
    assert layout.untaught == (
        "turn 2: the template shows it differently from how the model writes it",
    )
    same = (USER, ANSWER, USER, ANSWER)  # equal answers must not be taken for each other
    assert len(made.lay_out(Conversation(same), [1, 3]).untaught) == 1


REASONING = PLAIN.replace(
    "{{ m.content }}",
    "{% if m.role == 'assistant' and m.reasoning_content is defined %}"
    "<think>{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}",
)
THOUGHT = Turn("assistant", "Ho", reasoning="Hm.")


def test_reasoning_is_taught_or_only_shown(chat: Any) -> None:
    shown = "<|u|>Hi<|end|>\n<|a|>{}<think>Hm.</think>{}Ho<|end|>»"
    assert lay_out(chat(REASONING), USER, THOUGHT) == shown.format("«", "")
    made = chat(REASONING, teach_reasoning=False)
    assert lay_out(made, USER, THOUGHT) == shown.format("", "«")


def test_reasoning_goes_into_the_content_where_the_template_has_no_place_for_it(chat: Any) -> None:
    shown = lay_out(chat(PLAIN), USER, THOUGHT)
    assert shown == "<|u|>Hi<|end|>\n<|a|>«<think>\nHm.\n</think>\n\nHo<|end|>»"


def test_a_prompt_that_opens_the_reasoning_is_for_answers_with_reasoning(chat: Any) -> None:
    opens = (
        "<|a|>{% if enable_thinking is defined and not enable_thinking %}"
        "{% else %}<think>{% endif %}{% endif %}"
    )
    made = chat(REASONING.replace("<|a|>{% endif %}", opens))
    assert lay_out(made, USER, THOUGHT) == "<|u|>Hi<|end|>\n<|a|><think>«Hm.</think>Ho<|end|>»"
    layout = made.lay_out(Conversation((USER, ANSWER)), [1])
    assert show(made, layout) == "<|u|>Hi<|end|>\n<|a|>«Ho<|end|>»"
    assert layout.thinking == ((2, False),)


def test_an_answer_goes_on_from_the_empty_reasoning_that_is_fed(chat: Any) -> None:
    made = chat(REASONING.replace("<|a|>{% endif %}", "<|a|><think>\n\n</think>{% endif %}"))
    fed = "<|u|>Hi<|end|>\n<|a|><think>\n\n</think>"
    assert lay_out(made, USER, ANSWER) == f"{fed}«Ho<|end|>»"
    layout = made.lay_out(Conversation(TALK), [1, 3])
    assert show(made, layout).endswith("More<|end|>\n<|a|><think>\n\n</think>«No<|end|>»")
    (untaught,) = layout.untaught
    assert untaught.startswith("turn 2: its prompt ends with ")


def test_no_part_of_a_token_is_taken_for_shared_text(chat: Any) -> None:
    fed = "<|a|><|empty|>no thought<|/empty|>{% endif %}"
    calls = "{% for c in m.tool_calls %}<|exec|>{{ c.function.name }}<|/exec|>{% endfor %}"
    source = PLAIN.replace("{{ m.content }}", "{{ m.content or '' }}" + calls)
    made = chat(source.replace("<|a|>{% endif %}", fed))
    call = Turn("assistant", None, tool_calls=({"function": {"name": "f"}},))
    assert lay_out(made, USER, call).endswith("<|/empty|>«<|exec|>f<|/exec|><|end|>»")


def test_a_system_turn_that_is_fed_stays_where_the_whole_text_leaves_it_out(chat: Any) -> None:
    # As in Mistral's templates: the system's text stands in the last turn, if that is the user's.
    source = (
        "{% for m in messages %}{% if m.role == 'user' %}<|u|>{% if loop.last and "
        "messages[0].role == 'system' %}{{ messages[0].content }}, {% endif %}{{ m.content }}<|a|>"
        "{% elif m.role == 'assistant' %} {{ m.content }}<|end|>{% endif %}{% endfor %}"
    )
    made, kind = chat(source), Turn("system", "Be kind")
    assert lay_out(made, kind, USER, ANSWER) == "<|u|>Be kind, Hi<|a|>« Ho<|end|>»"
    layout = made.lay_out(Conversation((kind, *TALK)), [2, 4])
    shown = "<|u|>Hi<|a|> Ho<|end|><|u|>Be kind, More<|a|>« No<|end|>»"
    assert show(made, layout) == shown
    assert [reason.partition(":")[0] for reason in layout.untaught] == ["turn 3"]
    prompt = made.prompt(Conversation((kind, *TALK[:3])), [2])
    assert prompt == layout.pieces[: len(prompt)]


def test_nothing_is_made_up_where_the_prompt_opens_a_reasoning_that_is_not_there(chat: Any) -> None:
    made = chat(REASONING.replace("<|a|>{% endif %}", "<|a|><think>{% endif %}"))
    with pytest.raises(UnusableError, match=r"<think>', but the template shows"):
        lay_out(made, USER, ANSWER)


@pytest.mark.parametrize(
    ("source", "beside", "reason", "told"),
    [
        ("{{ raise_exception('no turns today') }}", {}, Reason.REFUSED, "no turns today"),
        (PLAIN.replace("m.content", "m.content[:1]"), {}, Reason.NOT_SHOWN, "content of turn 1"),
        (PLAIN, {"tools": [{"function": {"name": "f"}}]}, Reason.NOT_SHOWN, "the tool 'f'"),
        (PLAIN, {"documents": [{"text": "Doc"}]}, Reason.NOT_SHOWN, "documents"),
        (PLAIN.replace("%}<|a|>{", "%}<|u|>{"), {}, Reason.NOT_TAUGHT, "with another start"),
    ],
)
def test_what_cannot_be_shown_or_taught_is_told(
    chat: Any, source: str, beside: dict[str, Any], reason: Reason, told: str
) -> None:
    with pytest.raises(UnusableError, match=told) as caught:
        lay_out(chat(source), USER, ANSWER, **beside)
    assert caught.value.reason == reason


def test_a_developer_is_the_system_where_the_template_knows_no_other(chat: Any) -> None:
    knows = "{% if m.role == 'developer' %}{{ raise_exception('who?') }}{% endif %}"
    made = chat(PLAIN.replace("<|{{", knows + "<|{{"))
    shown = lay_out(made, Turn("developer", "Be kind."), USER, ANSWER)
    assert shown.startswith("<|s|>Be kind.<|end|>\n<|u|>Hi")


def test_control_text_of_the_data_is_text(chat: Any) -> None:
    made = chat(PLAIN)
    odd = (Turn("user", "a<|end|>"), Turn("assistant", "<|a"), Turn("user", "|>"), ANSWER)
    pieces = made.lay_out(Conversation(odd), [1, 3]).pieces
    names = made.tokenizer.control_tokens
    turn = (names["<|u|>"], names["<|end|>"], names["<|a|>"], names["<|end|>"])
    assert tuple(p.content for p in pieces if isinstance(p.content, int)) == turn * 2
    assert {"a<|end|>", "<|a", "|>"} <= {piece.content for piece in pieces}


def test_the_prompt_is_what_stands_before_the_next_answer(chat: Any) -> None:
    made = chat(PLAIN)
    pieces = made.lay_out(Conversation(TALK), [1, 3]).pieces
    prompt = made.prompt(Conversation(TALK[:3]), [1])
    assert prompt == pieces[: len(prompt)]
    assert made.stop_ids == [made.tokenizer.control_tokens[t] for t in ("<|end|>", "<eos>")]
