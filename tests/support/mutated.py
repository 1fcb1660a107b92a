"""Hypothesis strategies that damage a valid document: its bytes, or one value in its structure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

# What parsers stumble over: ends, quotes, nesting, numbers without end, odd characters.
TOKENS = (
    b"", b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\r", b"\n", b"\n\n",
    b" ", b"\t", b'"', b"'", b'"""', b"'''", b"\\", b"\\u", b"\\ud800", b"[", b"]", b"[[", b"{",
    b"}", b"{{", b"{%", b"#}", b"{#", b"=", b",", b".", b"#", b"-", b"0", b"1e999", b"9" * 30,
    b"0x", b"nan", b"-inf", b"1979-05-27", b"1979-05-27T07:32:00Z", b"07:32:00", b"true", b"null",
    b"[" * 2000, b'{"a":' * 900, b"9" * 5000, b"<<<<<<< ", b"a.b.c", b"\xe2\x80\xa8",
    b"\x1b[31m", b"../", b"/etc/passwd",
)  # fmt: skip
TEXTS = st.text(max_size=12) | st.sampled_from(
    [
        "", " ", "\0", "../x", "/dev/null", "\ud800", "a" * 3000, "\x1b]0;x\x07", "é\n\r\u2028",
        "{{ a }}", "0", "-1", "1e999", "none", "true", "9" * 40, "2026-01-31", "~", "*", "[",
        "a.b", "hf:x/y",
    ]
)  # fmt: skip
NUMBERS = st.sampled_from(
    [0, -1, 1, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 2**70, 10**400, 0.5, -0.0, 1e308]
) | st.integers(-5, 300)
ODD_FLOATS = st.sampled_from([float("nan"), float("inf"), float("-inf")])


def values(keys: Sequence[str] = (), *, null: bool = True) -> st.SearchStrategy[Any]:
    """JSON values; objects have these keys, among others."""
    leaves = st.booleans() | NUMBERS | ODD_FLOATS | TEXTS
    if null:
        leaves |= st.none()
    names = (st.sampled_from(list(keys)) | TEXTS) if keys else TEXTS
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
        max_leaves=6,
    )


@st.composite
def damaged(draw: st.DrawFn, documents: Sequence[bytes]) -> bytes:
    """A document with some of its bytes replaced, by others of its own or by `TOKENS`."""
    data = draw(st.sampled_from(documents))
    for _ in range(draw(st.integers(1, 3))):
        at, end = sorted(draw(st.tuples(*[st.integers(0, len(data))] * 2)))
        if draw(st.booleans()):
            end = min(end, at + draw(st.integers(0, 8)))
        begin = draw(st.integers(0, len(data)))
        own = st.just(data[begin : begin + draw(st.integers(0, 40))])
        put = draw(st.sampled_from(TOKENS) | own | st.binary(max_size=4))
        data = data[:at] + put + data[end:]
    return data


@st.composite
def edited(draw: st.DrawFn, documents: Sequence[Any], *, null: bool = True) -> Any:
    """A JSON value with some values in it replaced, removed or put elsewhere."""
    content = json.loads(json.dumps(draw(st.sampled_from(documents))))
    keys = sorted({key for place in places(content) for key in place if isinstance(key, str)})
    for _ in range(draw(st.integers(1, 2))):
        found = list(places(content))
        if not found:
            break
        place = draw(st.sampled_from(found))
        holder = content
        for key in place[:-1]:
            holder = holder[key]
        match draw(st.sampled_from(["put", "put", "put", "remove", "copy", "add"])):
            case "put":
                holder[place[-1]] = draw(values(keys, null=null))
            case "remove":
                del holder[place[-1]]
            case "copy":
                other: Any = content
                for key in draw(st.sampled_from(found)):
                    other = other[key]
                holder[place[-1]] = json.loads(json.dumps(other))
            case "add" if isinstance(holder, dict):
                holder[draw(st.sampled_from(keys) | TEXTS)] = draw(values(keys, null=null))
    return content


def places(content: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every value below a JSON value, as keys and indices."""
    if place:
        yield place
    if isinstance(content, dict | list):
        for key, value in content.items() if isinstance(content, dict) else enumerate(content):
            yield from places(value, (*place, key))


def to_toml(table: dict[str, Any]) -> str:
    """A JSON object without nulls as TOML."""
    return "".join(f"{_toml(key)} = {_toml(value)}\n" for key, value in table.items())


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(key)} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    return "nan" if value != value else json.dumps(value).replace("\x7f", "\\u007f")
