"""The dataset card: what it says is in the manifest, and what it names is written beside it."""

from __future__ import annotations

import hashlib
import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import datasets
import pytest
import yaml
from markdown_it import MarkdownIt
from support.places import BUNDLED_TOKENIZER

import sftdata
from sftdata.building.build import build
from sftdata.spec.load import load_spec
from sftdata.spec.model import Spec
from sftdata.writing.card import FILE, render_card, render_files
from sftdata.writing.manifest import Manifest
from sftdata.writing.markdown import quote


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    out = tmp_path_factory.mktemp("card") / "out"
    return build("summarize", template="summarize/article", out=out).manifest


@pytest.fixture(scope="module")
def spec() -> Spec:
    return load_spec(task="summarize")


def test_a_manifest_of_an_older_version_has_no_spec(manifest: Manifest, spec: Spec) -> None:
    card = render_card(spec, manifest.content | {"spec": None})
    assert "* Longest example allowed: not recorded\n" in card


def test_the_metadata_is_what_the_hub_reads(manifest: Manifest, spec: Spec) -> None:
    found = yaml.safe_load(render_card(spec, manifest.content).split("---\n")[1])
    assert found["license"] == "apache-2.0"
    assert found["language"] == ["en"]
    assert found["task_categories"] == ["summarization"]
    assert found["size_categories"] == ["n<1K"]
    (config,) = found["configs"]
    assert [part["split"] for part in config["data_files"]] == ["train", "validation", "test"]
    for part in config["data_files"]:
        assert all((manifest.directory / path).is_file() for path in part["path"])


def test_the_card_says_what_is_in_the_manifest(manifest: Manifest, spec: Spec) -> None:
    card = render_card(spec, manifest.content)
    stats = manifest["stats"]
    for name, split in stats["splits"].items():
        share = split["target_tokens"] / split["tokens"]
        numbers = f"{split['rows']:,} | {split['tokens']:,} | {split['target_tokens']:,}"
        assert f"| {name} | {numbers} | {share:.1%} |" in card
    assert f"| target | {stats['target_length']['p50']:,} |" in card
    for digest in [*manifest["template"].values(), manifest["tokenizer"]["sha256"]]:
        assert digest in card
    for source in manifest["sources"]:
        assert source["sha256"] in card
    assert manifest["build"] in card


def test_every_picture_of_the_card_is_a_file_beside_it(manifest: Manifest, spec: Spec) -> None:
    files = render_files(spec, manifest.content)
    shown = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", files[FILE].decode())
    assert sorted([FILE, *shown]) == sorted(files)
    for name in shown:
        assert ET.fromstring(files[name]).tag == "{http://www.w3.org/2000/svg}svg"
    assert files == render_files(spec, json.loads(json.dumps(manifest.content)))


def test_the_folder_loads_with_the_card_and_its_plots_in_it(
    manifest: Manifest, spec: Spec, tmp_path: Path
) -> None:
    for name, content in render_files(spec, manifest.content).items():
        path = manifest.directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    found = datasets.load_dataset(str(manifest.directory), cache_dir=str(tmp_path / "cache"))
    assert {name: len(split) for name, split in found.items()} == {
        name: split["rows"] for name, split in manifest["stats"]["splits"].items()
    }


def test_where_a_source_lies_on_this_machine_is_not_published(
    manifest: Manifest, spec: Spec
) -> None:
    sources = [{"path": "/home/somebody/news.jsonl", "rows": 3, "sha256": "0" * 64}]
    card = render_card(spec, {**manifest.content, "sources": sources})
    assert "| news.jsonl | 3 |" in card
    assert "somebody" not in card


def test_a_description_cannot_be_more_than_text(manifest: Manifest, spec: Spec) -> None:
    hostile = "- a *b* <b>c</b> [d](http://e) www.f.org http://g `h` | i\n# j"
    card = render_card(spec.model_copy(update={"description": hostile}), manifest.content)
    assert (
        "\\- a \\*b\\* &lt;b&gt;c&lt;/b&gt; \\[d\\]\\(http\\://e\\) www\\.f.org http\\://g "
        "\\`h\\` \\| i\\\\n\\# j" in card
    )


def test_of_conversations_the_card_says_what_is_taught_and_names_the_chat_template() -> None:
    made = build("chat", out="out", chat_options={"tone": "dry"}).manifest
    card = render_card(load_spec(task="chat", loss="last"), made.content)
    assert "in a conversation of each taught answer" in card
    assert "the last answer of the assistant is in the loss, with its reasoning" in card
    text = (BUNDLED_TOKENIZER / "chat_template.jinja").read_bytes()
    assert f"sha256 `{hashlib.sha256(text).hexdigest()}`, tone dry" in card
    assert "| template | sha256 |" not in card
    each = load_spec(task="chat", teach_reasoning=False)
    assert "each answer of the assistant is in the loss, without its reasoning" in render_card(
        each, made.content
    )


def test_a_card_without_conversations_does_not_speak_of_them(
    manifest: Manifest, spec: Spec
) -> None:
    card = render_card(spec, manifest.content)
    assert "(the target and its end)" in card
    assert "onversation" not in card


def test_the_card_tells_the_columns_and_where_the_fields_come_from(
    manifest: Manifest, spec: Spec
) -> None:
    card = render_card(spec, manifest.content)
    for name in ("row\\_id", "template", "input\\_ids", "label\\_mask", "target\\_start"):
        assert f"\n| {name} | " in card
    assert "\n| task |" not in card  # only a mixture has it
    renamed = load_spec(task="summarize", fields={"summary": "high_lights"})
    assert "| summary | high\\_lights |" in render_card(renamed, manifest.content)


def test_the_card_tells_which_columns_nothing_reads(manifest: Manifest, spec: Spec) -> None:
    assert "Columns that nothing reads: none." in render_card(spec, manifest.content)
    unread = {"/home/somebody/news.jsonl": ["url", "a_b"], "b.jsonl": ["x"]}
    card = render_card(spec, {**manifest.content, "unread": unread})
    assert "* Not read from news.jsonl: url, a\\_b.\n* Not read from b.jsonl: x.\n" in card
    many = {f"{n}.jsonl": ["x"] for n in range(9)}
    card = render_card(spec, {**manifest.content, "unread": many})
    assert card.count("* Not read from") == 5
    assert "* Of 4 more sources, too, columns were not read." in card


def test_a_mixture_tells_the_share_of_each_source() -> None:
    built = build("multitask", out="out").manifest
    card = Path("out/README.md").read_text()
    assert "\n| task | string | the task of the row's source |\n" in card
    assert "- mixture\n" in card
    for name, source in built["stats"]["by_source"].items():
        shares = f"{source['planned_share']:.1%} | {source['share']:.1%} |"
        assert f"| {name} | {source['task']} | {source['rows']:,} | " in card
        assert f"{source['tokens']:,} | {shares}\n" in card
    assert "of the target tokens of the training split" in card


def test_the_card_shows_the_first_training_row_with_its_prompt_as_served(
    manifest: Manifest, spec: Spec
) -> None:
    row = sftdata.load(manifest.directory)["train"][0]
    card = render_card(spec, manifest.content)
    assert f"### summarize: row {row.row_id}, summarize/article\\@1.0.0\n" in card
    assert f"The prompt, as it must be served:\n\n{quote(row.prompt)}\n" in card
    assert f"The target:\n\n{quote(row.target)}\n" in card


def test_a_card_of_a_manifest_without_examples_has_no_part_for_them(
    manifest: Manifest, spec: Spec
) -> None:
    older = {key: value for key, value in manifest.content.items() if key != "examples"}
    assert "Examples" in render_card(spec, manifest.content)
    assert "Examples" not in render_card(spec, older)


def test_an_example_cannot_be_more_than_text(manifest: Manifest, spec: Spec) -> None:
    hostile = "<script>x</script>\n# h\n---\n| a | b |\n![i](http://e)\n```\n1. l\u202e"
    row = {"split": "t", "row_id": "<b>", "template": "*t*", "prompt": hostile, "target": hostile}
    text = render_card(spec, {**manifest.content, "examples": {"a|b": row}})
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    inline = [child for token in tokens for child in token.children or []]
    plain_card = (
        MarkdownIt("commonmark", {"html": True})
        .enable("table")
        .parse(render_card(spec, {**manifest.content, "examples": {}}))
    )
    count = Counter(token.type for token in tokens)
    count.subtract(token.type for token in plain_card)
    assert {kind for kind, n in count.items() if n} == {
        "heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline",
        "blockquote_open", "blockquote_close",
    }  # fmt: skip
    assert {t.type for t in inline if t.type.startswith(("html", "link"))} == set()
    assert "\u202e" not in text
