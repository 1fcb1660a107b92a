"""What the parsers are tried with: whole documents of each kind, and a function that reads one.

`tests/property/test_parsers.py` damages the documents with hypothesis, and `tests/property/fuzz.py`
with atheris, which looks for bytes that reach new code.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tomllib
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from itertools import product
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import xxhash

from sftdata.base.conversation import Conversation
from sftdata.base.files import sha256_of
from sftdata.base.sealed_json import FILES, KEY, seal, to_json
from sftdata.building.recorded_spec import recorded_spec
from sftdata.errors import SftdataError
from sftdata.loading.dataset import load
from sftdata.loading.packing import plan_packs, plan_path, read_plan, write_plan
from sftdata.reading.chunks import read_chunks
from sftdata.reading.conversations.faults import ConversationFault
from sftdata.reading.conversations.read import ConversationReader
from sftdata.reading.conversations.repairs import Repairs
from sftdata.reading.json.lines import parse_line
from sftdata.reading.peek import peek_rows
from sftdata.reading.rows import RowReader
from sftdata.reading.sources.resolve import resolve_sources
from sftdata.rendering.template import parse_template
from sftdata.serving.model_card import read_evaluation
from sftdata.serving.passport import read_passport
from sftdata.serving.questions import read_json, read_question
from sftdata.spec.fields import FieldRule
from sftdata.spec.load import load_spec, spec_from_json
from sftdata.spec.presets import load_presets
from sftdata.tokenizing.chat.template import ChatTemplate, RefusedError
from sftdata.tokenizing.examine import find_checked_facts
from sftdata.tokenizing.files import (
    parse_json,
    read_added_tokens,
    read_chat_templates,
    read_config,
    read_end_ids,
)
from sftdata.versioning.importers import Collection, import_templates
from sftdata.versioning.lockfile import Release, parse_lock
from sftdata.writing.dataset_files import find_file_faults
from sftdata.writing.earlier_build import EarlierBuild
from sftdata.writing.journal_lines import is_whole_journal
from sftdata.writing.ledger import Ledger
from sftdata.writing.manifest import ledger_path, read_manifest
from sftdata_train.evaluating.answer_files import AnswerFile
from sftdata_train.evaluating.rows import EvaluatedRow
from sftdata_train.evaluating.run_comparison import compare_runs
from sftdata_train.evaluating.run_record import read_run, save_evaluation
from sftdata_train.training.recipe import load_recipe
from support.byte_tokenizer import write_byte_tokenizer
from support.forty_rows import build_rows, rows, write_spec
from support.mutated import to_toml
from support.passports import EVALUATION
from support.releases import LOCK, release_edits


def _encode_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _encode_toml(value: Any) -> bytes:
    return to_toml(value).encode()


@dataclass(frozen=True, repr=False)
class Parser:
    """A kind of document. `read` reads the bytes of one, or raises `SftdataError`."""

    read: Callable[[bytes], None]
    documents: Sequence[Any] = ()  # whole ones, as JSON values
    encode: Callable[[Any], bytes] = _encode_json
    files: Sequence[bytes] = ()  # whole ones that JSON does not hold

    @property
    def seeds(self) -> list[bytes]:
        """Whole documents."""
        return [*map(self.encode, self.documents), *self.files]

    @property
    def has_null(self) -> bool:
        """Whether such a document can hold nulls."""
        return self.encode is not _encode_toml


def read_or_refuse(parser: Parser, data: bytes) -> None:
    """Reads the bytes, which may be refused by an error of ours, with its code and a message."""
    try:
        parser.read(data)
    except SftdataError as error:
        if not (error.code and str(error)):
            raise AssertionError("an error without a code or a message") from error


# --- specs, presets and recipes -------------------------------------------------------------------

SPEC: dict[str, Any] = {
    "task": "made", "data": ["rows.jsonl"], "template": "summarize/article", "tokenizer": "small",
    "max_length": 900, "max_dropped": 5, "seed": 3, "shots": [0, 2], "keep": "start",
    "description": "Made.", "license": "MIT", "language": ["en"], "where": {"lang": ["en", "de"]},
    "split": {"train": 0.9, "test": 0.1},
    "fields": {"id": "id", "article": "b.c[0]", "summary": {"path": "s", "optional": True}},
    "source_field": "article", "target_field": "summary", "duplicates": "drop",
    "checks": {"length_ratio": {"action": "drop", "high": 2.5}}, "against": ["other.jsonl"],
}  # fmt: skip
MIXTURE: dict[str, Any] = {
    "seed": 1,
    "mixture": {"task": "mixed", "by": "tokens", "temperature": 2},
    "sources": [
        {"name": "one", "spec": "summarize", "weight": 2, "data": ["a.jsonl"]},
        {"name": "two", "spec": "qa", "weight": 1, "cap": 9},
    ],
}
PRESET = {
    "made": {
        "hub": "a/b", "task": "summarize", "license": "MIT", "columns": ["x"], "rows": {"train": 3},
        "fields": {"article": "x", "summary": {"value": "y"}}, "where": {"lang": "en"},
    }
}  # fmt: skip
RECIPE = {
    "method": "lora", "rank": 4, "alpha": 8, "dropout": 0.1, "targets": "q_proj,v_proj",
    "max_steps": 3, "packed": 900, "schedule": "linear", "report_to": ["wandb"],
}  # fmt: skip


def _spec() -> Parser:
    def read(data: bytes) -> None:
        Path("spec.toml").write_bytes(data)
        spec = load_spec(file=Path("spec.toml"))
        assert spec_from_json(spec.to_json()) == spec

    return Parser(read, [SPEC, MIXTURE], _encode_toml)


def _recorded_spec() -> Parser:
    def read(data: bytes) -> None:
        value = parse_json(Path("recorded"), data)
        spec = spec_from_json(value)
        assert spec_from_json(spec.to_json()) == spec

    Path("made.toml").write_bytes(_encode_toml(SPEC))
    Path("mixed.toml").write_bytes(_encode_toml(MIXTURE))
    loaded = [load_spec(file=Path(name)) for name in ("made.toml", "mixed.toml")]
    return Parser(read, [spec.to_json() for spec in loaded])


def _presets() -> Parser:
    def read(data: bytes) -> None:
        Path("pipelines/presets.toml").write_bytes(data)
        load_presets()

    Path("pipelines").mkdir(exist_ok=True)
    return Parser(read, [PRESET], _encode_toml)


def _recipe() -> Parser:
    def read(data: bytes) -> None:
        Path("recipe.toml").write_bytes(data)
        load_recipe(Path("recipe.toml"))

    return Parser(read, [RECIPE], _encode_toml)


# --- templates ------------------------------------------------------------------------------------

FRONT = {"description": "Short.", "shorten": "article", "seam": "any"}
BODY = (
    "{% block system %}{{ a | trim }}{% endblock %}\n"
    "{% block prompt %}\n{% for x in article.split() if x %}{{ loop.index }}{{ x }}{% endfor %}\n"
    "{% endblock %}\n{% block target %}\n{{ summary if a is defined else '' }}\n{%- endblock %}\n"
)
CHATML = """\
{%- if tools %}{{ tools | tojson(indent=2) }}{% endif %}
{%- for message in messages %}
    {%- set content = message['content'] if message.content is string else '' %}
    {{- '<|im_start|>' + message.role + '\\n' + content | trim }}
    {%- for call in message.tool_calls or [] %}{{ call.function.arguments | tojson }}{% endfor %}
    {{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
"""
RELEASE = {
    "id": "t/t", "version": "1.0.0", "previous": "", "bump": "first", "rules": ["x"],
    "source_sha256": "0" * 64, "semantics_sha256": "0" * 64, "behaviour_sha256": "0" * 64,
    "fields": ["a"], "target_fields": ["a"], "shorten": "", "includes": ["part"],
}  # fmt: skip
PROMPTSOURCE = b"""\
dataset: ag_news
subset: null
templates:
  24e44a81: !Template
    answer_choices: World ||| Sports
    id: 24e44a81
    jinja: "What is {{text}} about?\\n|||\\n{{answer_choices[label]}}"
    metadata: !TemplateMetadata {languages: [en], metrics: [Accuracy], original_task: true}
    name: classify
    reference: ''
"""
FLAN = b'PATTERNS = {"rte": [("{premise}\\n\\nTrue?", "{answer}"), ("{a}", "{b}")]}\n'


def _template() -> Parser:
    def read(data: bytes) -> None:
        template = parse_template("t/t", data.decode(errors="replace"))
        assert len(template.source_sha256 + template.semantics_sha256) == 128
        template.render_block("prompt", {"article": "a b", "summary": "s", "a": ""})

    def encode(front: dict[str, Any]) -> bytes:
        return b"{# " + _encode_toml(front) + b"#}\n" + BODY.encode()

    return Parser(read, [FRONT], encode, [f"{{##}}{BODY}".encode()])


def _chat_template() -> Parser:
    turns = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]

    def read(data: bytes) -> None:
        source = data.decode(errors="replace")
        template = ChatTemplate(source, "made", {"eos_token": "</s>"}, {}, date(2026, 1, 31))
        _ = template.uses_date
        template.check_options()
        with suppress(RefusedError):
            template.render(turns, tools=[{"type": "function"}], generate=True)

    return Parser(read, files=[CHATML.encode()])


def _lock() -> Parser:
    def read(data: bytes) -> None:
        text = _with_seals(data.decode(errors="replace"))
        for release in parse_lock(text, LOCK):
            assert release.number

    def encode(entry: dict[str, Any]) -> bytes:
        return _encode_toml({f"{entry.get('id')}@{entry.get('version')}": entry})

    release_edits(("Article", "Text"), ("Text", "News"))
    return Parser(read, [RELEASE], encode, [LOCK.read_bytes()])


def _with_seals(text: str) -> str:
    """The lock with the right seal in each of its entries that can have one."""
    with suppress(ValueError, TypeError, RecursionError):
        entries = tomllib.loads(text)
        for entry in entries.values():
            values = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
            values.pop("seal", None)
            entry["seal"] = Release(**values).seal
        return to_toml(entries)
    return text


def _imported_templates() -> Parser:
    kinds: dict[str, Collection] = {"a.yaml": "promptsource", "a.py": "flan", "a.json": "flan"}

    def read(data: bytes) -> None:
        """Reads the file as each kind; it may be of one of them."""
        refusals = []
        for name, collection in kinds.items():
            rmtree("templates", ignore_errors=True)
            Path(name).write_bytes(data)
            try:
                import_templates(collection, Path(name))
            except SftdataError as error:
                refusals.append(error)
        if len(refusals) == len(kinds):
            raise refusals[0]

    return Parser(read, [{"rte": [["{premise} True?", "{answer}"]]}], files=[PROMPTSOURCE, FLAN])


# --- a dataset ------------------------------------------------------------------------------------


def _dataset() -> Path:
    """The folder of a small dataset, one row of which was dropped."""
    write_spec(write_byte_tokenizer(Path("bytes")).absolute())
    golden = rows()
    golden[3]["summary"] = ""
    build_rows(golden)
    return Path("out").absolute()


def _manifest() -> Parser:
    dataset = _dataset()
    path = dataset / "manifest.json"

    def read(data: bytes) -> None:
        path.write_bytes(_with_digest(data))
        manifest = read_manifest(dataset)
        list(find_file_faults(manifest))
        Ledger.read(manifest)
        recorded_spec(manifest)
        for split in load(dataset).values():
            assert len(split) == len(split.lengths)
            _ = [split[0], split[-1]] if len(split) else []

    return Parser(read, [json.loads(path.read_bytes())], _seal, [path.read_bytes()])


def _seal(content: Mapping[str, Any]) -> bytes:
    """A file whose digest agrees, also with content that `seal` does not take."""
    content = {key: value for key, value in content.items() if key != KEY} | {KEY: "0" * 64}
    return _with_digest(json.dumps(content, indent=2).encode() + b"\n")


def _with_digest(data: bytes) -> bytes:
    """The file with its right digest in the place of the one at its end, if there is one."""
    before, key, _ = data.rpartition(b'"own_sha256": "')
    if not key or not re.fullmatch(rb'[0-9a-f]{64}"\n}\n', data[len(before + key) :]):
        return data
    zeros = before + key + b"0" * 64 + b'"\n}\n'
    return before + key + hashlib.sha256(zeros).hexdigest().encode() + b'"\n}\n'


def _ledger() -> Parser:
    dataset = _dataset()
    manifest = read_manifest(dataset)
    name = ledger_path(manifest["build"])
    content = json.loads((dataset / "manifest.json").read_bytes())

    def read(data: bytes) -> None:
        (dataset / name).write_bytes(data)
        content["files"][name] = {"bytes": len(data), "sha256": sha256_of(dataset / name)}
        (dataset / "manifest.json").write_bytes(to_json(seal(content)))
        Ledger.read(read_manifest(dataset))

    return Parser(read, files=[(dataset / name).read_bytes()])


def arrow_file(columns: Mapping[str, Any], metadata: Mapping[bytes, bytes]) -> bytes:
    """The bytes of an Arrow file."""
    table = pa.table(dict(columns)).replace_schema_metadata(metadata)
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _pack_plan() -> Parser:
    loaded = load(_dataset())
    split = loaded["train"]
    write_plan(loaded.manifest, "train", plan_packs(np.asarray(split.lengths), 900))
    path = plan_path(loaded.manifest.directory, "train", 900)

    def read(data: bytes) -> None:
        path.write_bytes(data)
        line = f"{sha256_of(path)}  {path.name}\n".encode()
        path.with_name(f"{path.name}.sha256").write_bytes(line)
        plan = read_plan(loaded, "train", 900)
        assert sorted(plan.rows.tolist()) == list(range(len(split)))

    return Parser(read, files=[path.read_bytes()])


def _journal() -> Parser:
    manifest = read_manifest(_dataset())
    folder = manifest.directory / "shards" / manifest["build"]
    path = folder / "journal.jsonl"

    def read(data: bytes) -> None:
        """Reads the lines without their digests, which are put before them."""
        lines = data.removesuffix(b"\n").split(b"\n")
        path.write_bytes(
            b"".join(
                xxhash.xxh3_64_hexdigest(line).encode() + b" " + line + b"\n" for line in lines
            )
        )
        is_whole_journal(folder, manifest["build"])
        for is_committed in (True, False):
            _use_blocks(
                EarlierBuild(
                    folder, [*manifest["splits"]], ["summarize/article@1.0.0"],
                    is_committed=is_committed,
                )
            )  # fmt: skip

    def encode(entries: Iterable[Any]) -> bytes:
        return b"".join(map(_line, entries))

    lines = path.read_bytes().splitlines()
    return Parser(read, [[orjson.loads(line.partition(b" ")[2]) for line in lines]], encode)


def _line(value: Any) -> bytes:
    return _encode_json(value) + b"\n"


def _use_blocks(build: EarlierBuild) -> None:
    """Reads every block and shard that can be reused."""
    for key in list(build._locations):
        found = build.find_block(key)
        if found is not None:
            build.count_adjacent(found, key)
            build.load_run(found, 1)
            list(build.outlines_after(found))
    for split, key in list(build._whole):
        build.find_shards(split, key)


# --- rows -----------------------------------------------------------------------------------------

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
        return b"".join(map(_line, rows if isinstance(rows, list) else [rows]))

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


# --- models and trainings -------------------------------------------------------------------------

PASSPORT = {
    "version": 1,
    "data": {"build": "0" * 16, "task": "made", "draft": False, "split": "train", "shards": []},
    "templates": {"t/t@1.0.0": {"sha256": "0" * 64, "source": "x"}},
    "tokenizer": {"name": "t", "sha256": "0" * 64},
    "chat": None, "stop_ids": [1], "files": {"a/b": "0" * 64}, "recipe": {"method": "full"},
    "base_model": {"name": "m", "files": {"config.json": "0" * 64}, "revision": None},
    "weights": {"model.safetensors": "0" * 64}, "conversations": {},
}  # fmt: skip
TOKENIZER_CONFIG = {
    "eos_token": {"content": "<eos>"}, "pad_token": "<eos>", "bos_token": "<bos>",
    "added_tokens_decoder": {
        "256": {"content": "<eos>", "special": True}, "257": {"content": "<bos>", "lstrip": True},
    },
    "additional_special_tokens": ["<bos>"], "extra_special_tokens": {"x_token": "<bos>"},
    "chat_template": [{"name": "default", "template": "x"}], "eos_token_id": [256, 7],
    "add_bos_token": True,
}  # fmt: skip


def _passport() -> Parser:
    def read(data: bytes) -> None:
        Path("sftdata.json").write_bytes(_with_digest(data))
        _ = read_passport(Path()).is_whole_model

    unsealed = {key: value for key, value in PASSPORT.items() if key != FILES}
    return Parser(read, [PASSPORT], _seal, [to_json(unsealed)])


def _tokenizer_json() -> Parser:
    content = (write_byte_tokenizer(Path("bytes")) / "tokenizer.json").read_bytes()
    config = {"eos_token": "<eos>"}

    def read(data: bytes) -> None:
        path = Path("tokenizer.json")
        find_checked_facts(path, parse_json(path, data), config, {}, [])

    spec = orjson.loads(content)
    spec["model"]["vocab"] = {"a": 0, "b": 1, "ab": 2, "c": 3}
    spec["model"]["merges"] = [["a", "b"]]
    spec["added_tokens"][0]["id"] = 4
    spec["normalizer"] = {
        "type": "Sequence",
        "normalizers": [
            {"type": "NFC"},
            {"type": "Replace", "pattern": {"Regex": "x+"}, "content": "y"},
        ],
    }
    spec["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<eos>", "type_id": 0}}, {"Sequence": {"id": "A"}}],
        "pair": [],
        "special_tokens": {"<eos>": {"id": "<eos>", "ids": [4], "tokens": ["<eos>"]}},
    }
    unigram = spec | {
        "model": {"type": "Unigram", "unk_id": 0, "vocab": [["a", 0.0], ["<eos>", -1.5]]},
        "added_tokens": [],
    }
    return Parser(read, [spec, unigram])


def _tokenizer_config() -> Parser:
    folder = write_byte_tokenizer(Path("bytes"))
    path = folder / "tokenizer.json"
    spec = parse_json(path, path.read_bytes())

    def read(data: bytes) -> None:
        for name in ("tokenizer_config.json", "generation_config.json"):
            (folder / name).write_bytes(data)
        config = read_config(folder)
        read_chat_templates(folder, config)
        find_checked_facts(path, spec, config, {}, read_end_ids(folder))

    return Parser(read, [TOKENIZER_CONFIG])


def _added_tokens() -> Parser:
    folder = write_byte_tokenizer(Path("bytes"))
    path = folder / "tokenizer.json"
    spec = parse_json(path, path.read_bytes())

    def read(data: bytes) -> None:
        (folder / "added_tokens.json").write_bytes(data)
        find_checked_facts(path, spec, {"eos_token": "<eos>"}, read_added_tokens(folder), [])

    return Parser(read, [{"<eos>": 256, "<x>": 257}])


# --- evaluations ----------------------------------------------------------------------------------


def _evaluation() -> Parser:
    def read(data: bytes) -> None:
        Path("evaluation.json").write_bytes(data)
        read_evaluation(Path("evaluation.json"))

    return Parser(read, [EVALUATION])


def _answers() -> Parser:
    path, header = Path("answers.jsonl"), {"model": "m"}
    with AnswerFile.open(path, header) as file:
        file.add([("a", [1, 2], [7, 8], "A"), ("b", [3], [], "")])

    def read(data: bytes) -> None:
        path.write_bytes(data)
        with AnswerFile.open(path, header):
            pass

    def encode(entries: Any) -> bytes:
        return b"".join(map(_line, entries))

    return Parser(read, [[json.loads(line) for line in path.read_bytes().splitlines()]], encode)


def _saved_run() -> Parser:
    path = Path("run.json")
    row = EvaluatedRow(
        "a", "made", 0, "Q", None, ["A"], 2, {"base": 3.0, "tuned": 1.5}, {"base": "B", "tuned": ""}
    )
    save_evaluation(path, {"tokenizer": "0", "training": {"rows": 3}}, [row])

    def read(data: bytes) -> None:
        path.write_bytes(data)
        run = read_run(path)
        compare_runs([run, run])

    return Parser(read, [json.loads(path.read_bytes())])


PARSERS: dict[str, Callable[[], Parser]] = {
    "spec": _spec,
    "recorded-spec": _recorded_spec,
    "presets": _presets,
    "recipe": _recipe,
    "template": _template,
    "chat-template": _chat_template,
    "lock": _lock,
    "imported-templates": _imported_templates,
    "manifest": _manifest,
    "ledger": _ledger,
    "pack-plan": _pack_plan,
    "journal": _journal,
    "conversation": _conversation,
    "question": _question,
    "json-lines": _json_lines,
    "json-file": _json_file,
    "csv": lambda: _delimited("rows.csv", ",", '"One,\n ""x"""'),
    "tsv": lambda: _delimited("rows.tsv", "\t", "One"),
    "passport": _passport,
    "tokenizer-json": _tokenizer_json,
    "tokenizer-config": _tokenizer_config,
    "added-tokens": _added_tokens,
    "evaluation": _evaluation,
    "answers": _answers,
    "saved-run": _saved_run,
}
