"""Tries the parsers of `support/parsers` with bytes that reach new code, found by atheris.

    pip install atheris
    python tests/property/fuzz.py spec lock --seconds 600 --out /tmp/fuzz

Without names it tries all of them. It prints a table: for each parser the seconds, the inputs
tried, and the faults. An input is a fault if it ends in another error than one of ours, takes more
than 2 seconds or more than 2 GB, or ends the process. It lies in `OUT/<parser>/faults`, with the
traceback beside it; inputs that reach new code lie in `OUT/<parser>/corpus`, and the next run
begins with them.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import time
import traceback
from pathlib import Path
from types import TracebackType
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
PATHS = [str(ROOT), str(ROOT / "train"), str(ROOT / "tests")]
# In pure Python; what is written in C or Rust is tried, too, but not steered by.
INSTRUMENTED = ["sftdata", "sftdata_train", "tomllib", "jinja2", "yaml"]
SLOW = 2.0  # seconds
HANGS = 30  # seconds, after which the process is ended
MEMORY = 2048  # MB
LONGEST = 65_536  # bytes


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("parsers", nargs="*", metavar="PARSER", help="default: all")
    options.add_argument("--seconds", type=int, default=600, help="for each parser")
    options.add_argument("--out", type=Path, required=True, help="folder of corpus and faults")
    given = options.parse_args()
    try:
        import atheris
    except ImportError:
        print("atheris is not installed: pip install atheris", file=sys.stderr)
        return 2
    sys.path[:0] = PATHS
    os.environ["HF_HUB_OFFLINE"] = "1"
    with atheris.instrument_imports(include=INSTRUMENTED):  # takes as long as 10,000 inputs
        from support.parsers import PARSERS
    if unknown := sorted({*given.parsers} - PARSERS.keys()):
        options.error(f"no parser is called {unknown[0]}; there are: {', '.join(PARSERS)}")
    print("| parser | seconds | tried | faults |\n|---|---|---|---|", flush=True)
    faults = [
        _run_child(name, given.seconds, given.out.absolute() / name)
        for name in given.parsers or PARSERS
    ]
    return 1 if any(faults) else 0


def _run_child(name: str, seconds: int, folder: Path) -> int:
    """Tries one parser in a process of its own, and prints its line; the number of faults."""
    for part in ("corpus", "faults", "work"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    known = set((folder / "faults").iterdir())
    start = time.monotonic()
    child = os.fork()
    if not child:
        _fuzz(name, seconds, folder)
    _, status = os.waitpid(child, 0)
    log = (folder / "log.txt").read_text(errors="replace")
    tried = re.findall(r"(?m)^(?:Done |#)(\d+)\b", log)
    new = {path.stem for path in (folder / "faults").iterdir() if path not in known}
    faults = len(new) or int(status != 0)
    print(f"| {name} | {time.monotonic() - start:.0f} | {tried[-1] if tried else 0} | {faults} |")
    sys.stdout.flush()
    return faults


# From here on: the process that tries one parser.


def _fuzz(name: str, seconds: int, folder: Path) -> NoReturn:
    """Tries the parser until the time is over, and ends the process."""
    import atheris
    from support.mutated import TOKENS
    from support.parsers import PARSERS
    from support.parsers.parser import read_or_refuse

    with (folder / "log.txt").open("w") as log:
        os.dup2(log.fileno(), 2)
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    shutil.rmtree(folder / "work")
    (folder / "work").mkdir()
    os.chdir(folder / "work")
    parser = PARSERS[name]()
    for number, seed in enumerate(parser.seeds):
        (folder / "corpus" / f"seed-{number}").write_bytes(seed)
    words = sorted({token for token in TOKENS if 0 < len(token) < 60})
    (folder / "words.txt").write_text("".join(f'"{_quote(word)}"\n' for word in words))
    faults = _Faults(folder / "faults")

    def try_input(data: bytes) -> None:
        start = time.process_time()
        try:
            read_or_refuse(parser, data)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            faults.add(data, error)
        if time.process_time() - start > SLOW:
            faults.add(data, TimeoutError(f"more than {SLOW} s"))

    limits = [f"-max_total_time={seconds}", f"-timeout={HANGS}", f"-rss_limit_mb={MEMORY}"]
    limits += [f"-max_len={LONGEST}", f"-dict={folder / 'words.txt'}"]
    places = [f"-artifact_prefix={folder / 'faults'}/", str(folder / "corpus")]
    atheris.Setup([sys.argv[0], *limits, *places], try_input)
    atheris.Fuzz()
    raise AssertionError("atheris ends the process")


def _quote(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


class _Faults:
    """The faults found so far, the smallest input of each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sizes: dict[str, int] = {}

    def add(self, data: bytes, error: BaseException) -> None:
        """Keeps the input if there is no smaller one with this error at this place."""
        name = f"{type(error).__name__}-{_place(error.__traceback__)}"
        if len(data) >= self._sizes.get(name, sys.maxsize):
            return
        self._sizes[name] = len(data)
        (self._folder / name).write_bytes(data)
        text = "".join(traceback.format_exception(error))
        (self._folder / f"{name}.txt").write_text(text, errors="replace")


def _place(trace: TracebackType | None) -> str:
    """Where an error was raised, as the last line of ours."""
    ours = (f"{ROOT / 'sftdata'}/", f"{ROOT / 'train'}/")
    frames = [f for f in traceback.extract_tb(trace) if f.filename.startswith(ours)]
    return f"{Path(frames[-1].filename).stem}-{frames[-1].lineno}" if frames else "here"


if __name__ == "__main__":
    sys.exit(main())
