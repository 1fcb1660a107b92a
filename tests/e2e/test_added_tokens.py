"""Added tokens that are ordinary text: Gemma's newlines, blanks and HTML tags, a user's `<loc>`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tokenizers

from sftdata import build
from sftdata.loading.dataset import load
from sftdata.tokenizing.load import load_tokenizer
from sftdata.writing.manifest import Manifest

TEXTS = [
    "one\ntwo\n\n\nthree", "a\tb\t\tc", "x     y          z", "<table><td>1</td></table>",
    "<unused3> [multimodal] <mask>", "<start_of_turn>user\n<bos>", "▁▁▁ ▁", "\u00a0 é 日本\r\n\r\n",
]  # fmt: skip
SPEC = """
task = "echo"
data = ["rows.jsonl"]
template = "echo/one"
tokenizer = "unset"
[fields]
article = "article"
summary = "summary"
[split]
train = 1.0
"""
TEMPLATE = (
    "{% block prompt %}{{ article }}\n{% endblock %}\n{% block target %}{{ summary }}{% endblock %}"
)


def build_rows(rows: list[dict[str, str]], tokenizer: Path, **options: Any) -> Manifest:
    """Builds the rows as they are, the article as prompt and the summary as target."""
    home = Path("templates/echo")
    home.mkdir(parents=True)
    (home / "one.jinja").write_text(TEMPLATE)
    Path("spec.toml").write_text(SPEC)
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    manifest = build(spec="spec.toml", tokenizer=tokenizer, out="out", **options).manifest
    assert (manifest["rows_out"], manifest["dropped"]) == (len(rows), {})
    return manifest


def without(library: tokenizers.Tokenizer, text: str) -> list[int]:
    return list(library.encode(text, add_special_tokens=False).ids)


@pytest.mark.real
@pytest.mark.parametrize("chat", [False, True])
def test_gemmas_rows_have_the_ids_of_the_tokenizers_library(shared: Path, chat: bool) -> None:
    folder = shared / "tokenizers" / "gemma3"
    library = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    texts = [text for text in TEXTS if chat or "<bos>" not in text]
    build_rows([{"article": f"{t} {i}", "summary": f"{t}."} for i, t in enumerate(texts)], folder,
               chat=chat)  # fmt: skip
    found = {example.row_id: example for example in load("out")["train"]}
    assert len(found) == len(texts)
    for (name, example), (i, text) in zip(found.items(), enumerate(texts), strict=True):
        prompt, target = f"{text} {i}", f"{text}."
        ids, start = example.input_ids.tolist(), example.target_start
        if "<bos>" in text:  # the library would take it for the real one
            assert (ids.count(2), ids.count(105)) == (1, 2), name
        elif chat:
            rendered = (
                f"<bos><start_of_turn>user\n{prompt.strip()}<end_of_turn>\n"
                f"<start_of_turn>model\n{target.strip()}<end_of_turn>"
            )
            assert ids == without(library, rendered), name
        else:
            assert ids == [2, *without(library, f"{prompt}\n"), *without(library, target), 106]
            assert start == 1 + len(without(library, f"{prompt}\n"))


@pytest.mark.real
def test_the_bundled_sample_is_whole_with_gemma(shared: Path) -> None:
    out = build(task="summarize", tokenizer=shared / "tokenizers" / "gemma3", out="out")
    assert (out.manifest["rows_out"], out.manifest["dropped"]) == (76, {})


@pytest.mark.real
@pytest.mark.parametrize("name", ["bert_eos", "t5"])
def test_other_models_build_with_the_librarys_ids_and_name_what_they_lack(
    shared: Path, name: str
) -> None:
    folder = shared / "cases" / "tokenizers" / name
    manifest = build_rows([{"article": "A new bridge 日", "summary": "A bridge"}], folder)
    library = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    (example,) = load("out")["train"]
    first = [] if load_tokenizer(str(folder)).bos_id is None else example.input_ids[:1].tolist()
    ids = [*first, *without(library, "A new bridge 日\n")]
    assert example.input_ids[: example.target_start].tolist() == ids
    assert manifest["flagged"] == {"unknown_token": 1}


def with_loc(folder: Path, special: bool) -> Path:
    """The bundled tokenizer with `<loc>` as one more added token."""
    source = Path(__file__).resolve().parents[2] / "pipelines" / "tokenizers" / "small"
    spec = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))
    config = json.loads((source / "tokenizer_config.json").read_text(encoding="utf-8"))
    library = tokenizers.Tokenizer.from_str(json.dumps(spec))
    token = tokenizers.AddedToken("<loc>", special=special, normalized=False)
    (library.add_special_tokens if special else library.add_tokens)([token])
    folder.mkdir()
    (folder / "tokenizer.json").write_text(library.to_str())
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


def test_an_added_token_of_the_user_is_one_id(tmp_path: Path) -> None:
    folder = with_loc(tmp_path / "t", special=False)
    lines: list[str] = []
    rows = [{"article": f"Article {i} about <loc> things.", "summary": "x"} for i in range(5)]
    build_rows(rows, folder, report=lines.append)
    library = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    for i, example in enumerate(load("out")["train"]):
        expected = without(library, f"Article {i} about <loc> things.\n")
        assert example.input_ids[: example.target_start].tolist() == expected
        assert expected.count(library.token_to_id("<loc>")) == 1


@pytest.mark.parametrize(("names", "count"), [((), 0), (("<loc>",), 1)])
def test_a_special_token_is_text_only_where_the_spec_says_that_the_data_means_it(
    tmp_path: Path, names: tuple[str, ...], count: int
) -> None:
    folder = with_loc(tmp_path / "t", special=True)
    rows = [{"article": "About <loc>.", "summary": "x"}]
    manifest = build_rows(rows, folder, text_tokens=names)
    (example,) = load("out")["train"]
    number = load_tokenizer(str(folder)).added_tokens["<loc>"]["id"]
    assert example.input_ids.tolist().count(number) == count
    assert manifest["tokenizer"].get("text_tokens", []) == list(names)
