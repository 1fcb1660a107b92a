"""A function in a process with limits: its answer, its error, or the limit that it reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from sftdata.base.limited_process import LimitError, Limits, run_limited
from sftdata.errors import SftdataError

LIMITS = Limits(seconds=2, memory=1 << 30)


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module on the path, whose functions misbehave."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "misbehaving.py").write_text(
        "import ctypes, sys\n"
        "from sftdata.errors import SftdataError\n"
        "def answer(data): return data[::-1]\n"
        "def refuse(data): raise SftdataError('no', 'hint', code='E602')\n"
        "def loop(data):\n    while True: pass\n"
        "def fill(data): return bytes(5 * 10**9)\n"
        "def crash(data): ctypes.string_at(0)\n"
        "def fail(data): raise ValueError('why')\n"
        "def recurse(data): return recurse(data)\n"
        "def leave(data): sys.exit(0)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return "misbehaving"


def test_the_answer_comes_back(hostile: str) -> None:
    assert run_limited(f"{hostile}:answer", b"\0abc\xff", LIMITS) == b"\xffcba\0"


def test_an_error_comes_back_with_its_code(hostile: str) -> None:
    with pytest.raises(SftdataError, match=r"^no\nhint$") as raised:
        run_limited(f"{hostile}:refuse", b"", LIMITS)
    assert raised.value.code == "E602"


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("loop", "takes too long"),
        ("fill", "takes too much memory"),
        ("crash", "ends the process with signal 11"),
        ("fail", "it fails: ValueError: why"),
        ("recurse", "RecursionError"),
        ("leave", "without an answer"),
    ],
)
def test_a_limit_and_a_crash_are_told(hostile: str, function: str, said: str) -> None:
    with pytest.raises(LimitError, match=said):
        run_limited(f"{hostile}:{function}", b"", LIMITS)


def test_modules_in_the_working_directory_are_not_run(hostile: str) -> None:
    for name in ("orjson", "tokenizers", "json", "re"):
        Path(f"{name}.py").write_text("open('touched', 'w')")
    assert run_limited(f"{hostile}:answer", b"ab", LIMITS) == b"ba"
    assert not Path("touched").exists()
