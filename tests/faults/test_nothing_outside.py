"""No command writes, renames or removes anything outside its output and the cache: seen by strace.

The files it reads have hostile names, its output folder is full of links that lead out, and the
working directory holds modules with the names of those that Python imports.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.places import ROOT

PROGRAM = """
import json, subprocess, sys
for arguments in json.loads(sys.argv[1]):
    done = subprocess.run([sys.executable, sys.argv[2], *arguments], stdout=sys.stderr)
    print(arguments[0], done.returncode, flush=True)
"""
CALLS = (
    "open,openat,openat2,creat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,"
    "unlinkat,rmdir,mkdir,mkdirat,truncate,chmod,fchmodat,chown,lchown,fchownat,mknod,mknodat,"
    "utimensat,setxattr,lsetxattr"
)
_CALL = re.compile(r"(?:\[pid +\d+\] |\d+ +)?(\w+)\((.*)\) += (-?\d+)")
_PATH = re.compile(r'"((?:[^"\\]|\\.)*)"')
_WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND|O_TMPFILE")
MODULES = ("json", "orjson", "re", "struct", "tokenizers", "multiprocessing", "pyarrow", "numpy")


def can_trace() -> bool:
    if shutil.which("strace") is None:
        return False
    return (
        subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode == 0
    )


pytestmark = pytest.mark.skipif(not can_trace(), reason="strace is not there, or not allowed")


def touched(trace: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """Each path that a call of the trace has changed, or may change."""
    for line in trace.splitlines():
        found = _CALL.match(line)
        if found is None or found[3].startswith("-"):
            continue
        call, arguments = found[1], found[2]
        if call.startswith("open") and not _WRITES.search(arguments):
            continue
        for text in _PATH.findall(arguments):
            path = text.encode().decode("unicode_escape").encode("latin-1").decode(errors="replace")
            yield call, folder / path


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Files and folders that belong to somebody else."""
    folder = tmp_path / "outside"
    (folder / "shards").mkdir(parents=True)
    (folder / "shards" / "mine.arrow").write_text("mine")
    (folder / "victim").write_text("mine")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A working directory with rows in a file of a hostile name, and modules that leave a mark."""
    folder = tmp_path / "home"
    folder.mkdir()
    rows = [{"id": f"../../{i}\x1b]0;x\x07", "text": f"a {i}", "corrected": "b"} for i in range(30)]
    content = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "..;$(touch PWNED)`id`\n.jsonl").write_text(content)
    for name in MODULES:
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w')\n")
    return folder


def run(home: Path, commands: list[list[str]], trace: Path) -> str:
    script = home.parent / "bin" / "sftdata"  # as pip writes it
    script.parent.mkdir()
    script.write_text("from sftdata.cli import main\nif __name__ == '__main__':\n    main()\n")
    environment = os.environ | {
        "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "HF_HUB_OFFLINE": "1",
        "XDG_CACHE_HOME": str(home.parent / "cache"),
    }  # fmt: skip
    done = subprocess.run(
        ["strace", "-f", "-qq", "-s", "4096", "-e", f"trace={CALLS}", "-o", str(trace),
         sys.executable, "-P", "-c", PROGRAM, json.dumps(commands), str(script)],
        cwd=home, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def assert_only_inside(home: Path, trace: Path, *allowed: Path) -> None:
    roots = [path.resolve() for path in (*allowed, home.parent / "cache")]
    seen = 0
    for call, path in touched(trace.read_text(errors="replace"), home):
        place = Path(os.path.normpath(path))
        seen += 1
        inside = any(place == root or root in (place, *place.parents) for root in roots)
        assert inside or place.parts[1] in ("dev", "proc"), (call, place)
    assert seen > 10, "the trace holds the command's own writes"
    assert not (home.parent / "imported").exists()
    assert not list(home.parent.rglob("PWNED"))


def test_build_verify_export_and_gc_write_into_their_folders_alone(
    home: Path, outside: Path
) -> None:
    (source,) = home.glob("*.jsonl")
    build = ["build", "--task", "grammar", "--data", source.name, "--out", "out", "--workers", "2"]
    commands = [
        build, ["verify", "out", "--deep"], ["export", "out", "--to", "jsonl", "--out", "exported"],
        [*build, "--seed", "7"], ["gc", "out"],
    ]  # fmt: skip
    trace = home.parent / "trace"
    said = run(home, commands, trace)
    assert re.findall(r"^(\w+) (\w+)$", said, re.M) == [
        ("build", "0"), ("verify", "0"), ("export", "0"), ("build", "0"), ("gc", "0"),
    ]  # fmt: skip
    # A folder of an export is filled beside its place.
    exported = (home / "exported", home / ".exported.sftdata-unfinished")
    assert_only_inside(home, trace, home / "out", *exported)
    mine = [path.read_text() for path in (outside / "victim", outside / "shards" / "mine.arrow")]
    assert mine == ["mine", "mine"]


@pytest.mark.parametrize("name", ["shards", ".lock"])
def test_links_in_the_output_are_not_followed(home: Path, outside: Path, name: str) -> None:
    (home / "out").mkdir()
    target = outside / "shards" if name in ("shards", "ledger") else outside / "victim"
    (home / "out" / name).symlink_to(target)
    before = sorted((str(p), p.lstat().st_mtime_ns) for p in outside.rglob("*"))
    (source,) = home.glob("*.jsonl")
    out = ["--out", "out"]
    build = ["build", "--task", "grammar", "--data", source.name, *out]
    trace = home.parent / "trace"
    run(home, [build, ["verify", "out"], ["gc", "out"]], trace)
    for call, path in touched(trace.read_text(errors="replace"), home):
        assert "outside" not in str(path.resolve()), (call, path)
    assert sorted((str(p), p.lstat().st_mtime_ns) for p in outside.rglob("*")) == before
    assert not (home.parent / "imported").exists()
