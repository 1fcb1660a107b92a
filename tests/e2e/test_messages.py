"""Wrong usages, each with one message: what is wrong, where, and the way out.

A row of the table: the command line, and what its message must hold. A fault of the usage exits
with 2, damage that `verify` or `ledger` finds with 3, everything else with 1.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from support.wrong_usages import damage_copies, write_world

from sftdata import cli
from sftdata.building.build import build

USAGES: list[tuple[str, list[str]]] = [
    # names of commands and options
    ("bulid", ["No such command 'bulid'", "Did you mean 'build'?"]),
    ("template lsit", ["No such command 'lsit'", "Did you mean 'list'?"]),
    ("build --taks summarize", ["No such option '--taks'", "--task"]),
    ("env extra", ["unexpected extra argument (extra)"]),
    ("schema sepc", ["'sepc' is not one of 'spec', 'recipe'"]),
    ("inspect", ["Missing argument 'DATASET'"]),
    ("diff data/news", ["Missing argument 'DATASET_B'"]),
    ("pack data/news", ["Missing option '--max-length'"]),
    ("export data/news --to trl", ["Missing option '--out'"]),
    ("train data/news", ["Missing option '--model'"]),
    ("eval data/news", ["Missing option '--model'"]),
    ("rebuild data/news", ["Missing option '--out'"]),
    ("template render summarize/article", ["Give either --row or --messages"]),
    ("template render --messages []", ["--dataset DIR"]),
    ("template render --row {}", ["Give TEMPLATE", "--dataset DIR"]),
    ("init x", ["--data FILE", "sftdata build --task summarize"]),
    # names of tasks, templates, splits, presets, formats
    ("build --task summarise", ["There is no task 'summarise'", "Did you mean 'summarize'?"]),
    ("build --task ''", ["There is no task ''", "Known: chat"]),
    ("build --task ../x", ["There is no task '../x'", "Known: chat"]),
    ("build --task rows.jsonl", ["no task 'rows.jsonl'", "It is a file", "--data rows.jsonl"]),
    ("build --task presets", ["There is no task 'presets'"]),
    ("build rows.jsonl --template summarize/artcle", ["Did you mean 'summarize/article'?"]),
    ("build rows.jsonl --template article", ["'article' is not the id of a template"]),
    ("build rows.jsonl --template summarize/article@9", ["'summarize/article@9'", "Known: 1.0.0"]),
    ("build rows.jsonl --template summarize/article@x", ["'x'", "@1.2.0, @draft"]),
    ("build rows.jsonl --template summarize/article@sha256:0", ["at least four"]),
    ("build rows.jsonl --template ../../etc/passwd", ["passwd' is not the id of a template"]),
    ("build rows.jsonl --preset squd", ["There is no preset 'squd'", "Did you mean 'squad'?"]),
    ("build --preset squd", ["There is no preset 'squd'", "Did you mean 'squad'?"]),
    ("build preset:squd", ["There is no preset 'squd'", "Did you mean 'squad'?"]),
    ("sources --task sumarize", ["'sumarize'", "Did you mean 'summarize'?"]),
    ("inspect data/news --split trian", ["no split 'trian'", "'train'"]),
    ("inspect data/news --row nope", ["'nope'", "sftdata ledger data/news"]),
    ("inspect data/news --index 999", ["no index 999 in 'train'", "counted from 0"]),
    ("inspect data/news --template nope", ["no template 'nope'", "summarize/article@1.0.0"]),
    ("inspect data/news --task nope", ["no task 'nope'", "Known: summarize"]),
    ("inspect data/news --reason nope", ["reason 'nope'", "Leave --reason out"]),
    ("inspect data/news --min-tokens 99999", ["meets all conditions", "sftdata stats data/news"]),
    ("inspect data/news --view pixels", ["'pixels' is not one of 'turns', 'text'"]),
    ("ledger data/news --reason nope", ["reason 'nope'", "Leave --reason out"]),
    ("stats data/news --by colour", ["'colour' is not one of 'split'"]),
    ("export data/news --to trll --out x", ["no format 'trll'", "Did you mean 'trl'?"]),
    ("template show nope", ["'nope' is not the id of a template", "summarize/article"]),
    ("template show ../x", ["'../x' is not the id of a template"]),
    ("template show summarize/artcle", ["Did you mean 'summarize/article'?"]),
    ("template show summarize/article@7", ["There is no 'summarize/article@7'", "Known: 1.0.0"]),
    ("template diff summarize/article summarize/nope", ["There is no template 'summarize/nope'"]),
    ("template log new/one", ["There is no template 'new/one'", "sftdata template new new/one"]),
    ("template lint summarize/artcle", ["Did you mean 'summarize/article'?"]),
    ("template check nope/nope", ["There is no template 'nope/nope'"]),
    ("template check --against nope", ["'nope' is neither a version nor a commit"]),
    ("template release summarize/article", ["bundled", "sftdata template new summarize/article"]),
    ("template release summarize/nope", ["There is no template 'summarize/nope'"]),
    ("template new summarize/syntax", ["is there already", "another name"]),
    ("template new nope/nope", ["task 'nope'", "pipelines/nope.toml", "--spec"]),
    ("template new x", ["'x' is not the id of a template", "TASK/NAME"]),
    ("template new a/b --from summarize/artcle", ["Did you mean 'summarize/article'?"]),
    ("template new a/b --from qa/plain --spec idle.toml", ["Use --from or --spec"]),
    ("template import promptsourc rows.jsonl", ["is not one of 'promptsource', 'flan'"]),
    # paths
    ("build rosw.jsonl", ["There is no file 'rosw.jsonl'", "Did you mean 'rows.jsonl'?"]),
    ("build nowhere/x.jsonl", ["There is no file 'nowhere/x.jsonl'", "Check the path"]),
    ("build 'none*.jsonl'", ["There is no file 'none*.jsonl'", "Check the path"]),
    ("build org/name", ["There is no file 'org/name'", "hf:org/name"]),
    ("build hf:", ["'hf:' names no dataset", "hf:NAME"]),
    ("build foreign", ["holds no file of rows", "Known: .jsonl"]),
    ("build notes.md", ["notes.md", "Known: .jsonl"]),
    ("build empty.jsonl", ["empty.jsonl: no rows"]),
    ("build broken.jsonl", ["broken.jsonl", "line 1", "cut off"]),
    ("build image.jsonl", ["image.jsonl: this is an image", "JSON Lines"]),
    ("build list.jsonl", ["list.jsonl:1", 'Write each row as {"field"']),
    ("build --dry-run rosw.jsonl", ["There is no file 'rosw.jsonl'"]),
    ("build rows.jsonl --against rosw.jsonl", ["There is no file 'rosw.jsonl'", "rows.jsonl"]),
    ("build rows.jsonl --out rows.jsonl", ["'rows.jsonl' is a file"]),
    ("build rows.jsonl --out foreign", ["foreign", "keep.txt", "--out"]),
    ("build rows.jsonl --dry-run --out foreign", ["foreign", "keep.txt", "--out"]),
    ("build rows.jsonl --out rows.jsonl/x", ["rows.jsonl"]),
    ("build --spec nope.toml", ["nope.toml: No such file or directory", "TOML file"]),
    ("build --spec foreign", ["'foreign' is a directory"]),
    ("build rows.jsonl --chat --chat-template nope", ["no chat template 'nope'", "Give a file"]),
    ("inspect nope", ["nope does not exist", "sftdata build"]),
    ("inspect rows.jsonl", ["'rows.jsonl' is a file", "data/summarize"]),
    ("inspect foreign", ["foreign holds no dataset", "sftdata build"]),
    ("inspect data/news --html foreign", ["'foreign' is a directory"]),
    ("inspect data/news --html nowhere/x.html", ["no folder 'nowhere'", "Make it first"]),
    ("doctor data/news --sarif foreign", ["'foreign' is a directory"]),
    ("report data/news -o rows.jsonl", ["rows.jsonl", "another file"]),
    ("export data/news --to trl --out data/news", ["data/news is not empty", "--out"]),
    ("rebuild data/news/manifest.json --out data/news", ["holds the dataset itself", "--out"]),
    ("audit nope", ["nope", "adapter"]),
    ("init y --data rosw.jsonl", ["There is no file 'rosw.jsonl'"]),
    ("init foreign --data rows.jsonl", ["foreign is not empty", "keep.txt"]),
    ("init rows.jsonl --data rows.jsonl", ["'rows.jsonl' is a file"]),
    ("init y --data empty.jsonl", ["empty.jsonl: no rows"]),
    ("init y --data -", ["Give a file"]),
    ("init y --data rows.jsonl --task sumarize", ["Did you mean 'summarize'?"]),
    # options
    ("build rows.jsonl --task summarize --map summary=", ["'summary=' is not FIELD=PATH"]),
    ("build rows.jsonl --map a=b --map a=c", ["'a' is mapped more than once"]),
    ("build rows.jsonl --task summarize --map sumary=x", ["'sumary'", "Did you mean 'summary'?"]),
    ("build rows.jsonl --task summarize --map summary=smry", ["'smry'", "summary"]),
    ("build rows.jsonl --task translate", ["'source_lang'", "--map source=COLUMN"]),
    ("build other.jsonl", ["title, words", "--map"]),
    ("build other.jsonl --task summarize", ["title, words", "--map article=COLUMN"]),
    ("build rows.jsonl --max-length 1", ["1 is not in the range"]),
    ("build rows.jsonl --max-length ten", ["--max-length", "'ten'"]),
    ("build rows.jsonl --max-length 5", ["too_long", "42 tokens of at most 5"]),
    ("build rows.jsonl --shots 100", ["100 is not in the range"]),
    ("build rows.jsonl --seed x", ["'x' is not a valid integer"]),
    ("build rows.jsonl --max-dropped 200", ["200.0 is not in the range"]),
    ("build rows.jsonl --workers 0", ["0 is not in the range"]),
    ("build rows.jsonl --near-duplicates 2", ["2.0 is not in the range"]),
    ("build rows.jsonl --duplicates maybe", ["'maybe' is not one of 'drop'"]),
    ("build rows.jsonl --chat-option x=1", ["chat_options: has no effect", "--chat"]),
    ("build rows.jsonl --chat --chat-option x", ["'x' is not KEY=VALUE"]),
    ("build rows.jsonl --date 2026-01-01", ["date: has no effect", "--chat"]),
    ("build rows.jsonl --chat --date soon", ["date: must be a date such as 2026-01-31"]),
    ("build rows.jsonl --id-prefix ''", ["id_prefix: must not be empty"]),
    ("build rows.jsonl --split-column nope", ["'nope'", "article, id, summary"]),
    ("build x=rows.jsonl --join-splits", ["given_splits = 'join' would ignore them"]),
    ("build rows.jsonl --task qa --spec idle.toml", ["Give one of them"]),
    ("inspect data/news --index 0 --random 2", ["Use one of --row, --index and --random"]),
    ("inspect data/news --random 0", ["0 is not in the range"]),
    ("inspect data/news --tui", ["--tui needs a terminal", "--html"]),
    ("inspect data/news --tui --html x.html", ["Use one of --html, --tui and --json"]),
    ("pack data/news --max-length 0", ["0 is not in the range"]),
    ("template render summarize/article --row x", ["not JSON"]),
    ("template render summarize/article --row []", ["not a JSON object"]),
    ("template render summarize/article --row {}", ["'article'", "Add it to the row"]),
    ("train data/news --model nope --rank x", ["'x' is not a valid integer"]),
    ("train data/news --model nope --recipe nope.toml --out x", ["nope.toml: No such file"]),
    ("train data/news --model m --recipe recipe.toml --out x", ["rnk", "Did you mean 'rank'?"]),
    # specs
    ("build --spec broken.toml", ["broken.toml: not a TOML file", "line 1", "key = value"]),
    ("build --spec twice.toml", ["twice.toml: not a TOML file", "line 6", "once"]),
    ("build --spec latin.toml", ["latin.toml: not a TOML file: line 5", "Save the file as UTF-8"]),
    ("build --spec unknown.toml", ["max_lenght (line 5)", "Did you mean 'max_length'?"]),
    (
        "build --spec types.toml",
        ["max_length (line 5)", "seed (line 6)", "chat (line 7): must be true or false"],
    ),
    (
        "build --spec ranges.toml",
        ["(line 5): must be at least 2", "(line 6): must be at most 100", "(line 7)"],
    ),
    ("build --spec choices.toml", ["'start', 'end' or 'middle'", "'drop', 'keep' or 'loose'"]),
    ("build --spec empty_text.toml", ["id_prefix (line 5): must not be empty"]),
    ("build --spec date.toml", ["date (line 6): must be a date such as 2026-01-31"]),
    ("build --spec incomplete.toml", ["data: is missing", "tokenizer: is missing", "fields: is"]),
    ("build --spec no_template.toml", ["give a template", "template = 't/NAME'"]),
    ("build --spec both_templates.toml", ["give template or templates, not both"]),
    ("build --spec fields_text.toml", ["fields (line 5): must be a table"]),
    ("build --spec field_key.toml", ["fields.article.pth (line 6)", "Did you mean 'path'?"]),
    ("build --spec field_two.toml", ["(line 6): give one of", "fields.summary (line 7)"]),
    ("build --spec field_path.toml", ["'a..b' is not a field path", "'s[x]' is not a field path"]),
    ("build --spec field_type.toml", ["fields.article.type (line 6)", "'int'"]),
    ("build --spec field_missing.toml", ["needs the field 'summary'", "--map summary"]),
    ("build --spec field_unread.toml", ["Nothing reads the field 'author'", "Leave it out"]),
    ("build --spec column.toml", ["'txt'", "'smry'", "--map article=article"]),
    ("build --spec shares.toml", ["split (line 10)", "'train' is -1.0"]),
    ("build --spec split_name.toml", ["'tr ain' cannot name a file", "letters, digits"]),
    ("build --spec check_name.toml", ["'placeholdr'", "Did you mean 'placeholder'?"]),
    ("build --spec check_action.toml", ["(line 13): must be 'flag', 'drop' or 'fail'"]),
    ("build --spec check_fields.toml", ["checks need source_field and target_field"]),
    ("build --spec target.toml", ["target_field = 'sumary'", "Did you mean 'summary'?"]),
    ("build --spec template.toml", ["Did you mean 'summarize/article'?"]),
    ("build --spec new_template.toml", ["sftdata template new labels/plain"]),
    ("build --spec data.toml", ["There is no file 'rosw.jsonl'", "Did you mean 'rows.jsonl'?"]),
    ("build --spec tokenizer.toml", ["no tokenizer directory './smal'", "tokenizer.json"]),
    ("build --spec shots.toml", ["shots must be numbers from 0 to 64"]),
    ("build --spec idle.toml", ["keep (line 5): has no effect", "--max-length"]),
    ("build --spec swap.toml", ["swap.0.1 (line 5): is missing"]),
    ("build --spec where.toml", ["'lang'", "article, id, summary"]),
    ("build --spec preset.toml", ["There is no preset 'squd'", "Did you mean 'squad'?"]),
    ("build --spec messages.toml", ["set chat = true (--chat)"]),
    ("build --spec nested.toml", ["task: is missing", "spec (line 1): unknown key"]),
    ("build --spec choice_key.toml", ["templates.0.name (line 4): unknown key. Known: id"]),
    ("build --spec weight.toml", ["templates.0.weight (line 4): must be greater than 0"]),
    ("build --spec mix_task.toml", ["mix_task.toml", "'sumarize'", "Did you mean 'summarize'?"]),
    ("build --spec mix_text.toml", ["mix_text.toml: 'sources' must be tables", "[[sources]]"]),
    ("build --spec mix_key.toml", ["mix_key.toml", "weigth (line 5)", "Did you mean 'weight'?"]),
    ("build --spec mix_by.toml", ["by (line 4): must be 'rows'", "Did you mean 'temperature'?"]),
    ("build --spec mix_weight.toml", ["sources.0.weight (line 5): must be greater than 0"]),
    ("build --spec mix_some.toml", ["mix_some.toml", "grammar", "Give each source a weight"]),
    # templates
    ("build rows.jsonl --template summarize/syntax", ["line 1", "{{ field }}"]),
    ("build rows.jsonl --template summarize/no_block", ["line 1", "Move it into a block"]),
    ("build rows.jsonl --template summarize/loop", ["line 1", "{% if … %}"]),
    ("build rows.jsonl --template summarize/filter", ["line 2", "'upcase'", "filter"]),
    ("build rows.jsonl --template summarize/metadata", ["not TOML", 'key = "value"']),
    ("build rows.jsonl --template summarize/space", ["exactly one newline", "{% endblock %}"]),
    ("build rows.jsonl --template summarize/outside", ["line 1", "Move it into a block"]),
    ("build rows.jsonl --template summarize/no_target", ["target"]),
    ("template release summarize/space", ["exactly one newline", "{% endblock %}"]),
    ("template release summarize/syntax", ["line 1", "{{ field }}"]),
    # tokenizers
    ("build rows.jsonl --tokenizer ./nope", ["no tokenizer directory './nope'", "tokenizer.json"]),
    ("build rows.jsonl --tokenizer rows.jsonl", ["'rows.jsonl' is no file of a tokenizer"]),
    ("build rows.jsonl --tokenizer no_tokenizer", ["neither tokenizer.json nor", "Give the dir"]),
    ("build rows.jsonl --tokenizer cut_tokenizer", ["not valid JSON", "Copy the file again"]),
    ("build rows.jsonl --tokenizer other_tokenizer", ["not a tokenizer", "Copy the file again"]),
    ("init y --data rows.jsonl --tokenizer ./nope", ["no tokenizer directory './nope'"]),
    # damage
    ("inspect data/no_manifest", ["holds no dataset", "Datasets beside it: "]),
    ("inspect data/cut_manifest", ["manifest.json: not a readable manifest", "Build the dataset"]),
    ("stats data/list_manifest", ["it is no JSON object", "Build the dataset again"]),
    ("inspect data/newer", ["version 99", "pip install -U sftdata"]),
    ("inspect data/no_shard", ["train-00000.arrow", "sftdata verify data/no_shard"]),
    ("inspect data/cut_shard", ["train-00000.arrow", "sftdata verify data/cut_shard"]),
    ("verify data/no_manifest", ["holds no dataset"]),
    ("verify data/no_shard", ["train-00000.arrow: the file is missing", "Build it again"]),
    ("verify data/flipped --deep", ["train-00000.arrow", "Build it again"]),
    ("ledger data/no_ledger", [".arrow: the file is missing", "Build the dataset again"]),
]  # fmt: skip

# How pydantic, Python and Arrow speak.
FOREIGN = re.compile(
    r"Traceback|Input should|validation error|pydantic|Errno|NoneType|object has no attribute|"
    r"indices must|not supported between|invalid literal|codec can't"
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with wrong files, a dataset, and damaged copies of it."""
    folder = tmp_path_factory.mktemp("world")
    with chdir(folder):
        write_world()
        damage_copies(build("summarize", data="rows.jsonl", out="data/news").manifest.directory)
    return folder


@pytest.fixture
def _in_the_world(world: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(world)
    monkeypatch.setattr("gc.freeze", lambda: None)  # the process goes on
    before = sorted(world.rglob("*"))
    yield
    # What a build of rows that it refuses has made is kept for the next attempt.
    shutil.rmtree(world / "data/summarize", ignore_errors=True)
    assert sorted(world.rglob("*")) == before, "a wrong usage writes nothing"


def run(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command line."""
    monkeypatch.setattr("sys.argv", ["sftdata", *shlex.split(line)])
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return int(caught.value.code or 0), *capsys.readouterr()


@pytest.mark.usefixtures("_in_the_world")
@pytest.mark.parametrize(("line", "told"), USAGES, ids=[line for line, _ in USAGES])
def test_a_wrong_usage_gets_one_message_with_the_way_out(
    line: str,
    told: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, err = run(line, monkeypatch, capsys)
    damage = ("does not agree", "shard cannot be read", "the file is missing")
    is_damage = any(words in err for words in damage)
    assert code == (2 if err.startswith("Usage: ") else 3 if is_damage else 1), err
    assert out == ""
    (start,) = re.findall(r"Error E\d{3}: ", err)
    message = err.partition(start)[2]
    assert [part for part in told if part not in message] == [], message
    assert FOREIGN.search(message) is None, message


@pytest.mark.usefixtures("_in_the_world")
def test_with_json_the_error_is_an_object(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for line, code, exit_code in (
        ("inspect data/news --json --html x.html", "E101", 2),
        ("inspect nope --json", "E701", 1),
    ):
        status, out, err = run(line, monkeypatch, capsys)
        error = json.loads(err)["error"]
        assert (status, out, error["code"], error["exit_code"]) == (exit_code, "", code, exit_code)


def test_there_are_many_and_no_two_are_the_same() -> None:
    lines = [line for line, _ in USAGES]
    assert len({*lines}) == len(lines) >= 150
