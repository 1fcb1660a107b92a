"""Every file that a build reads is compared by its content: none is "up to date" wrongly.

Each change leaves the sizes and mtimes of files as they were, as `rsync -t` and `cp -p` do.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import itertools
import json
import lzma
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet
import pytest
from support.forty_rows import build, rows

from sftdata.base import cache

Change = Callable[[], object]
SPEC = """
task = "made"
data = {data}
template = "{template}"
tokenizer = "tokenizer"
max_dropped = 100
{more}
[fields]
id = "id"
article = "article"
summary = "summary"
"""
TEMPLATE = """{% block prompt %}
{% include "made/part.jinja" %}
{{ article }}
{% endblock %}
{% block target %}
{{ summary }}
{%- endblock %}
"""
CHAT = (
    "Hi.{% for m in messages %}{{ m.role }}\n{{ m.content }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}assistant\n{% endif %}"
)


@pytest.fixture(autouse=True)
def _cached(byte_tokenizer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest of a small file is cached, too, as soon as its times can tell."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_MIN_BYTES", 0)
    monkeypatch.setattr(cache, "_SETTLED_SECONDS", 0.0)
    shutil.copytree(byte_tokenizer, "tokenizer")
    write_rows(Path("rows.jsonl"))
    write_spec()


def golden(word: str = "cats", count: int = 10) -> list[dict[str, str]]:
    return [row | {"article": f"{row['article']} It saw {word}."} for row in rows(count)]


def lines(word: str, count: int = 10) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in golden(word, count)).encode()


def write_rows(path: Path, word: str = "cats", count: int = 10) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lines(word, count))


def write_spec(*data: str, template: str = "summarize/article", more: str = "") -> None:
    text = SPEC.format(data=json.dumps(data or ["rows.jsonl"]), template=template, more=more)
    Path("spec.toml").write_text(text)


def replace(path: Path, data: bytes) -> None:
    """Puts another file in the place of one, with its size and times."""
    status = path.stat()
    other = path.with_name("other")
    other.write_bytes(data)
    assert other.stat().st_size == status.st_size, path
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


def edit(path: str, old: bytes, new: bytes) -> Change:
    data = Path(path).read_bytes()
    assert old in data
    return lambda: replace(Path(path), data.replace(old, new))


# --- formats -------------------------------------------------------------------------------------


def as_table(word: str) -> pa.Table:
    return pa.Table.from_pylist(golden(word))


def as_csv(word: str) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, ["id", "article", "summary"])
    writer.writeheader()
    writer.writerows(golden(word))
    return text.getvalue().encode()


def written(write: Callable[[pa.Table, io.BytesIO], object]) -> Callable[[str], bytes]:
    def to_bytes(word: str) -> bytes:
        file = io.BytesIO()
        write(as_table(word), file)
        return file.getvalue()

    return to_bytes


def write_ipc(table: pa.Table, file: io.BytesIO) -> None:
    with pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)


def as_zstd(word: str) -> bytes:
    file = pa.BufferOutputStream()
    with pa.CompressedOutputStream(file, "zstd") as compressed:
        compressed.write(lines(word))
    return file.getvalue().to_pybytes()


def as_workbook(word: str) -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    for line in csv.reader(as_csv(word).decode().splitlines()):
        sheet.append(line)
    book.save(file)
    return file.getvalue()


FORMATS: dict[str, Callable[[str], bytes]] = {
    "jsonl": lines,
    "csv": as_csv,
    "jsonl.gz": lambda word: gzip.compress(lines(word), mtime=0),
    "jsonl.bz2": lambda word: bz2.compress(lines(word)),
    "jsonl.xz": lambda word: lzma.compress(lines(word)),
    "jsonl.zst": as_zstd,
    "parquet": written(lambda table, file: pa.parquet.write_table(table, file)),
    "arrow": written(write_ipc),
    "xlsx": as_workbook,
}


def change_format(ending: str) -> Change:
    """Another word in the rows, of those that give a file of the same size."""
    path, encode = Path(f"data.{ending}"), FORMATS[ending]
    path.write_bytes(encode("cats"))
    write_spec(path.name)
    words = map("".join, itertools.product("bcdghlmprt", "aeiou", "bdgnt", "st"))
    other = next(data for data in map(encode, words) if len(data) == path.stat().st_size)
    return lambda: replace(path, other)


# --- places and sets of files --------------------------------------------------------------------


def change_in(data: str, *paths: str, changed: str) -> Change:
    for path in paths:
        write_rows(Path(path), path.translate(str.maketrans("", "", "./")))
    write_spec(data)
    return lambda: replace(Path(changed), Path(changed).read_bytes().replace(b"says", b"asks"))


def set_times(*paths: str) -> None:
    for path in paths:
        os.utime(path, (1_700_000_000, 1_700_000_000))


def add_a_file() -> Change:
    change_in("data", "data/a.jsonl", changed="data/a.jsonl")
    return lambda: (write_rows(Path("data/b.jsonl"), "dogs"), set_times("data/b.jsonl", "data"))


def lose_a_file() -> Change:
    change_in("data", "data/a.jsonl", "data/b.jsonl", changed="data/a.jsonl")
    return lambda: (Path("data/b.jsonl").unlink(), set_times("data"))


def swap_two_files() -> Change:
    change_in("data", "data/a.jsonl", "data/b.jsonl", changed="data/a.jsonl")
    Path("data/b.jsonl").write_bytes(lines("dogs", 20)[len(lines("dogs", 10)) :])
    set_times("data/a.jsonl", "data/b.jsonl")

    def swap() -> None:
        for old, new in (("a", "c"), ("b", "a"), ("c", "b")):
            Path(f"data/{old}.jsonl").rename(f"data/{new}.jsonl")

    return swap


def turn_a_linked_folder() -> Change:
    write_rows(Path("one/a.jsonl"), "cats")
    write_rows(Path("two/a.jsonl"), "dogs")
    set_times("one/a.jsonl", "two/a.jsonl")
    Path("data").symlink_to("one")
    write_spec("data")
    return lambda: (Path("data").unlink(), Path("data").symlink_to("two"))


def change_behind_a_link() -> Change:
    Path("link.jsonl").symlink_to("rows.jsonl")
    write_spec("link.jsonl")
    return edit("rows.jsonl", b"cats", b"dogs")


def change_through_another_hard_link() -> Change:
    Path("link.jsonl").hardlink_to("rows.jsonl")

    def write() -> None:
        status = Path("link.jsonl").stat()
        with Path("link.jsonl").open("r+b") as file:
            file.write(lines("dogs"))
        os.utime("link.jsonl", ns=(status.st_atime_ns, status.st_mtime_ns))

    return write


def change_beside_the_specs() -> Change:
    """A path of a spec is looked for in the working directory first."""
    Path("pipelines").mkdir()
    Path("spec.toml").rename("pipelines/spec.toml")
    Path("rows.jsonl").rename("pipelines/rows.jsonl")
    Path("spec.toml").symlink_to("pipelines/spec.toml")
    return lambda: replace(Path("pipelines/rows.jsonl"), lines("dogs"))


# --- everything else that a spec names ------------------------------------------------------------


def change_the_rows_of_an_evaluation() -> Change:
    Path("held.jsonl").write_text(json.dumps({"text": golden()[3]["article"]}) + "\n")
    write_spec(more='source_field = "article"\nagainst = ["held.jsonl"]')
    return edit("held.jsonl", b"Article 3 says 9.", b"Article x says y.")


def write_templates() -> None:
    Path("templates/made").mkdir(parents=True)
    Path("templates/made/part.jinja").write_text("Text:")
    Path("templates/made/it.jinja").write_text(TEMPLATE)
    write_spec(template="made/it")


def change_a_template() -> Change:
    write_templates()
    return edit("templates/made/it.jinja", b"{{ article }}\n", b"{{article}}  \n")


def change_an_included_file() -> Change:
    write_templates()
    return edit("templates/made/part.jinja", b"Text:", b"Read:")


def change_a_chat_template() -> Change:
    Path("chat.jinja").write_text(CHAT)
    write_spec(more='chat = true\nchat_template = "chat.jinja"')
    return edit("chat.jinja", b"Hi.", b"Ho.")


def change_the_tokenizers_chat_template() -> Change:
    Path("tokenizer/chat_template.jinja").write_text(CHAT)
    write_spec(more="chat = true")
    return edit("tokenizer/chat_template.jinja", b"Hi.", b"Ho.")


def change_a_vocabulary() -> Change:
    """Two letters take the ids of each other."""
    tokenizer = json.loads(Path("tokenizer/tokenizer.json").read_bytes())
    vocab = tokenizer["model"]["vocab"]
    data = json.dumps(tokenizer)
    vocab["a"], vocab["b"] = vocab["b"], vocab["a"]
    Path("tokenizer/tokenizer.json").write_text(data)
    return lambda: replace(Path("tokenizer/tokenizer.json"), json.dumps(tokenizer).encode())


def change_an_end_of_text() -> Change:
    tokenizer = Path("tokenizer/tokenizer.json")
    content = json.loads(tokenizer.read_bytes())
    (end,) = content["added_tokens"]
    content["added_tokens"].append(end | {"id": end["id"] + 1, "content": "<end>"})
    tokenizer.write_text(json.dumps(content))
    config = "tokenizer/tokenizer_config.json"
    Path(config).write_text(json.dumps({"eos_token": "<eos>", "pad_token": "<eos>"}))
    return edit(config, b'"eos_token": "<eos>"', b'"eos_token": "<end>"')


def change_a_spec() -> Change:
    write_spec(more="seed = 1")
    return edit("spec.toml", b"seed = 1", b"seed = 2")


def change_a_split() -> Change:
    write_rows(Path("test.jsonl"), "dogs")
    write_spec("rows.jsonl", "test=test.jsonl")
    return edit("test.jsonl", b"dogs", b"rats")


CHANGES: dict[str, Callable[[], Change]] = {
    **{f"a {ending} file": lambda ending=ending: change_format(ending) for ending in FORMATS},
    "a file of a folder": lambda: change_in(
        "data", "data/a.jsonl", "data/b.jsonl", changed="data/b.jsonl"
    ),
    "a file of a folder in a folder": lambda: change_in(
        "data", "data/a.jsonl", "data/x/b.jsonl", changed="data/x/b.jsonl"
    ),
    "a file of a glob": lambda: change_in(
        "d/*.jsonl", "d/a.jsonl", "d/b.jsonl", changed="d/b.jsonl"
    ),
    "one file more in a folder": add_a_file,
    "one file less in a folder": lose_a_file,
    "two files that swap names": swap_two_files,
    "a link to another folder": turn_a_linked_folder,
    "a file behind a link": change_behind_a_link,
    "a file with two names": change_through_another_hard_link,
    "a file beside the specs": change_beside_the_specs,
    "an evaluation file": change_the_rows_of_an_evaluation,
    "a template": change_a_template,
    "an included file": change_an_included_file,
    "a chat template": change_a_chat_template,
    "the tokenizer's chat template": change_the_tokenizers_chat_template,
    "a vocabulary": change_a_vocabulary,
    "an end of text": change_an_end_of_text,
    "a spec": change_a_spec,
    "a split": change_a_split,
}  # fmt: skip


@pytest.mark.parametrize("changed", CHANGES)
def test_a_changed_input_is_built(changed: str) -> None:
    change = CHANGES[changed]()
    first = build(spec="spec.toml", out="out").manifest["build"]
    assert build(spec="spec.toml", out="out").up_to_date
    change()
    outcome = build(spec="spec.toml", out="out")
    assert not outcome.up_to_date
    assert outcome.manifest["build"] != first
