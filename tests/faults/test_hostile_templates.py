"""Templates that want out of the sandbox, or to fill the memory, or never to end.

Each ends in a `TemplateError` within two seconds of processor time and in 1.5 GB, and no text from
outside the templates root is in what it prints or in the error. They run in other processes,
several in each, under a limit on the address space.
"""

# ruff: noqa: E501 - a payload reads best on one line

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from support.costly_templates import COSTLY
from support.template_children import try_templates

SECONDS = 2.0
BYTES = 1_500_000_000
SECRET = "text from outside of the root"
BATCHES = 6
LONGEST = 10_000  # characters of an error; it may quote a name

CHILD = """
import json, resource, sys, time
from pathlib import Path
from sftdata.errors import TemplateError
from sftdata.rendering.template import parse_template
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]),) * 2)
row = {"article": "Some text. " * 20, "summary": "short", "items": "a b c"}
for name, source in json.load(sys.stdin):
    started = time.process_time()
    try:
        template = parse_template("t/t", source, root=Path(sys.argv[1]))
        texts = [template.render_block(b, row) for b in ("system", "prompt", "target")]
        end, said = "rendered", "".join(texts)[:500]
    except TemplateError as error:
        end, said = "error", str(error)
    except BaseException as error:
        end, said = type(error).__name__, str(error)
    print(json.dumps([name, end, said, time.process_time() - started]), flush=True)
"""

DOUBLING = (
    "{% set ns = namespace(s='ab') %}{% for i in range(99) %}{% set ns.s = EXPR %}{% endfor %}"
)

IN_A_PROMPT = {
    # Known ways out of Jinja's sandbox.
    "class": "{{ ''.__class__ }}",
    "mro": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "subscript": "{{ ''['__class__'] }}",
    "concatenated name": "{{ ''['__cla' ~ 'ss__'] }}",
    "escaped name": "{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}",
    "attr filter": "{{ ''|attr('__class__') }}",
    "map of attributes": "{{ ['']|map(attribute='__class__')|list }}",
    "map of attr": "{{ ['']|map('attr', '__class__')|list }}",
    "groupby attribute": "{{ ['']|groupby('__class__')|list }}",
    "sort attribute": "{{ ['', 'a']|sort(attribute='__class__.__name__')|first|attr('x') }}",
    "selectattr": "{{ ['']|selectattr('__class__.__mro__')|list|length + '' }}",
    "globals of a function": "{{ range.__globals__ }}",
    "globals of cycler": "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "globals of joiner": "{{ joiner.__init__.__globals__ }}",
    "globals of namespace": "{{ namespace.__init__.__globals__ }}",
    "lipsum": "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "self": "{{ self._TemplateReference__context }}",
    "self init": "{{ self.__init__.__globals__ }}",
    "context": "{{ self.prompt.__globals__ }}",
    "undefined": "{{ missing.__class__.__init__.__globals__ }}",
    "macro": "{% macro m() %}{% endmacro %}{{ m.__init__.__globals__ }}",
    "caller": "{% macro m() %}{{ caller.__globals__ }}{% endmacro %}{% call m() %}{% endcall %}",
    "loop": "{% for x in [1] %}{{ loop.__init__.__globals__ }}{% endfor %}",
    "generator frame": "{{ (['a']|map('upper')).gi_frame.f_globals }}",
    "format method": "{{ '{0.__class__}'.format(article) }}",
    "format map": "{{ '{a.__class__}'.format_map({'a': article}) }}",
    "format stored": "{% set f = '{0.__class__}'.format %}{{ f(article) }}",
    "format by map": "{{ ['{0.__class__}']|map('format', article)|list }}",
    "format in a list": "{{ [''.format][0]('x') }}",
    "format of a macro argument": "{% macro m(f) %}{{ f('x') }}{% endmacro %}{{ m('{:9}'.format) }}",
    "import": "{{ __import__('os') }}",
    "builtins": "{{ __builtins__ }}",
    "open": "{{ open('/etc/hostname').read() }}",
    "a changed list": "{% set x = [] %}{{ x.append(1) }}",
    "a changed dict": "{% set x = {} %}{{ x.update({'a': 1}) }}",
    "bytes": "{{ article.encode() }}",
    "a large number": "{{ (1).to_bytes(1000000000, 'big') }}",
    "translate": "{{ article.translate({32: 'x'}) }}",
    # Text and lists that multiply.
    "times": "{{ 'a' * 1000000000 }}",
    "times a list": "{{ [0] * 1000000000 }}",
    "power": "{{ 9 ** 99999999 }}",
    "percent": "{{ '%1000000000d' % 1 }}",
    "center": "{{ article|center(1000000000) }}",
    "ljust": "{{ article.ljust(1000000000) }}",
    "zfill": "{{ article.zfill(1000000000) }}",
    "expandtabs": "{{ '\\t'.expandtabs(1000000000) }}",
    "format width": "{{ '{:1000000000}'.format(1) }}",
    "indent": "{{ article|indent(1000000000) }}",
    "tojson indent": "{{ [[1]]|tojson(indent=1000000000) }}",
    "batch": "{{ [1]|batch(1000000000, 'x')|list }}",
    "slice": "{{ [1]|slice(1000000000)|list|length }}",
    "round": "{{ 1|round(1000000000, 'floor') }}",
    "doubling with ~": DOUBLING.replace("EXPR", "ns.s ~ ns.s"),
    "doubling with +": DOUBLING.replace("EXPR", "ns.s + ns.s"),
    "doubling with join": DOUBLING.replace("EXPR", "[ns.s, ns.s]|join(ns.s)"),
    "doubling with the method join": DOUBLING.replace("EXPR", "ns.s.join([ns.s, ns.s])"),
    "doubling with replace": DOUBLING.replace("EXPR", "ns.s|replace('a', ns.s)"),
    "doubling with the method replace": DOUBLING.replace("EXPR", "ns.s.replace('a', ns.s)"),
    "replacing nothing": DOUBLING.replace("EXPR", "ns.s.replace('', ns.s)"),
    "doubling lists": DOUBLING.replace("EXPR", "[ns.s, ns.s]"),
    "doubling tuples": DOUBLING.replace("EXPR", "(ns.s, ns.s)"),
    "doubling dicts": DOUBLING.replace("EXPR", "{'a': ns.s, 'b': ns.s}"),
    "doubling by dict()": DOUBLING.replace("EXPR", "dict(a=ns.s, b=ns.s)"),
    "doubling by list()": DOUBLING.replace("EXPR", "(ns.s ~ ns.s)|list|join"),
    "lists that add": "{% set ns = namespace(s=['a']) %}{% for i in range(99) %}"
    "{% set ns.s = ns.s + ns.s %}{% endfor %}",
    "numbers that add": "{% set ns = namespace(n=1) %}{% for i in range(99999) %}"
    "{% for j in range(9999) %}{% set ns.n = ns.n + ns.n %}{% endfor %}{% endfor %}",
    "sum of lists": "{{ (range(99999)|map('string')|map('list')|list)|sum(start=[])|length }}",
    "doubling by capture": "{% set x %}{% for i in range(9999) %}{{ article }}{% endfor %}{% endset %}"
    "{% set y %}{% for i in range(9999) %}{{ x }}{% endfor %}{% endset %}{{ y }}",
    "literal text in a capture": "{% set x %}{% for i in range(99999) %}" + "long text " * 4000
    + "{% endfor %}{% endset %}{{ x }}",
    "doubling by macro": "{% macro m(s, n) %}{% if n %}{{ m(s ~ s, n - 1) }}{% else %}{{ s }}"
    "{% endif %}{% endmacro %}{{ m('ab', 99) }}",
    "compared in depth": "{% set a = namespace(x=['a']) %}{% set b = namespace(x=['a']) %}"
    "{% for i in range(40) %}{% set a.x = [a.x, a.x] %}{% set b.x = [b.x, b.x] %}{% endfor %}"
    "{{ a.x == b.x }}",
    # Loops and recursion.
    "a large range": "{% for i in range(1000000000) %}{% endfor %}",
    "loops in loops": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "loops that filter": "{% for i in range(99999) %}{% for j in range(99999) if false %}{% endfor %}"
    "{% endfor %}",
    "loops that count": "{% for i in range(99999) %}{{ range(99999)|sum }}{% endfor %}",
    "loops that search": "{% set x = range(99999)|list %}{% for i in range(99999) %}"
    "{% if 'a' in x %}{% endif %}{% endfor %}",
    "loops by a test": "{% set x = range(99999)|list %}{% for i in range(99999) %}"
    "{% if 'a' is in x %}{% endif %}{% endfor %}",
    "loops that slice": "{% set x = range(99999)|list %}{% for i in range(99999) %}"
    "{% set y = x[1:] %}{% endfor %}",
    "loops that sort": "{% set x = range(99999)|list %}{% for i in range(99999) %}"
    "{% set y = x|sort %}{% endfor %}",
    "a recursive loop": "{% for x in range(9999) recursive %}{{ loop(range(9999)) }}{% endfor %}",
    "macros": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "macros that branch": "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}"
    "{% endmacro %}{{ m(100) }}",
    "calls that branch": "{% macro m(n) %}{% if n %}{% call m(n - 1) %}{% endcall %}"
    "{% call m(n - 1) %}{% endcall %}{% endif %}{% endmacro %}{{ m(90) }}",
    "a block in itself": "{{ self.prompt() }}",
    # What differs from run to run.
    "random": "{{ [1, 2]|random }}",
    "a set": "{% for x in {'a': 1, 'b': 2}.keys() - [] %}{{ x }}{% endfor %}",
    "an address": "{{ article.strip }}",
    # Sources that are hard to compile.
    "deep brackets": "{{ " + "(" * 9000 + "1" + ")" * 9000 + " }}",
    "deep lists": "{{ " + "[" * 900 + "]" * 900 + " }}",
    "deep ifs": "{% if article %}" * 900 + "{% endif %}" * 900,
    "deep loops": "{% for x in article %}" * 40 + "{% endfor %}" * 40,
    "deep sums": "{{ " + "1+" * 20000 + "1 }}",
    "many digits": "{{ 1" + "0" * 90000 + " }}",
    "a long source": "text " * 100_000,
    "many operators": "{{ 1" + "<1" * 45000 + " }}",
    "an unclosed tag": "{{ " * 30000,
    # Files.
    "parent": "{% include '../secret.txt' %}",
    "parent of a folder": "{% include 'parts/../../secret.txt' %}",
    "out and in again": "{% include '../root/inside.txt' %}",
    "absolute": "{% include '/etc/passwd' %}",
    "absolute inside": "{% include 'ROOT/inside.txt' %}",
    "a link": "{% include 'link.txt' %}",
    "a link to a folder": "{% include 'folder/secret.txt' %}",
    "a link to a device": "{% include 'zero' %}",
    "a pipe": "{% include 'pipe' %}",
    "a link to itself": "{% include 'circle' %}",
    "a folder": "{% include 'parts' %}",
    "a NUL": "{% include 'inside.txt\\x00' %}",
    "a long name": "{% include '" + "a" * 5000 + "' %}",
    "a missing one, ignored": "{% include '../secret.txt' ignore missing %}",
    "one of several": "{% include ['none.txt', '../secret.txt'] %}",
    "a computed name": "{% include article %}",
    "import of a link": "{% import 'link.txt' as x %}{{ x }}",
    "from a link": "{% from 'link.txt' import x %}{{ x }}",
    "extends": "{% extends 'link.txt' %}",
    "not UTF-8": "{% include 'bytes.txt' %}",
    "a large file": "{% include 'large.txt' %}",
    "includes that branch": "{% include 'laugh0.txt' %}",
    "a file in itself": "{% include 'again.txt' %}",
}  # fmt: skip


HOSTILE = {**IN_A_PROMPT, **{f"costly: {name}": text for name, text in COSTLY.items()}}
AS_METADATA = {
    "a key of many parts": "a." * 24_000 + "a = 1",
    "a key of some parts": "a." * 4000 + "a",
    "a number of many digits": "a = " + "9" * 8000,
    "lists in lists": "a = " + "[" * 8000,
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "secret.txt").write_text(SECRET)
    root = folder / "root"
    (root / "parts").mkdir(parents=True)
    (root / "inside.txt").write_text("inside")
    (root / "link.txt").symlink_to(folder / "secret.txt")
    (root / "folder").symlink_to(folder)
    (root / "zero").symlink_to("/dev/zero")
    (root / "circle").symlink_to("circle")
    os.mkfifo(root / "pipe")
    (root / "bytes.txt").write_bytes(b"\xff\xfe")
    (root / "large.txt").write_text("x" * 200_000)
    (root / "again.txt").write_text("{% include 'again.txt' %}")
    for i in range(40):
        (root / f"laugh{i}.txt").write_text(f"{{% include 'laugh{i + 1}.txt' %}}" * 2)
    (root / "laugh40.txt").write_text("ha")
    return root


@pytest.fixture(scope="module")
def ends(root: Path) -> dict[str, list[Any]]:
    """For each template: how its rendering ended, the message, and the seconds."""
    sources = [
        (
            name,
            f"{{% block prompt %}}\n{text.replace('ROOT', str(root))}.\n{{% endblock %}}\n"
            "{% block target %}\n{{ summary }}\n{%- endblock %}",
        )
        for name, text in HOSTILE.items()
    ]
    sources += [(name, f"{{# {text} #}}{sources[0][1]}") for name, text in AS_METADATA.items()]
    return try_templates(CHILD, [str(root), str(BYTES)], sources, BATCHES)


def test_there_are_enough() -> None:
    assert len(HOSTILE) + len(AS_METADATA) >= 100


@pytest.mark.parametrize("name", [*HOSTILE, *AS_METADATA])
def test_a_hostile_template_ends_in_an_error_soon(name: str, ends: dict[str, list[Any]]) -> None:
    assert name in ends, "the process died on it, or on one before it"
    end, said, seconds = ends[name]
    assert end == "error", f"{end}: {said[:300]}"
    assert SECRET not in said
    assert "root:" not in said
    assert seconds < SECONDS
    assert len(said) < LONGEST
