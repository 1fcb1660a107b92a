"""Datasets of which a file is damaged, the commands that read them, and what must hold then."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from support.commands import CommandServer
from support.kills import make_rows, write_rows, write_spec

# Made from the manifest, hold no row, and are written again by every build.
NOT_CHECKED = ("README.md", "plots", ".lock")

READERS: list[list[str]] = [
    ["load", "{data}"],
    ["stats", "{data}", "--json"],
    ["inspect", "{data}", "--json"],
    ["ledger", "{data}", "--json"],
    ["doctor", "{data}", "--json", "--fail-on", "never"],
    ["report", "{data}", "-o", "report.html"],
    ["export", "{data}", "--to", "trl", "--out", "exported"],
    ["pack", "{data}", "--max-length", "900", "--json"],
    ["diff", "{data}", "whole", "--json"],
]
MIXTURE = """
task = "mixed"
[[sources]]
spec = "one.toml"
[[sources]]
spec = "two.toml"
"""
KINDS = {
    "few-shot": ["--task", "grammar", "--shots", "1", "--data", "rows.jsonl",
                 "--map", "text=article", "--map", "corrected=summary"],
    "mixture": ["--spec", "mixture.toml"],
}  # fmt: skip


def build_whole(kind: str, server: CommandServer) -> list[str]:
    """Builds a dataset with a pack plan in `whole`, and one of other rows in `other`.

    The command that builds it, but for `--out`.
    """
    command = ["build", *KINDS[kind], "--max-dropped", "50"]
    for out, seed in (("other", 7), ("whole", 1)):
        write_rows(Path("rows.jsonl"), make_rows(60, seed, words=12))
        for number, name in enumerate(("one", "two"), 1):
            data = write_rows(Path(f"{name}.jsonl"), make_rows(30, seed + number, words=12))
            write_spec(Path(f"{name}.toml"), data, tokenizer="tokenizers/small")
        Path("mixture.toml").write_text(MIXTURE)
        for arguments in ([*command, "--out", out], ["pack", out, "--max-length", "900"]):
            done = server.run(*arguments)
            assert done.code == 0, done.err
    return command


def checked_files(dataset: Path) -> list[Path]:
    """Files under a digest, relative to the dataset."""
    files = [path.relative_to(dataset) for path in sorted(dataset.rglob("*")) if path.is_file()]
    return [path for path in files if not set(path.parts) & set(NOT_CHECKED)]


def kind_of(name: Path) -> str:
    """The folder of a file, or its name; of a part, that of the part."""
    parts = [part for part in name.parts if part != "parts"]
    return f"part's {parts[1]}" if len(parts) < len(name.parts) else parts[0]


def flip(rng: random.Random) -> Callable[[Path], None]:
    """Flips one bit of a file."""

    def damage(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)

    return damage


class Damaged:
    """Copies of `whole`, each with one damage."""

    def __init__(self, server: CommandServer) -> None:
        self._server = server
        self._expected: dict[tuple[str, ...], str] = {}

    def try_damage(
        self, name: Path, damage: Callable[[Path], object], readers: Sequence[Sequence[str]]
    ) -> str | None:
        """The problem with a copy of the dataset whose file was damaged; None if there is none."""
        shutil.rmtree("damaged", ignore_errors=True)
        shutil.copytree("whole", "damaged")
        damage(Path("damaged") / name)
        done = self._server.run("verify", "damaged")
        if not done.is_one_message or (done.code != 3 and name.name != "manifest.json"):
            return f"verify {name}: {done}"
        # A part may be newer than its mixture, so of a stale manifest the other files are named.
        is_part = "parts" in name.parts and name.name == "manifest.json"
        named = name.parent.as_posix() if is_part else name.name.removesuffix(".sha256")
        if named not in done.err:
            return f"verify does not name {name}: {done.err}"
        for reader in readers:
            expected = self._read_whole(tuple(reader))
            done = self._server.run(*(part.format(data="damaged") for part in reader))
            if done.code == 0:
                if done.out.replace("damaged", "whole") != expected:
                    return f"{reader[0]} with {name} gives another result"
            elif not done.is_one_message:
                return f"{reader[0]} with {name}: {done}"
            shutil.rmtree("exported", ignore_errors=True)
        return None

    def _read_whole(self, reader: tuple[str, ...]) -> str:
        """What a reader prints for the undamaged dataset; each must succeed there."""
        if reader not in self._expected:
            done = self._server.run(*(part.format(data="whole") for part in reader))
            assert done.code == 0, done
            self._expected[reader] = done.out
            shutil.rmtree("exported", ignore_errors=True)
        return self._expected[reader]
