"""`train`, `merge` and `eval`, killed at random times; the same command must then go on.

Run as a script, this file is a process that has imported everything and started nothing: each
command is a fork of it, so that a kill costs a command and not the import of torch.
"""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
_TRAIN = (
    "train out --model model --out adapter --allow-draft --rank 4 --lr 0.01 --max-steps 8 "
    "--save-every 1 --log-every 1 --micro-batch 2 --accumulate 1"
)
_MERGE = "merge adapter --out merged"
_EVAL = (
    "eval out --model model --adapter adapter --split validation --limit 2 --max-new-tokens 2 "
    "--html page.html"
)


@dataclass(frozen=True)
class End:
    """How a command ended."""

    status: int | None  # its exit code; None: killed
    seconds: float
    output: str  # stdout and stderr


@dataclass
class Kills:
    """What kills of a command did."""

    command: str
    ended: int = 0  # before they were killed
    killed: int = 0
    resumed: int = 0  # from a checkpoint
    failures: list[str] = field(default_factory=list)


class Trainer:
    """Runs `sftdata` commands in a folder, as forks of a process that has imported torch."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(work)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        )

    def run(self, command: str, kill_after: float | None = None) -> End:
        """Runs a command; SIGKILL after so many seconds."""
        request = {"arguments": command.split(), "kill_after": kill_after}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return End(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        self._process.communicate()


@contextmanager
def trainer(folder: Path) -> Iterator[Trainer]:
    """A `Trainer` in a new folder, with a dataset and a model."""
    work = folder / "work"
    make_inputs(work)
    process = Trainer(work)
    try:
        yield process
    finally:
        process.close()


def make_inputs(work: Path) -> None:
    """A dataset of 40 rows with the small tokenizer, in `out`, and a model of its size."""
    import torch

    from sftdata.building.build import build
    from support.tiny_models import llama

    work.mkdir()
    rows = [{"id": f"{i}", "article": f"Article {i}.", "summary": f"Sum {i}."} for i in range(40)]
    source = work.parent / "rows.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    small = PROJECT / "pipelines/tokenizers/small"
    build("summarize", data=source, template="summarize/article", tokenizer=small, out=work / "out")
    llama(vocab_size=8192).to(torch.float32).save_pretrained(work / "model")
    for path in small.glob("*.json"):
        shutil.copy(path, work / "model")


def kill_training(process: Trainer, number: int, seed: int = 0) -> Kills:
    """Kills `train` and runs it again: the files must be those of an undisturbed run.

    Leaves the adapter of the last one for `kill_merge` and `kill_evaluation`.
    """
    return _kill(process, _TRAIN, "adapter", _read_adapter, number, seed)


def kill_merge(process: Trainer, number: int, seed: int = 0) -> Kills:
    """Kills `merge`: the folder is whole or not there, and the same command makes it."""
    return _kill(process, _MERGE, "merged", read_files, number, seed)


def kill_evaluation(process: Trainer, number: int, seed: int = 0) -> Kills:
    """Kills `eval`: its page is whole or not there, and the same command makes it."""
    return _kill(process, _EVAL, "page.html", read_files, number, seed)


def _kill(
    process: Trainer,
    command: str,
    output: str,
    read: Callable[[Path], Mapping[str, bytes]],
    number: int,
    seed: int,
) -> Kills:
    out = process.work / output
    before = sorted(path.name for path in process.work.iterdir())
    process.run(command)  # the first is slower than the others
    _remove(out)
    undisturbed = process.run(command)
    assert undisturbed.status == 0, undisturbed.output
    expected, chance = read(out), random.Random(seed)
    found = Kills(command.split()[0])
    length = undisturbed.seconds
    for i in range(3 * number):
        if found.killed == number:
            break
        _remove(out)
        # Evenly over the run, so that each part of it is hit in every series.
        moment = length * ((i + chance.random()) / number % 1)
        first = process.run(command, kill_after=moment)
        found.killed += first.status is None
        found.ended += first.status is not None
        if first.status is not None:  # the machine is less busy now
            length = min(length, first.seconds)
        where = f"{found.command}, killed after {moment:.3f} s"
        if _is_whole(out) and (wrong := _compare(read(out), expected)):
            found.failures.append(f"{where}: {wrong}")
        if first.status is not None:
            continue
        again = process.run(command)
        found.resumed += "resuming from" in again.output
        left = sorted({path.name for path in process.work.iterdir()} - {*before, output})
        if again.status != 0:
            is_done = found.command == "merge" and _is_whole(out)
            wrong = None if is_done else f"the same command fails: {again.output[-2000:]}"
        else:
            wrong = _compare(read(out), expected)
        if wrong or left:
            found.failures.append(f"{where}: {wrong or f'left over: {left}'}")
    return found


def _compare(found: Mapping[str, bytes], expected: Mapping[str, bytes]) -> str | None:
    names = sorted(n for n in found.keys() | expected.keys() if found.get(n) != expected.get(n))
    return f"other files than those of an undisturbed run: {names}" if names else None


def _is_whole(out: Path) -> bool:
    """Whether the output says that it is complete: a page, or a folder without a run in it."""
    if out.is_dir():
        return (out / "sftdata.json").is_file() and not (out / "run.json").exists()
    return out.is_file()


def _read_adapter(folder: Path) -> dict[str, bytes]:
    """The files of an adapter; of the metrics the losses alone, as the others are times."""
    files = read_files(folder)
    lines = [json.loads(line) for line in files["metrics.jsonl"].splitlines()]
    files["metrics.jsonl"] = json.dumps([[line["step"], line["loss"]] for line in lines]).encode()
    passport = json.loads(files["sftdata.json"])
    del passport["own_sha256"], passport["files"]["metrics.jsonl"]
    files["sftdata.json"] = json.dumps(passport).encode()
    return files


def read_files(path: Path) -> dict[str, bytes]:
    """The bytes of each file by its path."""
    paths = sorted(path.rglob("*")) if path.is_dir() else [path]
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in paths if p.is_file()}


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


# From here on: the process that forks.


def _serve() -> None:
    import torch
    import transformers  # noqa: F401

    import sftdata_train.evaluating.evaluation
    import sftdata_train.evaluating.page
    import sftdata_train.merge
    import sftdata_train.training.train  # noqa: F401
    from sftdata.cli import main

    torch.set_num_threads(1)
    os.chdir(sys.argv[1])
    for line in sys.stdin:
        print(json.dumps(_run(json.loads(line), main)), flush=True)


def _run(request: Mapping[str, Any], main: Callable[[], None]) -> dict[str, Any]:
    started = time.monotonic()
    output = Path("../output.txt").resolve()
    waiting, ending = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(waiting)
        _child(request["arguments"], main, output)
    os.close(ending)
    ready, _, _ = select.select([waiting], [], [], request["kill_after"])
    if not ready:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(waiting)
    return {
        "status": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
        "seconds": time.monotonic() - started,
        "output": output.read_text(encoding="utf-8", errors="replace"),
    }


def _child(arguments: Sequence[str], main: Callable[[], None], output: Path) -> None:
    printed = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    sys.argv = ["sftdata", *arguments]
    status = 0
    try:
        main()
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException as error:  # as Python would end
        import traceback

        traceback.print_exception(error)
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    _serve()
