"""Templates that cost too much in ways that a price on loops and on made text does not see.

Each stands in a prompt.
"""

# ruff: noqa: E501 - a payload reads best on one line

from __future__ import annotations

_PRIME = 2**61 - 1  # numbers that differ by it share a hash
_PATH = "0." * 40_000 + "0"
_LISTS = "0," * 40_000 + "0"
_NUMBERS = "range(9999)|map('string')"
_SETS = "{% set x = 1 %}" * 5000
ENDLESS = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"


def often(text: str, times: int = 99_999) -> str:
    return f"{{% for i in range({times}) %}}{text}{{% endfor %}}"


def long_text(doublings: int) -> str:
    doubled = "{% set ns.s = ns.s ~ ns.s %}"
    return "{% set ns = namespace(s='a') %}" + often(doubled, doublings)


_ONE_TEXT = (
    long_text(13) + "{% set m = namespace(x=[ns.s]) %}" + often("{% set m.x = m.x + m.x %}", 17)
)
_DEEP = (
    "{% set m = namespace(x=[1]) %}"
    + often("{% set m.x = m.x + m.x %}", 17)
    + often("{% set m.x = [m.x] %}", 400)
)

COSTLY = {
    # The budget itself.
    "refilled by a float": often("{% set x = [-1e18]|map('tick!')|list %}" + ENDLESS),
    "refilled by a number": often("{% set x = [-1000000]|map('tick!')|list %}" + ENDLESS),
    "refilled by nan": often("{% set x = ['nan'|float]|map('tick!')|list %}" + ENDLESS),
    "refilled by a map of maps": "{{ [[-1e18]]|map('map', 'tick!')|map('list')|list }}" + ENDLESS,
    "a price tag as a filter": "{{ [1]|map('weigh!')|list }}",
    "a price tag as a test": "{{ [1]|select('tick!')|list }}",
    "a negative width": often("{% set x = 'abcdef'|truncate(-1000000) %}" + ENDLESS),
    # Searches that compare each place.
    "rfind": long_text(17) + "{% set n = 'b' ~ ns.s[:60000] %}" + often("{% set x = ns.s.rfind(n) %}", 99),
    "rindex": long_text(17) + "{% set n = 'b' ~ ns.s[:60000] %}" + often("{% set x = (ns.s ~ n).rindex(n) %}", 99),
    "rsplit": long_text(17) + "{% set n = 'b' ~ ns.s[:60000] %}" + often("{% set x = ns.s.rsplit(n) %}", 99),
    "rpartition": long_text(17) + "{% set n = 'b' ~ ns.s[:60000] %}" + often("{% set x = ns.s.rpartition(n) %}", 99),
    "find": long_text(14) + "{% set n = ns.s[:98] ~ 'b' %}" + often("{% set x = ns.s.find(n) %}"),
    "in": long_text(14) + "{% set n = ns.s[:98] ~ 'b' %}" + often("{% set x = n in ns.s %}"),
    "replace": long_text(14) + "{% set n = ns.s[:98] ~ 'b' %}" + often("{% set x = ns.s|replace(n, '') %}"),
    "strip": long_text(17) + "{% set n = ns.s.replace('a', 'b') ~ 'a' %}" + often("{% set x = ns.s.strip(n) %}", 99),
    "trim": long_text(17) + "{% set n = ns.s.replace('a', 'b') ~ 'a' %}" + often("{% set x = ns.s|trim(n) %}", 99),
    # Lists that cost little to make and much to print.
    "a list of one text, printed": _ONE_TEXT + "{{ m.x }}",
    "a list of one text as JSON": _ONE_TEXT + "{{ m.x|tojson }}",
    "a list of one text, handed on": _ONE_TEXT + "{{ m.x|reverse|list|map('list')|list }}",
    "a list of lists, handed on": _ONE_TEXT + "{{ [m.x]|map('reverse')|map('list')|list|string|length }}",
    "indented lists in lists": _DEEP + "{{ m.x|tojson(indent=8)|length }}",
    # Hashes that collide.
    "unique": f"{{{{ range(0, {_PRIME}00000, {_PRIME})|unique|list|length }}}}",
    "a grown number": "{% set ns = namespace(n=1) %}" + often("{% set ns.n = ns.n + ns.n %}", 99),
    "a number by int": long_text(14) + "{{ ns.s|int(base=16) }}",
    "a number by sum": f"{{{{ [{_PRIME}, {_PRIME}, {_PRIME}, {_PRIME}]|map('string')|map('replace', '2', '9' * 30)|map('int')|sum }}}}",
    # Long attribute paths.
    "map": f"{{{{ {_NUMBERS}|map(attribute='{_PATH}')|list|length }}}}",
    "map with a default": f"{{{{ {_NUMBERS}|map(attribute='{_PATH}', default='x')|list|length }}}}",
    "sort": f"{{{{ {_NUMBERS}|list|sort(attribute='{_LISTS}')|length }}}}",
    "sort by place": f"{{{{ {_NUMBERS}|list|sort(false, false, '{_LISTS}')|length }}}}",
    "groupby": f"{{{{ {_NUMBERS}|list|groupby('{_PATH}')|length }}}}",
    "selectattr": f"{{{{ {_NUMBERS}|selectattr('{_PATH}')|list|length }}}}",
    "rejectattr": f"{{{{ {_NUMBERS}|rejectattr('{_PATH}')|list|length }}}}",
    "join": f"{{{{ {_NUMBERS}|join('', attribute='{_PATH}') }}}}",
    "max": f"{{{{ {_NUMBERS}|max(attribute='{_PATH}') }}}}",
    "unique attributes": f"{{{{ {_NUMBERS}|unique(attribute='{_PATH}')|list }}}}",
    # Numbers and formats.
    "round to many digits": "{{ 1|round(7000000, 'floor') }}",
    "round up": "{{ 1|round(precision=5000000, method='ceil') }}",
    "a format that is even": "{{ '%1000000000d' is even }}",
    "a format that is odd": "{{ ['%1000000000d']|select('odd')|list }}",
    "a format that is divisible": "{{ '%1000000000d' is divisibleby(3) }}",
    # Statements without a price of their own.
    "many statements": often(_SETS),
    "many conditions": often("{% if article %}{% endif %}" * 3000),
    "many attributes": often("{% set x = loop.first %}" * 3000),
    "many statements in a macro": "{% macro m() %}" + _SETS + "{% endmacro %}" + often("{% set y = m() %}"),
    "many statements in a call": "{% macro m() %}{{ caller() }}{% endmacro %}" + often("{% call m() %}" + _SETS + "{% endcall %}"),
    "many parameters": "{% macro m(" + ",".join(f"a{i}=1" for i in range(5000)) + ") %}{% endmacro %}" + often("{% set y = m() %}"),
    "many names": often("{% with " + ", ".join(f"a{i}=1" for i in range(5000)) + " %}{% endwith %}"),
    "many texts": often("{% set x = 'a'" + " ~ 'a'" * 5000 + " %}"),
    "many branches": "{% if article == '' %}" + "{% elif article == '' %}" * 4000 + "{% endif %}",
    # Errors that quote.
    "a long name that is undefined": long_text(19) + "{{ {}[ns.s] }}",
    "a long attribute": long_text(19) + "{{ article[ns.s] }}",
}  # fmt: skip
