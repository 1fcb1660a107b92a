"""Commands that write, the files before them, and the checks after a fault."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sftdata.base.files import is_temporary
from support.doc_pages.model import make_model
from support.faults import COUNT, NAME, READ, Commands, End, Fault
from support.kills import manifest_of

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


_NEW = "template new news/short --from summarize/article"
_RELEASE = "template release news/short"
SCENARIOS = (
    Scenario("first build", BUILD, datasets=["out"]),
    Scenario("rebuild", BUILD, before=[BUILD], edit=_edit_rows, datasets=["out"]),
    Scenario("first mixture", MIX, datasets=["out"]),
    Scenario("mixture again", MIX, before=[MIX], edit=_edit_rows, datasets=["out"]),
    Scenario("rebuild from a manifest", "rebuild out/manifest.json --out again", before=[BUILD],
             datasets=["out", "again"]),
    Scenario("pack", "pack out --max-length 512", before=[BUILD], datasets=["out"],
             files=["out/packs"]),
    *(
        Scenario(f"export {name}", f"export out --to {name} --out x {more}".strip(),
                 before=[BUILD, "pack out --max-length 512"], datasets=["out"], outputs=["x"])
        for name, more in (
            ("trl", ""), ("megatron-packed", "--max-length 512"), ("olmo-core", ""), ("mds", ""),
            ("messages", ""), ("prompt-completion", ""), ("llamafactory", ""),
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
    Scenario("template release", _RELEASE, before=[_NEW], files=["templates"]),
    Scenario("second release", _RELEASE, before=[_NEW, _RELEASE], edit=_edit_template,
             files=["templates"]),
    Scenario("gc", "gc out", before=[BUILD], edit=_leave_garbage, datasets=["out"]),
    Scenario("init", "init project --data news.jsonl", datasets=["project/data/news"],
             outputs=["project/.gitignore", "project/README.md"],
             files=["project/pipelines", "project/.github"]),
)  # fmt: skip

_TRAIN = "train out --model model --out adapter --max-steps 1 --rank 2"
ADAPTER = Scenario("audit", "audit adapter", lambda work: make_model(work / "model"),
                   [f"{BUILD} --tokenizer model", _TRAIN])  # fmt: skip
RELEASED = Scenario("build of a release", f"{BUILD} --template news/short@1.0.0",
                    before=[_NEW, _RELEASE], datasets=["out"])  # fmt: skip


class Stage:
    """A scenario with its trees before the command and after an undisturbed one."""

    def __init__(self, scenario: Scenario, commands: Commands, folder: Path) -> None:
        self.scenario, self._commands, self._folder = scenario, commands, folder
        self.root = folder / "root"
        work = self.root / "work"
        shutil.rmtree(self.root, ignore_errors=True)
        work.mkdir(parents=True)
        _write_project(work)
        scenario.prepare(work)
        for command in scenario.before:
            end = commands.run(command.split(), self.root)
            assert end.status == 0, end.output
        scenario.edit(work)
        shutil.rmtree(folder / "before", ignore_errors=True)
        self.root.rename(folder / "before")
        self._work = work
        self._reset()
        self.before = self._state()
        end = self._run()
        assert end.status == 0, end.output
        self.seconds = end.seconds
        self.after = self._state()
        self.tree = read_tree(work)

    def count(self, fault: Fault) -> int:
        """The points of a fault."""
        self._reset()
        counting = Fault(fault.name, fault.kinds, COUNT)
        calls = self._run(counting).calls
        return calls if fault.points is None else min(calls, fault.points)

    def try_point(self, fault: Fault, point: int) -> str | None:
        """The problem after a fault at this point; None if there is none."""
        self._reset()
        end = self._run(fault, point)
        return self._find_problem(end, may_leave=bool(fault.kinds & (NAME | READ)))

    def try_kill(self, seconds: float) -> tuple[bool, str | None]:
        """Kills the command at a time; whether it still ran, and the problem."""
        self._reset()
        end = self._run(signal_after=(signal.SIGKILL, seconds))
        return end.status is None, self._find_problem(end)

    def try_signal(self, number: int, seconds: float) -> tuple[bool, str | None]:
        """Sends SIGINT or SIGTERM at a time; whether it came in time, and the problem."""
        self._reset()
        end = self._run(signal_after=(number, seconds))
        if end.status == 130 and "Interrupted." not in end.output:
            return True, f"no message: {end.output}"
        return end.status in (None, 130), self._find_problem(end)

    def try_file_limit(self, limit: int) -> str | None:
        """The problem where no file may grow past so many bytes."""
        self._reset()
        return self._find_problem(self._run(file_limit=limit))

    def bytes_written(self) -> int:
        """About the bytes that the command needs on the disk."""
        self._reset()
        before = shutil.disk_usage(self.root).free
        self._run()
        return max(0, before - shutil.disk_usage(self.root).free)

    def try_full_disk(self, disk: Path, room: int) -> str | None:
        """The problem where the disk has so many bytes left; then they are free again."""
        self._reset()
        ballast = disk / "ballast"
        with ballast.open("wb") as file:
            left = shutil.disk_usage(disk).free - room
            os.posix_fallocate(file.fileno(), 0, max(1, left))
        end = self._run()
        ballast.unlink()
        return self._find_problem(end)

    def try_damage(
        self, path: Path, damage: Callable[[Path], object], *, may_fail: bool = False
    ) -> str | None:
        """The problem of the command with a damaged file; it must succeed unless it `may_fail`."""
        self._reset()
        damage(self.root / path)
        end = self._run()
        if end.status == 0:
            return None if self._state() == self.after else f"{path}: another result"
        return (_check_end(end) or self._check_old()) if may_fail else f"{path}: {end.output}"

    def _check_old(self) -> str | None:
        return None if self._state() == self.before else "an error, but it is not the old state"

    def try_damage_of(
        self, path: Path, damage: Callable[[Path], object], command: str
    ) -> str | None:
        """The problem where `command` does not exit with 3 and name the damaged file."""
        self._reset()
        damage(self.root / path)
        end = self._commands.run(command.split(), self.root)
        if wrong := _check_end(end):
            return wrong
        if end.status == 0 or path.name not in end.output:
            return f"{path}: exit code {end.status}\n{end.output}"
        return None

    def _find_problem(self, end: End, *, may_leave: bool = False) -> str | None:
        try:
            return self._find_fault(end, may_leave)
        except Exception as error:
            return f"{type(error).__name__}: {error}\n{end.output}"

    def _find_fault(self, end: End, may_leave: bool) -> str | None:
        if end.status is not None and (wrong := _check_end(end)):
            return wrong
        state = self._state()
        for key, found in state.items():
            if found not in (self.before.get(key), self.after.get(key)):
                return f"{key} is neither old nor new"
        if end.status == 0 and state != self.after:
            return f"exit code 0, but it is not the new state\n{end.output}"
        if end.status and not may_leave and (left := _find_leftovers(self._work)):
            return f"left over after an error: {left}"
        is_done = state == self.after
        again = self._run()
        if again.status != 0 and not is_done:
            return f"the same command fails: {again.output}"
        if (tree := read_tree(self._work)) != self.tree:
            names = sorted(k for k in tree.keys() | self.tree if tree.get(k) != self.tree.get(k))
            return f"other files after the same command: {names}"
        return None

    def _reset(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(self._folder / "before", self.root, symlinks=True)

    def _run(self, fault: Fault | None = None, at: int = 0, **options: Any) -> End:
        return self._commands.run(self.scenario.command.split(), self.root, fault, at, **options)

    def _state(self) -> dict[str, Any]:
        """The content of each dataset, output and file that must be old or new."""
        state: dict[str, Any] = {
            name: manifest_of(self._work / name) for name in self.scenario.datasets
        }
        for name in self.scenario.outputs:
            state[name] = read_tree(self._work / name)
        for name in self.scenario.files:
            tree = read_tree(self._work / name)
            state |= {f"{name}/{key}": digest for key, digest in tree.items() if digest}
        return state


def _check_end(end: End) -> str | None:
    if "Traceback" in end.output or (end.status in (1, 3) and "Error E" not in end.output):
        return f"no message: {end.output[-2000:]}"
    if end.status not in (0, 1, 3, 130):
        return f"exit code {end.status}: {end.output}"
    return None


def read_tree(path: Path) -> dict[str, str]:
    """Digest of each file by its path, and the folders; without temporary files and locks."""
    tree = {}
    paths: Iterator[Path] = path.rglob("*") if path.is_dir() else iter([path])
    for each in paths:
        name = each.relative_to(path).as_posix()
        if each.is_dir():
            tree[f"{name}/"] = ""
        elif each.is_file() and not is_temporary(each) and each.name != ".lock":
            data = b"" if each.name == "journal.jsonl" else each.read_bytes()
            tree[name] = hashlib.sha256(data).hexdigest()
    return tree


def _find_leftovers(work: Path) -> list[str]:
    return [
        path.name
        for path in work.rglob(".*")
        if is_temporary(path) or path.name.endswith(".sftdata-unfinished")
    ]


def _write_project(work: Path) -> None:
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
