"""Damaged files of a dataset: `verify` names each, a build mends each, and no reader is fooled.

CI tries some of the damage; SFTDATA_FAULTS=all tries all of it and prints a table:
    SFTDATA_FAULTS=all pytest -s tests/faults/test_flipped_bits.py
"""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.commands import CommandServer, command_server
from support.kills import files_of, make_rows, write_rows, write_spec

IS_WHOLE = os.environ.get("SFTDATA_FAULTS") == "all"
FLIPS = 1_000 if IS_WHOLE else 20  # in each kind of dataset
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


@dataclass
class Tally:
    """The number of damages and the problems found, by kind of file."""

    tried: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, kind: str, problem: str | None) -> None:
        self.tried[kind] += 1
        if problem is not None:
            self.wrong.append(f"{kind}: {problem}")

    def check(self) -> None:
        for kind, number in sorted(self.tried.items()):
            wrong = sum(line.startswith(f"{kind}: ") for line in self.wrong)
            print(f"{kind:24} {number:6} tried {wrong:6} wrong")
        assert self.tried
        assert self.wrong == []


@pytest.fixture(scope="module")
def server() -> Iterator[CommandServer]:
    with command_server() as started:
        yield started


@pytest.fixture(params=KINDS)
def whole(
    request: pytest.FixtureRequest, tmp_path: Path, server: CommandServer
) -> tuple[Path, list[str]]:
    """A dataset with a pack plan, and the command that builds it; each test may damage a copy."""
    write_rows(Path("rows.jsonl"), make_rows(60, 1, words=12))
    for name, seed in (("one", 2), ("two", 3)):
        data = write_rows(Path(f"{name}.jsonl"), make_rows(30, seed, words=12))
        write_spec(Path(f"{name}.toml"), data, tokenizer="tokenizers/small")
    Path("mixture.toml").write_text(MIXTURE)
    command = ["build", *KINDS[request.param], "--max-dropped", "50"]
    for arguments in (
        [*command, "--out", "whole"],
        ["pack", "whole", "--max-length", "900"],
    ):
        done = server.run(*arguments)
        assert done.code == 0, done.err
    return Path("whole"), command


def checked_files(dataset: Path) -> list[Path]:
    """Files under a digest, relative to the dataset."""
    files = [path.relative_to(dataset) for path in sorted(dataset.rglob("*")) if path.is_file()]
    return [path for path in files if not set(path.parts) & set(NOT_CHECKED)]


def kind_of(name: Path) -> str:
    parts = [part for part in name.parts if part != "parts"]
    return f"part's {parts[1]}" if len(parts) < len(name.parts) else parts[0]


def try_damage(
    server: CommandServer, name: Path, damage: Callable[[Path], object], readers: list[list[str]]
) -> str | None:
    """The problem with a copy of the dataset whose file was damaged; None if there is none."""
    shutil.rmtree("damaged", ignore_errors=True)
    shutil.copytree("whole", "damaged")
    damage(Path("damaged") / name)
    done = server.run("verify", "damaged")
    if not done.is_one_message or (done.code != 3 and name.name != "manifest.json"):
        return f"verify {name}: {done}"
    if name.name.removesuffix(".sha256") not in done.err:
        return f"verify does not name {name}: {done.err}"
    for reader in readers:
        expected = read_whole(server, tuple(reader))
        done = server.run(*(part.format(data="damaged") for part in reader))
        if done.code == 0:
            if done.out.replace("damaged", "whole") != expected:
                return f"{reader[0]} with {name} gives another result"
        elif not done.is_one_message:
            return f"{reader[0]} with {name}: {done}"
        shutil.rmtree("exported", ignore_errors=True)
    return None


def read_whole(server: CommandServer, reader: tuple[str, ...]) -> str:
    """The output of a reader for the undamaged dataset; each reader must succeed there."""
    key = (Path.cwd(), reader)
    if key not in _READ:
        done = server.run(*(part.format(data="whole") for part in reader))
        assert done.code == 0, done
        _READ[key] = done.out
        shutil.rmtree("exported", ignore_errors=True)
    return _READ[key]


_READ: dict[tuple[Path, tuple[str, ...]], str] = {}


def flip(rng: random.Random) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)

    return damage


def test_each_flipped_bit_is_found_and_no_reader_is_fooled(
    whole: tuple[Path, list[str]], server: CommandServer
) -> None:
    rng, tally = random.Random(1), Tally()
    files = checked_files(whole[0])
    for number in range(FLIPS):
        name = files[number % len(files)]
        readers = READERS if IS_WHOLE else rng.sample(READERS, 2)
        tally.add(kind_of(name), try_damage(server, name, flip(rng), readers))
    tally.check()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\n"),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


def test_each_other_damage_is_found_and_no_reader_is_fooled(
    whole: tuple[Path, list[str]], server: CommandServer
) -> None:
    rng, tally = random.Random(2), Tally()
    for name in checked_files(whole[0]):
        if name == Path("manifest.json"):
            continue  # without it there is no dataset
        for kind, damage in DAMAGES.items():
            if kind == "missing" and name.suffix == ".arrow" and "packs" in name.parts:
                continue  # a dataset needs no plan
            if IS_WHOLE or rng.random() < 0.2:
                readers = READERS if IS_WHOLE else rng.sample(READERS, 1)
                tally.add(kind, try_damage(server, name, damage, readers))
    tally.check()


def test_building_again_mends_each_file(
    whole: tuple[Path, list[str]], server: CommandServer
) -> None:
    """Also where the build would be up to date but for the damage."""
    rng, tally = random.Random(3), Tally()
    plans = Path("whole/packs")
    shutil.rmtree(plans)  # a build makes none
    undamaged = files_of(Path("whole"))
    files = checked_files(whole[0])
    for name in files if IS_WHOLE else rng.sample(files, min(6, len(files))):
        for damage in (flip(rng), DAMAGES["missing"]) if IS_WHOLE else (flip(rng),):
            shutil.rmtree("damaged", ignore_errors=True)
            shutil.copytree("whole", "damaged")
            damage(Path("damaged") / name)
            done = server.run(*whole[1], "--out", "damaged")
            problem = None if done.code == 0 else str(done)
            if problem is None and files_of(Path("damaged")) != undamaged:
                problem = f"{name} was not mended"
            if problem is None and server.run("verify", "damaged").code != 0:
                problem = f"{name}: verify still finds it"
            tally.add(kind_of(name), problem)
    tally.check()
