"""No file makes a parser fail in its own way: a damaged document is read, or is one error of ours.

Each document is damaged by its bytes, and by its values with digests that agree. CI tries a few;
SFTDATA_EXAMPLES says how many of each:
    SFTDATA_EXAMPLES=20000 pytest tests/property/test_parsers.py
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
import xxhash
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.forty_rows import build_rows, rows, write_spec
from support.mutated import damaged, edited, to_toml, values
from support.releases import LOCK, release_edits

from sftdata.base.files import sha256_of
from sftdata.base.sealed_json import KEY, seal, to_json
from sftdata.errors import SftdataError
from sftdata.loading.dataset import load
from sftdata.loading.packing import plan_packs, plan_path, read_plan, write_plan
from sftdata.reading.conversations.faults import ConversationFault
from sftdata.reading.conversations.read import ConversationReader
from sftdata.reading.conversations.repairs import Repairs
from sftdata.rendering.template import parse_template
from sftdata.serving.passport import read_passport
from sftdata.spec.load import load_spec, spec_from_json
from sftdata.spec.presets import load_presets
from sftdata.versioning.lockfile import Release, parse_lock
from sftdata.writing.dataset_files import find_file_faults
from sftdata.writing.earlier_build import EarlierBuild
from sftdata.writing.journal_lines import is_whole_journal
from sftdata.writing.ledger import Ledger
from sftdata.writing.manifest import ledger_path, read_manifest

quick = settings(
    max_examples=int(os.environ.get("SFTDATA_EXAMPLES", "40")),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@contextmanager
def one_error() -> Iterator[None]:
    """Lets an error pass that a user understands: ours, with its code and a message."""
    try:
        yield
    except SftdataError as error:
        if not (error.code and str(error)):
            raise AssertionError("an error without a code or a message") from error


# --- specs, mixtures and presets ------------------------------------------------------------------

SPEC: dict[str, Any] = {
    "task": "made", "data": ["rows.jsonl"], "template": "summarize/article", "tokenizer": "small",
    "max_length": 900, "max_dropped": 5, "seed": 3, "shots": [0, 2], "chat": False,
    "description": "Made.", "license": "MIT", "language": ["en"], "keep": {"lang": ["en", "de"]},
    "split": {"train": 0.9, "test": 0.1},
    "fields": {"id": "id", "article": ["a", "b.c"], "summary": {"path": "s", "optional": True}},
    "checks": {"summary": {"max_words": 3}}, "duplicates": "drop", "against": ["other.jsonl"],
}  # fmt: skip
MIXTURE = {
    "seed": 1,
    "mixture": {"task": "mixed", "tokens": 100},
    "sources": [
        {"name": "one", "spec": "summarize", "weight": 2, "data": ["a.jsonl"]},
        {"name": "two", "spec": "headline", "weight": 1, "cap": 9},
    ],
}
PRESET = {
    "made": {
        "hub": "a/b", "task": "summarize", "license": "MIT", "columns": ["x"], "rows": {"train": 3},
        "fields": {"article": "x", "summary": {"value": "y"}}, "where": {"lang": "en"},
    }
}  # fmt: skip
TOML = [to_toml(content).encode() for content in (SPEC, MIXTURE)]


@quick
@given(
    data=damaged(TOML)
    | edited([SPEC, MIXTURE, MIXTURE], null=False).map(lambda spec: to_toml(spec).encode())
)
def test_a_spec_is_read_or_refused_in_one_message(data: bytes) -> None:
    Path("spec.toml").write_bytes(data)
    with one_error():
        spec = load_spec(file=Path("spec.toml"))
        assert spec_from_json(spec.to_json()) == spec


@quick
@given(spec=edited([SPEC, MIXTURE]))
def test_a_recorded_spec_is_read_or_refused_in_one_message(spec: Any) -> None:
    with one_error():
        spec_from_json(spec)


@quick
@given(
    data=damaged([to_toml(PRESET).encode()])
    | edited([PRESET], null=False).map(lambda presets: to_toml(presets).encode())
)
def test_presets_are_read_or_refused_in_one_message(data: bytes) -> None:
    Path("pipelines").mkdir(exist_ok=True)
    Path("pipelines/presets.toml").write_bytes(data)
    with one_error():
        load_presets()


# --- templates ------------------------------------------------------------------------------------

FRONT = {"description": "Short.", "shorten": "article", "seam": "any", "version": 1}
BODY = (
    "{% block system %}{{ a | trim }}{% endblock %}\n"
    "{% block prompt %}\n{% for x in article.split() if x %}{{ loop.index }}{{ x }}{% endfor %}\n"
    "{% endblock %}\n{% block target %}\n{{ summary if a is defined else '' }}\n{%- endblock %}\n"
)
SOURCE = f"{{# {to_toml(FRONT)}#}}\n{BODY}".encode()


@quick
@given(
    data=damaged([SOURCE, SOURCE[: SOURCE.index(b"#}")] + b"#}"])
    | edited([FRONT], null=False).map(lambda front: f"{{# {to_toml(front)}#}}{BODY}".encode())
)
def test_a_template_is_read_or_refused_in_one_message(data: bytes) -> None:
    with one_error():
        template = parse_template("t/t", data.decode(errors="replace"))
        assert len(template.source_sha256 + template.semantics_sha256) == 128
        template.render_block("prompt", {"article": "a b", "summary": "s", "a": ""})


# --- the lock of the templates --------------------------------------------------------------------


@pytest.fixture(scope="module")
def lock(tmp_path_factory: pytest.TempPathFactory) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("released"))
        release_edits(("Article", "Text"), ("Text", "News"))
        return LOCK.read_text()


@quick
@given(data=st.data())
def test_a_lock_is_read_or_refused_in_one_message(data: st.DataObject, lock: str) -> None:
    text = data.draw(damaged([lock.encode()])).decode(errors="replace")
    with one_error():
        parse_lock(text, LOCK)


RELEASE = {
    "id": "t/t", "version": "1.0.0", "previous": "", "bump": "first", "rules": ["x"],
    "source_sha256": "0" * 64, "semantics_sha256": "0" * 64, "behaviour_sha256": "0" * 64,
    "fields": ["a"], "target_fields": ["a"], "shorten": "", "includes": ["part"],
}  # fmt: skip


@quick
@given(entry=edited([RELEASE], null=False))
def test_a_lock_whose_seals_agree_is_read_or_refused_in_one_message(entry: dict[str, Any]) -> None:
    given = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
    with one_error():
        try:
            entry = entry | {"seal": Release(**given).seal}
        except (TypeError, ValueError):
            entry = entry | {"seal": "0"}
        label = f"{entry.get('id')}@{entry.get('version')}"
        for release in parse_lock(to_toml({label: entry}), LOCK):
            assert release.label == label


# --- a dataset ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dataset(byte_tokenizer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_spec(byte_tokenizer)
        golden = rows()
        golden[3]["summary"] = ""
        build_rows(golden)
    return folder / "out"


@contextmanager
def replaced(path: Path, data: bytes) -> Iterator[None]:
    """Another content of a file, put back afterwards."""
    before = path.read_bytes()
    path.write_bytes(data)
    try:
        yield
    finally:
        path.write_bytes(before)


def read_all(directory: Path) -> None:
    """Reads the manifest, and by it the files of the dataset."""
    manifest = read_manifest(directory)
    list(find_file_faults(manifest))
    Ledger.read(manifest)
    data = load(directory)
    for split in data.values():
        assert len(split) == len(split.lengths)
        _ = [split[0], split[-1]] if len(split) else []


@quick
@given(data=st.data())
def test_a_manifest_is_read_or_refused_in_one_message(data: st.DataObject, dataset: Path) -> None:
    whole = (dataset / "manifest.json").read_bytes()
    changed = data.draw(damaged([whole]) | edited([json.loads(whole)]).map(sealed))
    with replaced(dataset / "manifest.json", changed), one_error():
        read_all(dataset)


def sealed(content: Mapping[str, Any]) -> bytes:
    """A file whose digest agrees, also with content that `seal` does not take."""
    zeros = "0" * 64
    content = {key: value for key, value in content.items() if key != KEY} | {KEY: zeros}
    data = json.dumps(content, indent=2).encode() + b"\n"
    before, _, after = data.rpartition(zeros.encode())
    return before + hashlib.sha256(data).hexdigest().encode() + after


@quick
@given(data=st.data())
def test_a_ledger_that_the_manifest_names_is_read_or_refused_in_one_message(
    data: st.DataObject, dataset: Path
) -> None:
    manifest = read_manifest(dataset)
    name = ledger_path(manifest["build"])
    changed = data.draw(damaged([(dataset / name).read_bytes()]) | arrow_files())
    content = json.loads((dataset / "manifest.json").read_bytes())
    with replaced(dataset / name, changed):
        content["files"][name] = {"bytes": len(changed), "sha256": sha256_of(dataset / name)}
        with replaced(dataset / "manifest.json", to_json(seal(content))), one_error():
            Ledger.read(read_manifest(dataset))


@st.composite
def arrow_files(draw: st.DrawFn) -> bytes:
    """Arrow files with the columns of a ledger or a plan, and with others."""
    names = draw(
        st.sampled_from(
            [["row_id", "source", "status", "reason", "detail"], ["rows", "lengths"], ["a"], []]
        )
    )
    size = draw(st.integers(0, 3))
    one = draw(
        st.sampled_from(["dropped", "x", None, 1, [1, 2], [0, None], [[1]], b"\xff", [2**40], {}])
    )
    table = pa.table({name: pa.array([one] * size) for name in names})
    if draw(st.booleans()):
        table = table.replace_schema_metadata(
            {draw(st.sampled_from([b"build", b"\xff"])): draw(st.binary(max_size=4))}
        )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


@quick
@given(data=st.data())
def test_a_pack_plan_whose_digest_agrees_is_read_or_refused_in_one_message(
    data: st.DataObject, dataset: Path
) -> None:
    loaded = load(dataset)
    split = loaded["train"]
    write_plan(loaded.manifest, "train", plan_packs(np.asarray(split.lengths), 900))
    path = plan_path(dataset, "train", 900)
    changed = data.draw(damaged([path.read_bytes()]) | arrow_files())
    path.write_bytes(changed)
    line = f"{sha256_of(path)}  {path.name}\n".encode()
    path.with_name(f"{path.name}.sha256").write_bytes(line)
    with one_error():
        plan = read_plan(loaded, "train", 900)
        assert sorted(plan.rows.tolist()) == list(range(len(split)))


@quick
@given(data=st.data())
def test_a_journal_whose_digests_agree_is_read_or_refused_in_one_message(
    data: st.DataObject, dataset: Path
) -> None:
    manifest = read_manifest(dataset)
    folder = dataset / "shards" / manifest["build"]
    lines = [
        line.partition(b" ")[2] for line in (folder / "journal.jsonl").read_bytes().splitlines()
    ]
    at = data.draw(st.integers(0, len(lines) - 1))
    lines[at] = data.draw(
        damaged([lines[at]])
        | edited([orjson.loads(lines[at])]).map(lambda entry: json.dumps(entry).encode())
    )
    text = b"".join(xxhash.xxh3_64_hexdigest(line).encode() + b" " + line + b"\n" for line in lines)
    with replaced(folder / "journal.jsonl", text), one_error():
        is_whole_journal(folder, manifest["build"])
        for is_committed in (True, False):
            build = EarlierBuild(
                folder, [*manifest["splits"]], ["summarize/article@1.0.0"],
                is_committed=is_committed,
            )  # fmt: skip
            use_blocks(build)


def use_blocks(build: EarlierBuild) -> None:
    """Reads every block and shard that can be reused."""
    for key in list(build._locations):
        found = build.find_block(key)
        if found is not None:
            build.count_adjacent(found, key)
            build.load_run(found, 1)
            list(build.outlines_after(found))
    for split, key in list(build._whole):
        build.find_shards(split, key)


# --- conversations --------------------------------------------------------------------------------

CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
CONVERSATIONS = [
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
]


@quick
@given(
    row=edited(CONVERSATIONS) | values(("messages", "role", "content", "tool_calls", "tools")),
    unroll=st.booleans(),
    null_filled=st.booleans(),
    any_order=st.booleans(),
)
def test_a_conversation_is_read_or_refused_in_one_message(
    row: Any, unroll: bool, null_filled: bool, any_order: bool
) -> None:
    row = row if isinstance(row, dict) else {"messages": row}
    reader = ConversationReader(Repairs(), unroll=unroll, any_order=any_order)
    for read in reader.read({key: [value] for key, value in row.items()}, null_filled=null_filled):
        assert read.text is None or read.text.encode() or read.fault
    with suppress(ConversationFault, UnicodeEncodeError):
        reader.read_question(row).to_json()


# --- the record of a training ---------------------------------------------------------------------

PASSPORT = {
    "version": 1,
    "data": {"build": "0" * 16, "task": "made", "draft": False, "split": "train", "shards": []},
    "templates": {"t/t@1.0.0": {"sha256": "0" * 64, "source": "x"}},
    "tokenizer": {"name": "t", "sha256": "0" * 64},
    "chat": None, "stop_ids": [1], "files": {"a/b": "0" * 64}, "recipe": {"method": "full"},
    "base_model": {"name": "m", "files": {"config.json": "0" * 64}, "revision": None},
    "weights": {"model.safetensors": "0" * 64}, "conversations": {},
}  # fmt: skip


@quick
@given(data=damaged([to_json(seal(PASSPORT)), to_json(PASSPORT)]) | edited([PASSPORT]).map(sealed))
def test_a_passport_is_read_or_refused_in_one_message(data: bytes) -> None:
    Path("sftdata.json").write_bytes(data)
    with one_error():
        _ = read_passport(Path()).is_whole_model
