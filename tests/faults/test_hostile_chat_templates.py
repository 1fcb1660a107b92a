"""Chat templates in a tokenizer's directory that never end, fill the memory or want out.

Each is refused within two seconds of processor time and in 1.5 GB. They run in another process,
under a limit on the address space.
"""

# ruff: noqa: E501 - a payload reads best on one line

from __future__ import annotations

from typing import Any

import pytest
from support.costly_templates import COSTLY, ENDLESS, long_text, often
from support.template_children import try_templates

SECONDS = 2.0
BYTES = 1_500_000_000
BATCHES = 3
LONGEST = 2000  # characters of an error

CHILD = """
import datetime, json, resource, sys, time
from sftdata.errors import TemplateError
from sftdata.tokenizing.chat.template import ChatTemplate, RefusedError
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
messages = [{"role": "user", "content": "Some text. " * 20}, {"role": "assistant", "content": "a"}]
for name, source in json.load(sys.stdin):
    started = time.process_time()
    try:
        template = ChatTemplate(source, "t", {}, {"article": "text"}, datetime.date(2026, 1, 1))
        end, said = "rendered", template.render(messages)[:300]
    except (TemplateError, RefusedError) as error:
        end, said = "error", str(error)
    except BaseException as error:
        end, said = type(error).__name__, str(error)
    print(json.dumps([name, end, said, time.process_time() - started]), flush=True)
"""

OF_CHATS = {
    # Operators and methods that plain templates do not have.
    "times": "{{ 'a' * 1000000000 }}",
    "times from the left": "{{ 1000000000 * 'ab' }}",
    "times a list": "{{ [0] * 1000000000 }}",
    "times in a loop": "{% set ns = namespace(s='ab') %}" + often("{% set ns.s = ns.s * 9 %}", 99),
    "power": "{{ 9 ** 99999999 }}",
    "power of a power": "{{ 9 ** 9 ** 9 ** 9 }}",
    "percent": "{{ '%1000000000d' % 1 }}",
    "percent with a star": "{{ '%*d' % (1000000000, 1) }}",
    "percent of fields": long_text(9) + "{{ (ns.s.replace('a', '%(x)s')) % {'x': ns.s * 9999} }}",
    "the filter format": "{{ '%1000000000d'|format(1) }}",
    "the filter format with a star": "{{ '%*d'|format(1000000000, 1) }}",
    "the method format": "{{ '{:1000000000}'.format(1) }}",
    "a format in a format": "{{ '{:{}}'.format(1, 1000000000) }}",
    "many fields": long_text(9) + "{{ ns.s.replace('a', '{0}').format(ns.s * 9999) }}",
    "format_map": "{{ '{x:1000000000}'.format_map({'x': 1}) }}",
    "the filter center": "{{ 'a'|center(1000000000) }}",
    "ljust": "{{ 'a'.ljust(1000000000) }}",
    "rjust of bytes": "{{ 'a'.encode().rjust(1000000000) }}",
    "zfill": "{{ '1'.zfill(1000000000) }}",
    "expandtabs": "{{ ('\\t' * 99).expandtabs(100000000) }}",
    "translate": long_text(17) + "{{ ns.s.translate({97: ns.s}) }}",
    "indent": "{{ 'a\\nb'|indent(1000000000) }}",
    "indent by a text": long_text(17) + "{{ ns.s.replace('a', '\\n')|indent(ns.s) }}",
    "tojson indent": "{{ [[1]]|tojson(indent=1000000000) }}",
    "tojson separators": long_text(19) + "{{ range(9999)|list|tojson(separators=(ns.s, ns.s)) }}",
    "to_bytes": "{{ (1).to_bytes(1000000000, 'big') }}",
    "a large shift": "{{ (1).__lshift__(1000000000) }}",
    "batch": "{{ [1]|batch(1000000000, 'x')|list }}",
    "slice": "{{ [1]|slice(1000000000)|list|length }}",
    "sum of lists": "{{ (range(99999)|map('string')|map('list')|list)|sum(start=[])|length }}",
    "a wide date": "{{ strftime_now('%1000000000d' ~ '%d' * 999999) }}",
    "wordwrap": long_text(17) + "{{ ns.s|wordwrap(1, wrapstring=ns.s) }}",
    # Text that is captured.
    "captured": "{% set x %}" + often("{{ messages[0].content }}") + "{% endset %}" + often("{% set y %}" + often("{{ x }}", 999) + "{% endset %}", 999),
    "captured by a filter": "{% filter upper %}" + often("{{ messages[0].content }}" * 99) + "{% endfilter %}",
    "captured by generation": "{% generation %}" + often("{{ messages[0].content }}" * 99) + "{% endgeneration %}",
    "captured by a macro": long_text(16) + "{% macro m() %}" + often("{{ ns.s }}") + "{% endmacro %}{{ m() }}",
    "literal text": "{% set x %}" + often("long text " * 4000) + "{% endset %}{{ x }}",
    "printed": long_text(16) + often("{{ ns.s }}"),
    "printed text": often("long text " * 4000),
    # Growth.
    "a chain of sums": "{% set ns = namespace(s='ab') %}" + often("{% set ns.s = ns.s + 'x' + ns.s + ns.s %}", 99),
    "a list that grows": "{% set ns = namespace(s=messages) %}" + often("{% set ns.s = ns.s + ns.s %}", 99),
    "lists in lists": "{% set ns = namespace(s=[1]) %}" + often("{% set ns.s = [ns.s, ns.s] %}", 99),
    "a dict of itself": "{% set ns = namespace(s={}) %}" + often("{% set ns.s = {'a': ns.s, 'b': ns.s} %}", 99) + "{{ ns.s|tojson }}",
    "tuples as keys": "{% set ns = namespace(s=(1,)) %}" + often("{% set ns.s = (ns.s, ns.s) %}", 99) + "{{ {ns.s: 1} }}",
    # Loops.
    "endless": ENDLESS,
    "endless with breaks": often("{% for j in range(99999) %}{% if j > 99990 %}{% break %}{% endif %}{% endfor %}"),
    "endless with continue": often("{% for j in range(99999) %}{% continue %}{% endfor %}"),
    "endless without a turn": often("{% for j in range(99999) if false %}{% endfor %}"),
    "macros that branch": "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(100) }}",
    "a macro without end": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "a recursive loop": "{% for x in range(9999) recursive %}{{ loop(range(9999)) }}{% endfor %}",
    "sorted again": often("{% set x = range(9999)|sort %}"),
    "json again": often("{% set x = range(9999)|list|tojson %}"),
    "methods again": long_text(17) + often("{% set x = ns.s.upper() %}"),
    "filters again": long_text(17) + often("{% set x = ns.s|trim %}"),
    "split again": long_text(17) + often("{% set x = ns.s.split('a') %}"),
    # Ways out.
    "class": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "attr": "{{ ''|attr('__class__') }}{{ (''|attr('__class__')).mro() }}",
    "globals": "{{ raise_exception.__globals__ }}{{ cycler.__init__.__globals__.os }}",
    "a namespace": "{% set ns = namespace() %}{{ ns.__init__.__globals__['x'] }}",
    "format of a class": "{{ '{0.__class__.__mro__}'.format('') }}",
    "an include": "{% include '/etc/passwd' %}",
    "an import": "{% import '/etc/passwd' as x %}{{ x }}",
    "a changed list": "{{ messages.append(1) }}",
    "a changed dict": "{{ messages[0].update({'role': 'x'}) }}",
    "random": "{{ [1, 2]|random }}",
    "lipsum": "{{ lipsum.__globals__['os'].popen('id').read() }}",
    # Errors that quote, and sources that are hard to compile.
    "a long reason": long_text(19) + "{{ raise_exception(ns.s) }}",
    "deep brackets": "{{ " + "(" * 9000 + "1" + ")" * 9000 + " }}",
    "deep ifs": "{% if article %}" * 900 + "{% endif %}" * 900,
    "many digits": "{{ 1" + "0" * 90000 + " }}",
    "many operators": "{{ 1" + "<1" * 90000 + " }}",
    "an unclosed tag": "{{ " * 30000,
}  # fmt: skip
# What is undefined prints nothing in a chat template.
PRINTS_NOTHING = {"a long name that is undefined", "a long attribute"}
ALL = OF_CHATS | {f"costly: {n}": text for n, text in COSTLY.items() if n not in PRINTS_NOTHING}
SECRETS = ("root:", "uid=", "<class")


@pytest.fixture(scope="module")
def ends() -> dict[str, list[Any]]:
    """For each template: how its rendering ended, the message, and the seconds."""
    return try_templates(CHILD, [str(BYTES)], list(ALL.items()), BATCHES)


def test_there_are_enough() -> None:
    assert len(ALL) >= 60


@pytest.mark.parametrize("name", ALL)
def test_a_hostile_chat_template_is_refused_soon(name: str, ends: dict[str, list[Any]]) -> None:
    assert name in ends, "the process died on it, or on one before it"
    end, said, seconds = ends[name]
    assert end == "error", f"{end}: {said[:300]}"
    assert not any(secret in said for secret in SECRETS)
    assert seconds < SECONDS
    assert len(said) < LONGEST
