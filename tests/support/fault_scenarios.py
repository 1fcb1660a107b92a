"""Commands that write, and the files that they start from."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from support.doc_pages.model import make_model

_SPEC = """
task = "{task}"
data = ["../{task}.jsonl"]
template = "{template}"
tokenizer = "tokenizers/small"
[fields]
{fields}
"""
_MIXTURE = """
task = "mixed"
tokenizer = "tokenizers/small"
[[sources]]
spec = "news.toml"
weight = 2
[[sources]]
spec = "fixes.toml"
weight = 1
"""
BUILD = "build --spec pipelines/news.toml --out out"
MIX = "build --spec pipelines/mixed.toml --out out"

# What a command needs beside the data modules: a Hub on this machine, or torch. Both take seconds
# to start, so CI runs these commands in `test_kill_commands.py` alone.
Needs = Literal["data", "hub", "torch"]


@dataclass(frozen=True)
class Scenario:
    """A command, and the files that it starts from."""

    name: str
    command: str
    prepare: Callable[[Path], object] = lambda work: None  # before the commands
    before: Sequence[str] = ()  # commands
    edit: Callable[[Path], None] = lambda work: None  # after them
    datasets: Sequence[str] = ()  # folders that are an old or a new dataset
    outputs: Sequence[str] = ()  # files and folders that are old or new as a whole
    files: Sequence[str] = ()  # folders of which each file is old or new
    runs: Sequence[str] = ()  # folders of trainings, which are new once they are finished
    needs: Needs = "data"
    is_like_others: bool = False  # in what it does to files; CI leaves it out


def _edit_rows(work: Path) -> None:
    _write_rows(work, 25, 1)


def _edit_template(work: Path) -> None:
    path = work / "templates/news/short.jinja"
    path.write_text(path.read_text().replace("Summary:", "In short:"))


def _leave_garbage(work: Path) -> None:
    for name in ("shards/unfinished/train-00000.arrow", "ledger/0123456789abcdef.arrow"):
        path = work / "out" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"left")


def _write_model(work: Path) -> None:
    make_model(work / "model")


def _write_many_rows(work: Path) -> None:
    _write_rows(work, 600, 0)  # more than the first process encodes by itself


def _write_collection(work: Path) -> None:
    lines = [
        f"  {n}: {{name: {name}, jinja: '{{{{text}}}} ||| {{{{{name}}}}}'}}\n"
        for n, name in enumerate(("first", "second"))
    ]
    (work / "theirs.yaml").write_text("".join(["dataset: news\ntemplates:\n", *lines]))


_NEW = "template new news/short --from summarize/article"
_RELEASE = "template release news/short"
_PACK = "pack out --max-length 512"
_PUSH = "push out hf:me/made --allow-draft --with-text"
_MODEL_BUILD = f"{BUILD} --tokenizer model"
_TRAIN = (
    "train out --model model --out adapter --rank 2 --lr 0.01 --max-steps 2 --save-every 1 "
    "--log-every 1 --micro-batch 2 --accumulate 1"
)
_EVAL = (
    "eval out --model model --adapter adapter --split train --limit 3 --batch-size 2 "
    "--max-new-tokens 2 --html page.html"
)
SCENARIOS = (
    Scenario("first build", BUILD, datasets=["out"]),
    Scenario("rebuild", BUILD, before=[BUILD], edit=_edit_rows, datasets=["out"]),
    Scenario("first build, two workers", f"{BUILD} --workers 2", _write_many_rows,
             datasets=["out"], is_like_others=True),
    Scenario("first mixture", MIX, datasets=["out"]),
    Scenario("mixture again", MIX, before=[MIX], edit=_edit_rows, datasets=["out"]),
    Scenario("rebuild from a manifest", "rebuild out/manifest.json --out again", before=[BUILD],
             datasets=["out", "again"]),
    Scenario("pack", _PACK, before=[BUILD], datasets=["out"], files=["out/packs"]),
    *(
        Scenario(f"export {name.split()[0]}", f"export out --to {name} --out x",
                 before=[BUILD, _PACK], datasets=["out"], outputs=["x"], is_like_others=is_like)
        for name, is_like in (
            ("trl", False), ("megatron-packed --max-length 512", False), ("olmo-core", False),
            ("mds", False), ("messages", False), ("prompt-completion", False),
            ("llamafactory", False), ("hf --with-text", True), ("parquet --with-text", True),
            ("jsonl --with-text", True), ("axolotl", True), ("open-instruct", True),
        )
    ),
    Scenario("report", "report out -o page.html",
             before=[BUILD, "report out -o page.html --seed 1"],
             outputs=["page.html"]),
    Scenario("diff --html", "diff out other --html page.html",
             before=[BUILD, "build --spec pipelines/fixes.toml --out other"],
             outputs=["page.html"]),
    Scenario("inspect --html", "inspect out --html page.html",
             before=[BUILD, "inspect out --html page.html --limit 1"], outputs=["page.html"]),
    Scenario("doctor --sarif", "doctor out --fail-on never --sarif found.sarif",
             before=[BUILD],
             outputs=["found.sarif"]),
    Scenario("template new", _NEW, outputs=["templates/news/short.jinja"]),
    Scenario("template import", "template import promptsource theirs.yaml", _write_collection,
             files=["templates"]),
    Scenario("template release", _RELEASE, before=[_NEW], files=["templates"]),
    Scenario("second release", _RELEASE, before=[_NEW, _RELEASE], edit=_edit_template,
             files=["templates"]),
    Scenario("gc", "gc out", before=[BUILD], edit=_leave_garbage, datasets=["out"]),
    Scenario("cache clear", "cache clear", before=[BUILD], files=["../cache"]),
    Scenario("init", "init project --data news.jsonl", datasets=["project/data/news"],
             outputs=["project/.gitignore", "project/README.md"],
             files=["project/pipelines", "project/.github"]),
    Scenario("first push", _PUSH, before=[BUILD], datasets=["out"], needs="hub"),
    Scenario("second push", _PUSH, before=[BUILD, _PUSH, f"{BUILD} --seed 1"], datasets=["out"],
             needs="hub"),
    Scenario("train", _TRAIN, _write_model, [_MODEL_BUILD], datasets=["out"], runs=["adapter"],
             needs="torch"),
    Scenario("merge", "merge adapter --out merged", _write_model, [_MODEL_BUILD, _TRAIN],
             outputs=["adapter", "merged"], needs="torch"),
    Scenario("eval", f"{_EVAL} --answers answers --save run.json", _write_model,
             [_MODEL_BUILD, _TRAIN], outputs=["adapter", "page.html", "run.json"], needs="torch"),
    Scenario("eval, answers in the cache", _EVAL, _write_model, [_MODEL_BUILD, _TRAIN],
             outputs=["adapter", "page.html"], needs="torch"),
    Scenario("compare-runs --html", "compare-runs a.json b.json --html page.html", _write_model,
             [_MODEL_BUILD, _TRAIN, f"{_EVAL} --save a.json", f"{_EVAL} --shots 1 --save b.json"],
             outputs=["page.html"], needs="torch"),
)  # fmt: skip

ADAPTER = Scenario("audit", "audit adapter", _write_model, [_MODEL_BUILD, _TRAIN], needs="torch")
RELEASED = Scenario("build of a release", f"{BUILD} --template news/short@1.0.0",
                    before=[_NEW, _RELEASE], datasets=["out"])  # fmt: skip


def write_project(work: Path) -> None:
    (work / "pipelines").mkdir()
    fields = {
        "news": ("summarize/article", 'id = "id"\narticle = "article"\nsummary = "summary"'),
        "fixes": ("grammar/plain", 'id = "id"\ntext = "article"\ncorrected = "summary"'),
    }
    for task, (template, lines) in fields.items():
        text = _SPEC.format(task=task, template=template, fields=lines)
        (work / f"pipelines/{task}.toml").write_text(text)
    (work / "pipelines/mixed.toml").write_text(_MIXTURE)
    _write_rows(work, 20, 0)


def _write_rows(work: Path, count: int, seed: int) -> None:
    words = random.Random(seed).choices(("a", "few", "words", "more"), k=count)
    for task in ("news", "fixes"):
        rows = [
            {"id": f"{task}-{n}", "article": f"Article {n}: {word * n}.", "summary": f"Sum {n}."}
            for n, word in enumerate(words)
        ]
        lines = [json.dumps(row) + "\n" for row in rows]
        (work / f"{task}.jsonl").write_text("".join(lines))
