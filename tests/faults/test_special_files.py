"""Pipes, sockets, devices and folders in the place of files: refused with one message, no wait."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.commands import CommandServer, command_server
from support.places import BUNDLED_TOKENIZER


def make_socket(path: Path) -> None:
    # The path of a socket has at most 108 bytes.
    before = Path.cwd()
    os.chdir(path.parent)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path.name)
    os.chdir(before)


KINDS: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "socket": make_socket,
    "folder": Path.mkdir,
}
PLACES = {
    "source": ("a.jsonl", ["build", "--task", "grammar", "--data", "a.jsonl", "--out", "o"]),
    "spec": ("spec.toml", ["build", "--spec", "spec.toml", "--out", "o"]),
    "task": ("pipelines/mine.toml", ["build", "--task", "mine", "--out", "o"]),
    "template": (
        "templates/grammar/mine.jinja",
        ["build", "--task", "grammar", "--template", "grammar/mine", "--out", "o"],
    ),
    "lock": (
        "templates/templates.lock",
        ["build", "--task", "grammar", "--template", "grammar/x", "--out", "o"],
    ),
    "chat template": (
        "chat.jinja",
        ["build", "--task", "grammar", "--chat", "--chat-template", "chat.jinja", "--out", "o"],
    ),
    "tokenizer": ("t/tokenizer.json", ["build", "--task", "grammar", "--tokenizer", "t"]),
    "manifest": ("d/manifest.json", ["verify", "d"]),
    "manifest to rebuild": ("d/manifest.json", ["rebuild", "d", "--out", "o"]),
    "passport": ("d/sftdata.json", ["audit", "d"]),
}


@pytest.fixture(scope="module")
def server() -> Iterator[CommandServer]:
    with command_server() as started:
        yield started


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", PLACES)
def test_it_is_refused_at_once(server: CommandServer, place: str, kind: str) -> None:
    name, arguments = PLACES[place]
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    if place == "tokenizer":
        config = "tokenizer_config.json"
        shutil.copy(BUNDLED_TOKENIZER / config, path.parent / config)
    KINDS[kind](path)
    done = server.run(*arguments)
    assert done.code in (1, 2, 3), done.err
    assert done.err.strip()
    assert "Traceback" not in done.err
    assert not Path("o").exists()
