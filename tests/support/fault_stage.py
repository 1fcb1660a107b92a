"""A scenario on its stage: the files before a command, a fault, and the checks after it."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sftdata.base.files import is_temporary
from support.fake_hub import FakeHub, serve
from support.fault_scenarios import Needs, Scenario, write_project
from support.faults import COUNT, NAME, READ, Commands, End, Fault, commands
from support.kills import manifest_of

# What the commands of a kind import besides.
_MODULES: Mapping[Needs, tuple[str, ...]] = {
    "data": (),
    "hub": ("huggingface_hub.hf_api", "sftdata.exporting.push"),
    "torch": (
        "transformers.models.llama.modeling_llama", "peft.utils.transformers_weight_conversion",
        "sacrebleu", "rouge_score.rouge_scorer", "sftdata_train.evaluating.evaluation",
        "sftdata_train.evaluating.page", "sftdata_train.evaluating.run_comparison",
        "sftdata_train.merge", "sftdata_train.training.train",
    ),
}  # fmt: skip
MakeStage = Callable[[Scenario, Path], "Stage"]


@contextmanager
def open_stages(scratch: Path) -> Iterator[MakeStage]:
    """Makes stages in folders; what runs their commands is started for the first of a kind."""
    with ExitStack() as stack:
        started: dict[Needs, tuple[Commands, FakeHub | None]] = {}

        def start(needs: Needs) -> tuple[Commands, FakeHub | None]:
            hub, env = None, {}
            if needs == "hub":
                hub = stack.enter_context(serve())
                env = {"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_mine"}
                env |= {"HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
            folder = scratch / needs
            folder.mkdir(parents=True)
            return stack.enter_context(commands(folder, _MODULES[needs], env)), hub

        def make(scenario: Scenario, folder: Path) -> Stage:
            if scenario.needs not in started:
                started[scenario.needs] = start(scenario.needs)
            return Stage(scenario, *started[scenario.needs], folder)

        yield make


class Stage:
    """A scenario with its trees before the command and after an undisturbed one."""

    def __init__(
        self, scenario: Scenario, commands: Commands, hub: FakeHub | None, folder: Path
    ) -> None:
        self.scenario, self._commands, self._hub, self._folder = scenario, commands, hub, folder
        self.root = folder / "root"
        work = self.root / "work"
        shutil.rmtree(self.root, ignore_errors=True)
        work.mkdir(parents=True)
        (self.root / "tmp").mkdir()
        write_project(work)
        if hub is not None:
            hub.repos, hub.stored = {}, {}
        scenario.prepare(work)
        for command in scenario.before:
            end = commands.run(command.split(), self.root)
            assert end.status == 0, end.output
        scenario.edit(work)
        shutil.rmtree(folder / "before", ignore_errors=True)
        self.root.rename(folder / "before")
        if hub is not None:
            self._hub_before = copy.deepcopy((hub.repos, hub.stored))
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
            old, new = self.before.get(key), self.after.get(key)
            if found not in (old, new):
                return f"{key} is neither old nor new: {_find_others(found, new)}"
        if end.status == 0 and state != self.after:
            return f"exit code 0, but it is not the new state\n{end.output}"
        if end.status and not may_leave and (left := self._find_leftovers()):
            return f"left over after an error: {left}"
        is_done = state == self.after
        again = self._run()
        if again.status != 0 and not is_done:
            return f"the same command fails: {again.output}"
        if (tree := read_tree(self._work)) != self.tree:
            return f"other files after the same command: {_find_others(tree, self.tree)}"
        if not is_done and self._state() != self.after:
            return "it is not the new state after the same command"
        return None

    def _reset(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(self._folder / "before", self.root, symlinks=True)
        if self._hub is not None:
            self._hub.repos, self._hub.stored = copy.deepcopy(self._hub_before)

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
        for name in self.scenario.runs:
            if _is_finished(self._work / name):
                state[name] = read_tree(self._work / name)
        if self._hub is not None:
            repos = self._hub.repos.items()
            state["hub"] = {name: dict(repo.files) for name, repo in repos if repo.files}
        return state

    def _find_leftovers(self) -> list[str]:
        """Temporary files in the project, and all files in the folder for such."""
        left = [path.name for path in self._work.rglob(".*") if is_leftover(path)]
        return left + [path.name for path in (self.root / "tmp").iterdir()]


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
            tree[name] = hashlib.sha256(_read_content(each)).hexdigest()
    return tree


def _find_others(found: Any, expected: Any) -> list[str]:
    """Names of files in a folder, or keys of a manifest, that are others than expected."""
    if not (isinstance(found, dict) and isinstance(expected, dict)):
        return []
    return sorted(name for name in {*found, *expected} if found.get(name) != expected.get(name))


def is_leftover(path: Path) -> bool:
    """Whether a command has it while it writes, and not afterwards."""
    return is_temporary(path) or path.name.endswith(".sftdata-unfinished")


def _is_finished(run: Path) -> bool:
    """Whether a training says that it is complete."""
    return (run / "sftdata.json").is_file() and not (run / "run.json").exists()


def _read_content(path: Path) -> bytes:
    """The bytes of a file, without times."""
    if path.name == "journal.jsonl":
        return b""
    data = path.read_bytes()
    if path.name == "metrics.jsonl":
        lines = [json.loads(line) for line in data.splitlines()]
        return json.dumps([[line["step"], line["loss"]] for line in lines]).encode()
    if path.name == "sftdata.json":  # it has the digest of the metrics
        passport = json.loads(data)
        del passport["own_sha256"]
        passport["files"].pop("metrics.jsonl", None)
        return json.dumps(passport).encode()
    return data
