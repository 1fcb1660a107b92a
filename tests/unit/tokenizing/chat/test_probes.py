"""Which added tokens a chat template writes, whatever the conversation holds."""

from __future__ import annotations

import pytest

from sftdata.tokenizing.chat.probes import find_written

TURNS = "{% for m in messages %}{{ '<|' + m.role + '|>' }}{{ m.content }}{% endfor %}"
TOOLS = (
    "{% if tools %}<tools>{{ tools | tojson }}{% endif %}{% for m in messages %}{{ m.content }}"
    "{% for call in m.tool_calls or [] %}<call>{{ call.function.arguments | tojson }}{% endfor %}"
    "{% if m.role == 'tool' %}<result>{% endif %}{% endfor %}"
)
REASONING = (
    "{% for m in messages %}{% if m.reasoning_content %}<think>{% endif %}{% endfor %}"
    "{% if add_generation_prompt and enable_thinking is false %}</think>{% endif %}"
)
REFUSES_MOST = "{% if messages[0].role != 'developer' %}{{ raise_exception('no') }}{% endif %}<d>"


@pytest.mark.parametrize(
    ("tokens", "template", "expected"),
    [
        (["<a>", "<|b|>", "[C]"], TURNS, set()),  # nothing is found by how it is written
        (
            ["<a>", "<|user|>", "<|assistant|>"],
            TURNS,
            {"<|user|>", "<|assistant|>"},
        ),  # put together
        (["<a>"], "{# <a> #}{% if false %}<a>{% endif %}x", set()),  # only in the source
        (["<tools>", "<call>", "<result>"], TOOLS, {"<tools>", "<call>", "<result>"}),
        (["function", "type", "name"], TOOLS, set()),  # words of what a user gives
        (["<think>", "</think>"], REASONING, {"<think>", "</think>"}),
        (["<a", "<a>", "a>"], "<a>{{ messages }}", {"<a>"}),  # the longest at each place
        (["<e>"], "{{ eos_token }}", {"<e>"}),
        (["<d>"], REFUSES_MOST, {"<d>"}),  # one probe that is taken is enough
        (["<a>"], "{% if %}<a>", set()),
    ],
)
def test_the_template_decides_by_what_it_writes(
    tokens: list[str], template: str, expected: set[str]
) -> None:
    assert find_written(template, {"eos_token": "<e>"}, tokens) == expected
