"""Parsers of rows in files, of conversations and questions."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

from sftdata.base.conversation import Conversation
from sftdata.reading.chunks import read_chunks
from sftdata.reading.conversations.faults import ConversationFault
from sftdata.reading.conversations.read import ConversationReader
from sftdata.reading.conversations.repairs import Repairs
from sftdata.reading.json.lines import parse_line
from sftdata.reading.peek import peek_rows
from sftdata.reading.rows import RowReader
from sftdata.reading.sources.resolve import resolve_sources
from sftdata.serving.questions import read_json, read_question
from sftdata.spec.fields import FieldRule
from support.parsers.parser import Parser, encode_line

CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
CONVERSATIONS: list[dict[str, Any]] = [
    {
        "messages": [
            {"role": "system", "content": "S"},
            {"role": "user", "content": [{"type": "text", "text": "Q"}]},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "1", "content": "R", "name": "f"},
            {"role": "assistant", "reasoning_content": "T", "content": "<think>x</think>A"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
        "documents": [{"title": "D", "text": "x"}],
    },
    {"messages": [{"from": "human", "value": "Q"}, {"from": "gpt", "value": "A", "weight": 0}]},
    {"prompt": [{"role": "user", "content": "Q"}], "completion": "A", "system": "S"},
    {
        "messages": '[{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]',
        "tools": '[{"name": "f", "parameters": {"type": "object"}}]',
    },
    {
        "messages": [
            {"role": "user", "content": "Q"},
            {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "R"},
            {"role": "assistant", "content": "A", "trainable": False},
        ]
    },
]
QUESTION = {
    "messages": [{"role": "user", "content": "Q"}], "tools": [{"name": "f"}], "system": "S",
}  # fmt: skip
ROWS = [
    {"id": "a", "article": "One.", "summary": "O", "other": {"x": 1}, "lang": "en"},
    {"id": "b", "article": "Two é日本.", "summary": None, "other": {"x": [2.5, True]}},
    {"id": 3, "article": ["x"], "summary": "T"},
]


def _conversation() -> Parser:
    readers = [
        (ConversationReader(Repairs(*repairs), unroll=unroll, any_order=any_order), null_filled)
        for repairs, unroll, any_order, null_filled in (
            ((), False, False, False), ((True, True, True), True, False, True),
            ((), False, True, False),
        )
    ]  # fmt: skip

    def read(data: bytes) -> None:
        for row in parse_line(data, "rows.jsonl:1"):
            row = row if isinstance(row, dict) else {"messages": row}
            for reader, null_filled in readers:
                values = {key: [value] for key, value in row.items()}
                for found in reader.read(values, null_filled=null_filled):
                    if found.text and not found.fault:
                        assert Conversation.from_json(found.text).to_json() == found.text
            with suppress(ConversationFault, UnicodeEncodeError):
                readers[0][0].read_question(row).to_json()

    return Parser(read, CONVERSATIONS)


def _question() -> Parser:
    def read(data: bytes) -> None:
        Path("question.json").write_bytes(data)
        read_question(read_json("question.json", "--messages"), "question.json")

    return Parser(read, [QUESTION, QUESTION["messages"]])


def _rows_in(name: str) -> Callable[[bytes], None]:
    """Reads the rows of such a file, once by native code and once by Python."""
    fields: Sequence[Mapping[str, Any]] = (
        {"article": "article", "summary": {"path": "summary", "optional": True}},
        {"article": "article", "summary": {"first": ["summary", "other.x", "other[0]"]}},
    )
    rules = [{k: FieldRule.model_validate(v) for k, v in one.items()} for one in fields]

    def read(data: bytes) -> None:
        Path(name).write_bytes(data)
        sources = tuple(resolve_sources([name]))
        peek_rows(sources[0])
        for rule in rules:
            reader = RowReader(
                sources, rule, "id", "lang", keep_nul=False, where={"lang": ("en", "de")}
            )
            columns = None if sources[0].format == "jsonl" else reader.columns
            for at, chunks in enumerate(read_chunks(sources[0], 0, columns=columns)):
                if at == 0:
                    reader.check_columns(chunks)
                    reader.unread_columns(chunks)
                reader.parse(list(chunks))

    return read


def _json_lines() -> Parser:
    def encode(rows: Any) -> bytes:
        return b"".join(map(encode_line, rows if isinstance(rows, list) else [rows]))

    whole = encode(ROWS)
    files = [whole.replace(b"\n", b"\r\n"), whole.decode().encode("utf-16"), _gzip(whole)]
    return Parser(_rows_in("rows.jsonl"), [ROWS], encode, files)


def _gzip(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=31)
    return packer.compress(data) + packer.flush()


def _json_file() -> Parser:
    columns = {name: [row.get(name) for row in ROWS] for name in (*ROWS[0],)}
    by_number = {
        name: {str(at): value for at, value in enumerate(values)}
        for name, values in columns.items()
    }
    split = {
        "columns": [*columns],
        "index": [0, 1, 2],
        "data": [*zip(*columns.values(), strict=True)],
    }
    documents = [ROWS, {"version": "1", "data": ROWS}, columns, by_number, split, ROWS[0]]
    return Parser(_rows_in("rows.json"), documents)


def _delimited(name: str, separator: str, article: str) -> Parser:
    cells = [["id", "article", "summary", "lang"], ["a", article, "O", "en"], ["b", "T", "", ""]]
    shapes = product(("\n", "\r\n"), ("utf-8", "utf-8-sig", "utf-16"))
    files = [end.join(map(separator.join, cells)).encode(encoding) for end, encoding in shapes]
    return Parser(_rows_in(name), files=files)


PARSERS: dict[str, Callable[[], Parser]] = {
    "conversation": _conversation,
    "question": _question,
    "json-lines": _json_lines,
    "json-file": _json_file,
    "csv": lambda: _delimited("rows.csv", ",", '"One,\n ""x"""'),
    "tsv": lambda: _delimited("rows.tsv", "\t", "One"),
}
