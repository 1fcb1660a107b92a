"""Rebuild: any dataset again from its manifest, whatever became of the working copies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.manifests import write_manifest

from sftdata.building.build import build
from sftdata.building.rebuild import rebuild
from sftdata.errors import VerificationError
from sftdata.versioning.release import release

SOURCE = """\
{{# description = "Text {0}." #}}
{{% block prompt %}}
{{% include 'head.txt' %}}
Article {1}:
{{{{ article }}}}
{{% endblock %}}
{{% block target %}}
{{{{ summary }}}}
{{%- endblock %}}
"""
SPEC = """
task = "news"
data = ["rows.jsonl"]
template = "news/short"
tokenizer = "tokenizers/small"
max_length = 60
max_dropped = 100
[fields]
id = "id"
article = "article"
summary = "summary"
"""
ROWS = [
    {"id": f"r{i}", "article": f"Article {i}, " * (i % 30), "summary": f"Sum {i}."}
    for i in range(60)
]


@pytest.fixture
def work() -> None:
    Path("pipelines").mkdir()
    Path("pipelines/news.toml").write_text(SPEC)
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    Path("templates/news").mkdir(parents=True)
    write(0, 0)


def write(description: int, text: int) -> None:
    Path("templates/head.txt").write_text(f"Head {text // 3}.\n")
    Path("templates/news/short.jinja").write_text(SOURCE.format(description, text))


def shards(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*.arrow"))}


@pytest.mark.usefixtures("work")
def test_ten_releases_and_each_data_set_comes_back_from_its_manifest() -> None:
    versions = []
    for number in range(10):
        write(number, number // 2)  # every other release changes no token
        versions.append(release("news/short").release.version)
        build("news", out=f"data/{number}")
    assert len(set(versions)) == 10
    assert versions[:4] == ["1.0.0", "1.0.1", "1.1.0", "1.1.1"]
    write(99, 99)
    for number, version in enumerate(versions):
        manifest = Path(f"data/{number}/manifest.json")
        assert list(json.loads(manifest.read_bytes())["template"]) == [f"news/short@{version}"]
        rebuilt = rebuild(manifest, Path(f"again/{number}"))
        assert rebuilt.difference is None
        assert shards(Path(f"again/{number}")) == shards(Path(f"data/{number}"))


@pytest.mark.usefixtures("work")
def test_the_recorded_options_count_not_those_of_the_spec_now() -> None:
    release("news/short")
    build("news", seed=7, max_length=50)
    Path("pipelines/news.toml").unlink()
    assert rebuild(Path("data/news"), Path("again")).difference is None


@pytest.mark.usefixtures("work")
def test_a_draft_that_is_still_there_is_rebuilt_and_one_that_is_gone_is_not() -> None:
    build("news")
    assert rebuild(Path("data/news"), Path("again")).difference is None
    write(0, 1)
    with pytest.raises(VerificationError, match=r"news/short@draft(?s:.*)is gone(?s:.*)a draft"):
        rebuild(Path("data/news"), Path("once-more"))


@pytest.mark.usefixtures("work")
def test_other_rows_and_another_tokenizer_are_refused(byte_tokenizer: Path) -> None:
    release("news/short")
    Path("tokenizer").symlink_to(byte_tokenizer)
    build("news", tokenizer="tokenizer")
    rows = Path("rows.jsonl").read_bytes()
    Path("rows.jsonl").write_bytes(rows.replace(b"Sum 1.", b"Sum 2."))
    with pytest.raises(VerificationError, match=r"The source rows\.jsonl is not what"):
        rebuild(Path("data/news"), Path("again"))
    Path("rows.jsonl").write_bytes(rows)
    Path("tokenizer").unlink()
    with pytest.raises(VerificationError, match="'tokenizer'"):
        rebuild(Path("data/news"), Path("again"))
    other = Path(__file__).parents[2] / "pipelines" / "tokenizers" / "small"
    Path("tokenizer").symlink_to(other)
    with pytest.raises(VerificationError, match="'tokenizer' is not the recorded one"):
        rebuild(Path("data/news"), Path("again"))
    assert not Path("again").exists()


@pytest.mark.usefixtures("work")
def test_a_difference_is_named_by_its_place() -> None:
    release("news/short")
    build("news")
    path = Path("data/news/manifest.json")
    content = json.loads(path.read_bytes())
    recorded = content["splits"]["train"]["shards"][0]["sha256"]
    content["splits"]["train"]["shards"][0]["sha256"] = "0" * 64
    write_manifest(path.parent, content)
    difference = rebuild(path, Path("again")).difference
    zeros = "0" * 64
    assert difference == (
        f"splits.train.shards[0].sha256: '{zeros}' recorded, '{recorded}' rebuilt"
    )
