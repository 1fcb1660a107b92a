"""Files that are missing, cut, of zeros, swapped, stale or too many: found, named, and mended."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from support.commands import CommandServer, command_server
from support.damage import KINDS, READERS, Damaged, build_whole, checked_files, flip, kind_of
from support.kills import files_of
from support.loads import Load, Tally

SHARD = "train-00000.arrow"


@pytest.fixture(scope="module")
def server() -> Iterator[CommandServer]:
    with command_server() as started:
        yield started


DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\n"),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_other_damage_is_found_and_no_reader_is_fooled(
    kind: str, server: CommandServer, load: Load, tally: Tally
) -> None:
    build_whole(kind, server)
    damaged, rng = Damaged(server), load.random(kind)
    for fault, name, damage in load.choose(list(list_damages(rng)), 20, kind):
        problem = damaged.try_damage(name, damage, rng.sample(READERS, 2))
        tally.add(f"{kind}: {kind_of(name)}", fault, problem)
    tally.check()


def list_damages(rng: random.Random) -> Iterator[tuple[str, Path, Callable[[Path], object]]]:
    """Each damage of each file: a name, the file that `verify` must name, and the damage."""
    files = checked_files(Path("whole"))
    stale = {kind_of(name) + name.name[-9:]: name for name in checked_files(Path("other"))}
    for name in files:
        if name == Path("manifest.json"):
            continue  # without it there is no dataset, and another one is another dataset
        for fault, damage in DAMAGES.items():
            if fault == "missing" and name.suffix == ".arrow" and "packs" in name.parts:
                continue  # a dataset needs no plan
            yield fault, name, damage
        own = Path("manifest.json")  # in place of a part's: that is another dataset
        others = [f for f in files if f.suffix == name.suffix and f != own and differ(f, name)]
        if others:
            yield "swapped", name, partial(swap, Path(rng.choice(others)))
        old = stale.get(kind_of(name) + name.name[-9:])
        if old is not None and differ(name, old, "other"):
            yield "stale", name, partial(shutil.copyfile, Path("other") / old)
        if name.name == SHARD:
            extra = name.with_name("train-00099.arrow")
            yield "extra", extra, partial(shutil.copyfile, Path("whole") / name)


def differ(one: Path, two: Path, of: str = "whole") -> bool:
    return (Path("whole") / one).read_bytes() != (Path(of) / two).read_bytes()


def swap(other: Path, path: Path) -> None:
    """Exchanges a file of the damaged dataset with another one of it."""
    other = Path("damaged") / other
    data = path.read_bytes()
    path.write_bytes(other.read_bytes())
    other.write_bytes(data)


@pytest.mark.parametrize("kind", KINDS)
def test_building_again_mends_each_file(
    kind: str, server: CommandServer, load: Load, tally: Tally
) -> None:
    """Also where the build would be up to date but for the damage."""
    command = build_whole(kind, server)
    rng = load.random(f"mend {kind}")
    shutil.rmtree("whole/packs")  # a build makes none
    undamaged = files_of(Path("whole"))
    cases = [(name, damage) for name in checked_files(Path("whole"))
             for damage in ("a flipped bit", "missing")]  # fmt: skip
    for name, fault in load.choose(cases, 6, f"mend {kind}"):
        shutil.rmtree("damaged", ignore_errors=True)
        shutil.copytree("whole", "damaged")
        (flip(rng) if fault == "a flipped bit" else DAMAGES[fault])(Path("damaged") / name)
        done = server.run(*command, "--out", "damaged")
        problem = None if done.code == 0 else str(done)
        if problem is None and files_of(Path("damaged")) != undamaged:
            problem = f"{name} was not mended"
        if problem is None and server.run("verify", "damaged").code != 0:
            problem = f"{name}: verify still finds it"
        tally.add(f"{kind}, built again: {kind_of(name)}", fault, problem)
    tally.check()
