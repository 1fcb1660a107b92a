"""Manifests made to harm, with digests that agree: one message each, nothing outside is read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.commands import CommandServer, Done, command_server
from support.kills import make_rows, write_rows
from support.loads import Load, Tally
from support.manifests import edit_manifest

READERS = [
    ["verify", "out"],
    ["verify", "out", "--deep"],
    ["load", "out"],
    ["stats", "out", "--json"],
    ["inspect", "out", "--json"],
    ["ledger", "out", "--json"],
    ["doctor", "out", "--json"],
    ["report", "out", "-o", "report.html"],
    ["export", "out", "--to", "trl", "--out", "exported"],
    ["pack", "out", "--max-length", "900"],
    ["diff", "out", "whole"],
    ["template", "render", "--dataset", "out", "--row", '{"text": "he go"}'],
    ["rebuild", "out", "--out", "again"],
]
# In place of any value; and `DEEP`, lists in lists, which JSON may nest without end.
DEEP: Any = json.loads("[" * 200 + "]" * 200)
VALUES = (
    None,
    True,
    -1,
    2**70,
    1.5,
    "",
    "x",
    "../../../etc/passwd",
    "\x1b[31m\u202e",
    [],
    {},
    DEEP,
)


@pytest.fixture(scope="module")
def server() -> Iterator[CommandServer]:
    with command_server() as started:
        yield started


@pytest.fixture
def out(server: CommandServer) -> Path:
    write_rows(Path("rows.jsonl"), make_rows(60, 1, words=12))
    fields = ["--map", "text=article", "--map", "corrected=summary", "--max-dropped", "50"]
    options = ["--task", "grammar", "--shots", "1", "--data", "rows.jsonl", *fields]
    done = server.run("build", *options, "--out", "whole")
    assert done.code == 0, done.err
    return Path(shutil.copytree("whole", "out"))


def run(server: CommandServer, reader: list[str]) -> Done:
    done = server.run(*reader)
    for made in ("exported", "again", "out/packs"):
        shutil.rmtree(made, ignore_errors=True)
    return done


def places_of(content: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every value below a manifest, as keys and indices."""
    if place:
        yield place
    if isinstance(content, dict | list):
        for key, value in content.items() if isinstance(content, dict) else enumerate(content):
            yield from places_of(value, (*place, key))


def put(value: Any, place: tuple[Any, ...]) -> Callable[[dict[str, Any]], None]:
    def edit(content: dict[str, Any]) -> None:
        holder: Any = content
        for key in place[:-1]:
            holder = holder[key]
        if value is DELETED:
            del holder[place[-1]]
        else:
            holder[place[-1]] = value

    return edit


DELETED = object()


def test_any_value_in_any_place_is_one_message_or_does_no_harm(
    out: Path, server: CommandServer, load: Load, tally: Tally
) -> None:
    rng = load.random("values")
    whole = (out / "manifest.json").read_bytes()
    places = [p for p in places_of(json.loads(whole)) if p != ("own_sha256",)]
    cases = [(place, value) for place in places for value in (*VALUES, DELETED)]
    for place, value in load.choose(cases, 40, "values"):
        (out / "manifest.json").write_bytes(whole)
        edit_manifest(out, put(value, place))
        for reader in rng.sample(READERS, 2):
            done = run(server, reader)
            # A rebuild prints the difference that it finds, and exits with 3.
            is_difference = (
                reader[0] == "rebuild" and done.code == 3 and "Traceback" not in done.err
            )
            problem = None
            if done.code != 0 and not done.is_one_message and not is_difference:
                last = done.err.strip().splitlines()[-1:] or [f"signal {-done.code}"]
                problem = f"{place} = {value!r:.40}: {last[0][:200]}"
            tally.add(reader[0], "a value in the manifest", problem)
    tally.check()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("options", "max_length"), "x"),
        (("options", "shots"), True),
        (("template", "grammar/plain@1.0.0"), DELETED),
        (("spec", "templates"), ""),
        (("spec", "templates"), DELETED),
        (("spec", "sources"), [3]),
    ],
)
def test_a_value_that_was_not_checked_before_it_was_used(
    place: tuple[Any, ...], value: object, out: Path, server: CommandServer
) -> None:
    edit_manifest(out, put(value, place))
    for reader in (["stats", "out"], ["doctor", "out"], READERS[-2]):
        done = run(server, reader)
        assert done.code == 0 or done.is_one_message, done
    assert done.is_one_message  # nothing can be rendered


def test_a_manifest_without_a_spec_is_read_as_older_versions_wrote_it(
    out: Path, server: CommandServer
) -> None:
    edit_manifest(out, put(DELETED, ("spec",)))
    told = ["export", "out", "--to", "messages", "--out", "told"]
    for reader in [*READERS, told, ["status", "out"]]:
        done = run(server, reader)
        assert done.code == 0 or done.is_one_message, done


def lead_up(out: Path, path: Path) -> str:
    return "../elsewhere/" + path.name


def lead_absolutely(out: Path, path: Path) -> str:
    return str(Path("elsewhere").absolute() / path.name)


def link(out: Path, path: Path) -> str:
    path.symlink_to(Path("elsewhere").absolute() / path.name)
    return path.relative_to(out).as_posix()


def link_the_folder(out: Path, path: Path) -> str:
    rest = [p for p in path.parent.iterdir() if p != path]
    for other in rest:
        shutil.copy(other, "elsewhere")
    shutil.rmtree(path.parent)
    path.parent.symlink_to(Path("elsewhere").absolute())
    return path.relative_to(out).as_posix()


@pytest.mark.parametrize("lead", [lead_up, lead_absolutely, link, link_the_folder])
def test_a_path_that_leads_out_is_refused_though_the_digest_agrees(
    lead: Callable[[Path, Path], str], out: Path, server: CommandServer
) -> None:
    """The file is there, and is the very shard: only its place is wrong."""
    Path("elsewhere").mkdir()
    (shard,) = out.glob("shards/*/train-00000.arrow")
    shutil.move(shard, "elsewhere")
    path = lead(out, shard)

    def edit(content: dict[str, Any]) -> None:
        content["splits"]["train"]["shards"][0]["path"] = path

    edit_manifest(out, edit)
    for reader in READERS[:6]:
        if reader[0] == "ledger":
            continue  # it reads no shard
        done = run(server, reader)
        assert done.is_one_message, (reader, done)
        assert "train-00000.arrow" in done.err or "'splits.train.shards[0].path'" in done.err
