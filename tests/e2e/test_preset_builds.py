"""The presets, each on a made file with exactly the columns of its card; and `sources`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from sftdata.building.plan import make_plan
from sftdata.cli import cli
from sftdata.errors import GoldenSetError
from sftdata.loading.dataset import load
from sftdata.reading.chunks import read_chunks
from sftdata.reading.row_reader import row_reader
from sftdata.spec.load import load_spec
from sftdata.spec.model import Spec
from sftdata.spec.presets import Preset, load_presets
from sftdata.spec.validate import validate
from sftdata.writing.ledger import read_ledger
from sftdata.writing.manifest import read_manifest

Row = dict[str, Any]


def pair(first: str, second: str) -> list[Row]:
    return [
        {
            "translation": {
                first: f"text {i} in the one language",
                second: f"Text {i} in der anderen",
            }
        }
        for i in range(6)
    ]


def question(row: int, texts: list[str]) -> Row:
    return {
        "id": f"q{row}",
        "title": f"Article {row % 2}",
        "context": f"The tower of place {row} is 31 metres high, or ten floors.",
        "question": f"How high is tower {row}?",
        "answers": {"text": texts, "answer_start": [3] * len(texts)},
    }


# The rows of a made file for each preset, and the golden fields of the first.
MADE: dict[str, tuple[list[Row], Row]] = {
    "cnn_dailymail": (
        [
            {
                "article": f"A long report of {i} lines.",
                "highlights": f"Report {i} .",
                "id": f"c{i}",
            }
            for i in range(6)
        ],
        {"row_id": "c0", "article": "A long report of 0 lines.", "summary": "Report 0 ."},
    ),
    "xsum": (
        [
            {"document": f"A document about matter {i}.", "summary": f"Matter {i}.", "id": f"x{i}"}
            for i in range(6)
        ],
        {"row_id": "x0", "article": "A document about matter 0.", "summary": "Matter 0."},
    ),
    "billsum": (
        [
            {
                "text": f"SECTION {i}. A bill to do things.",
                "summary": f"Bill {i}.",
                "title": "A bill",
            }
            for i in range(6)
        ],
        {"article": "SECTION 0. A bill to do things.", "summary": "Bill 0."},
    ),
    "samsum": (
        [
            {
                "id": f"s{i}",
                "dialogue": f"A: hi {i}\r\nB: well, hello",
                "summary": f"They greet {i}.",
            }
            for i in range(6)
        ],
        {"row_id": "s0", "article": "A: hi 0\r\nB: well, hello", "summary": "They greet 0."},
    ),
    "coedit_gec": (
        [
            {
                "_id": str(i + 1),
                "task": "gec" if i < 5 else "paraphrase",
                "src": f"Fix grammar in this sentence: She go home at {i}.",
                "tgt": f"She goes home at {i}.",
            }
            for i in range(6)
        ],
        {"row_id": "1", "text": "She go home at 0.", "corrected": "She goes home at 0."},
    ),
    "jfleg": (
        [
            {
                "sentence": f"He have {i} dogs .",
                "corrections": [f"He has {i} {dogs} ." for dogs in ("dogs", "hounds", "d", "pets")],
            }
            for i in range(6)
        ],
        {"text": "He have 0 dogs .", "corrected": "He has 0 dogs ."},
    ),
    "squad": (
        [question(i, ["31 metres", "ten floors"]) for i in range(6)],
        {
            "row_id": "q0",
            "context": "The tower of place 0 is 31 metres high, or ten floors.",
            "question": "How high is tower 0?",
            "answer": "31 metres",
        },
    ),
    "squad_v2": (
        [question(i, [] if i == 5 else ["ten floors"]) for i in range(6)],
        {
            "row_id": "q0",
            "context": "The tower of place 0 is 31 metres high, or ten floors.",
            "question": "How high is tower 0?",
            "answer": "ten floors",
        },
    ),
    "alpaca": (
        [
            {
                "instruction": f"Write {i} in words.",
                "input": "" if i else "The number is 0.",
                "output": f"It is the number {i}.",
                "text": "Below is an instruction …",
            }
            for i in range(6)
        ],
        {
            "instruction": "Write 0 in words.",
            "input": "The number is 0.",
            "output": "It is the number 0.",
            "system": "",
        },
    ),
}
for _name, _from, _to in (
    ("wmt14", "en", "de"),
    ("wmt14_de_en", "de", "en"),
    ("wmt16", "en", "de"),
    ("wmt16_de_en", "de", "en"),
    ("opus100", "en", "fr"),
    ("opus100_fr_en", "fr", "en"),
):
    MADE[_name] = (
        pair(_from, _to),
        {
            "source": "text 0 in the one language",
            "translation": "Text 0 in der anderen",
            "source_lang": _from,
            "target_lang": _to,
        },
    )
DROPPED = {"coedit_gec": {"filtered": 1}, "squad_v2": {"missing_field": 1}}
PRESETS = load_presets()


@pytest.fixture(params=sorted(PRESETS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def write(rows: list[Row]) -> None:
    pq.write_table(pa.Table.from_pylist(rows), "rows.parquet")


def golden_rows(spec: Spec) -> list[Row]:
    plan = make_plan(spec)
    return [
        row
        for index, source in enumerate(plan.sources)
        for chunks in read_chunks(source, index)
        for row in row_reader(plan.spec, plan.sources).parse(chunks).batch.to_pylist()
    ]


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def only(row: Row, names: Row) -> Row:
    return {name: row[name] for name in names}


def test_a_preset_maps_a_file_with_the_columns_of_its_card(name: str) -> None:
    rows, first = MADE[name]
    preset = PRESETS[name]
    assert set(rows[0]) == set(preset.columns)
    write(rows)
    options = ("--task", preset.task, "--preset", name, "--max-dropped", "20")
    run("build", *options, "--data", "rows.parquet", "--out", "out")
    manifest = read_manifest(Path("out"))
    dropped = DROPPED.get(name, {})
    assert manifest["dropped"] == dropped
    assert manifest["rows_in"] == manifest["rows_out"] + sum(dropped.values())
    assert [line["reason"] for line in read_ledger(manifest).to_pylist()] == list(dropped)
    spec = load_spec(task=preset.task, preset=name, data=["rows.parquet"])
    assert isinstance(spec, Spec)
    assert spec.license == ""  # a fact of the preset's own rows, not of a file like them
    found = golden_rows(spec)
    assert only(found[0], first) == first
    assert len(found) == manifest["rows_out"]


SPLITS = ("train", "validation", "test", "dev")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[Row]], list[tuple[Any, ...]]]:
    """A Hub that has these rows under every name and in every split, and what it was asked for."""

    def put(rows: list[Row]) -> list[tuple[Any, ...]]:
        write(rows)
        asked: list[tuple[Any, ...]] = []

        def load_dataset(name: str, config: str | None = None, **_: Any) -> datasets.DatasetDict:
            asked.append((name, config))
            made = datasets.Dataset.from_parquet("rows.parquet", cache_dir="hub-cache")
            assert isinstance(made, datasets.Dataset)
            return datasets.DatasetDict(dict.fromkeys(SPLITS, made))

        monkeypatch.setattr(datasets, "load_dataset", load_dataset)
        return asked

    return put


def test_a_preset_reads_its_set_from_the_hub(name: str, hub: Callable[..., Any]) -> None:
    rows, first = MADE[name]
    preset = PRESETS[name]
    asked = hub(rows)
    spec = load_spec(task=preset.task, data=[f"preset:{name}"])
    assert isinstance(spec, Spec)
    assert only(golden_rows(spec)[0], first) == first
    assert asked == [(preset.hub, preset.config)]


@pytest.mark.parametrize(
    "data",
    [
        "hf:abisee/cnn_dailymail",
        "hf:abisee/cnn_dailymail:test",
        "hf:abisee/cnn_dailymail@3.0.0:test",
    ],
)
def test_the_name_on_the_hub_is_enough(data: str, hub: Callable[..., Any]) -> None:
    asked = hub(MADE["cnn_dailymail"][0])
    run("build", "--task", "summarize", "--data", data, "--out", "out")
    assert asked == [("abisee/cnn_dailymail", "3.0.0")]
    manifest = read_manifest(Path("out"))
    assert manifest["rows_out"] == 6
    assert manifest["sources"][0]["path"].startswith("hf:abisee/cnn_dailymail@3.0.0")


def test_another_configuration_or_set_is_read_as_it_is(hub: Callable[..., Any]) -> None:
    rows = [{"article": f"An article, number {i}.", "summary": f"No. {i}."} for i in range(6)]
    asked = hub(rows)
    for data in ("hf:abisee/cnn_dailymail@1.0.0", "hf:me/news@small:dev"):
        run("build", "--task", "summarize", "--data", data, "--out", "out")
    assert asked == [("abisee/cnn_dailymail", "1.0.0"), ("me/news", "small")]


def test_a_set_that_cannot_be_loaded_says_how_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def load_dataset(*_: Any, **__: Any) -> None:
        raise ConnectionError("no route")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    spec = load_spec(task="summarize", data=["hf:me/news"])
    assert isinstance(spec, Spec)
    with pytest.raises(GoldenSetError, match=r"no route(?s:.*)hf:NAME@CONFIG:SPLIT"):
        make_plan(spec)


def test_options_go_before_the_preset() -> None:
    rows = [{"document": "The long text.", "summary": "x", "title": "Short."}] * 3
    write(rows)
    spec = load_spec(
        task="summarize", preset="xsum", data=["rows.parquet"], fields={"summary": "title"}
    )
    assert isinstance(spec, Spec)
    assert golden_rows(spec)[0]["summary"] == "Short."


def test_all_items_of_a_row_stay_in_one_split() -> None:
    rows = [
        {
            "sentence": f"Sentence {i} have a error .",
            "corrections": [f"S {i} {j}" for j in range(4)],
        }
        for i in range(40)
    ]
    write(rows)
    run("build", "--task", "grammar", "--preset", "jfleg", "--data", "rows.parquet", "--out", "out")
    assert read_manifest(Path("out"))["rows_out"] == 160
    spec = load_spec(task="grammar", preset="jfleg", data=["rows.parquet"])
    assert isinstance(spec, Spec)
    sentence = {row["row_id"]: row["text"] for row in golden_rows(spec)}
    splits = [{sentence[example.row_id] for example in split} for split in load("out").values()]
    assert all(splits)
    assert sum(map(len, splits)) == len(set.union(*splits)) == 40


def test_the_sources_are_listed_with_their_facts() -> None:
    text = run("sources", "--task", "translate")
    for fact in ("wmt/wmt16@de-en", "4,548,885", "translation.de", "unknown", "preset:NAME"):
        assert fact in text
    assert "squad" not in text
    listed = json.loads(run("sources", "--json"))
    assert [entry["name"] for entry in listed] == list(PRESETS)
    by_name = {entry["name"]: entry for entry in listed}
    assert by_name["jfleg"]["data"] == "hf:jhu-clsp/jfleg:validation"
    assert by_name["squad"]["fields"]["answer"] == "answers.text[0]"
    assert (
        validate(
            Preset,
            {k: v for k, v in by_name["opus100"].items() if k not in ("name", "data")},
            "",
        )
        == (PRESETS["opus100"])
    )


def test_the_table_on_a_terminal_holds_whole_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "130")
    text = run("sources", "--task", "qa")
    assert "hf:rajpurkar/squad_v2" in text
    assert "│" in text
    assert "\x1b[3" not in text  # no colour


OWN = """
[letters]
hub = "me/\\u001b[31mletters"
task = "summarize"
license = "MIT"
columns = ["body"]
rows = { train = 5 }
fields = { article = "body", summary = { first = ["short", "title"], optional = true } }
"""


def test_own_presets_come_beside_the_bundled_ones_and_are_shown_escaped() -> None:
    Path("pipelines").mkdir()
    Path("pipelines/presets.toml").write_text(OWN)
    assert list(load_presets()) == [*PRESETS, "letters"]
    text = run("sources", "--task", "summarize")
    assert "summary ← short or title (may be empty)" in text
    assert "\x1b" not in text
    assert "me/\\x1b[31mletters" in text
