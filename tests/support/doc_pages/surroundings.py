"""The surroundings of a page at its start: an empty folder with `model/`, and an environment."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from support.places import ROOT

HOME = "/home/you"
NOWHERE = "http://127.0.0.1:9"  # a page that is run needs no network
GIT_CONFIG = "[user]\nname = You\nemail = you@example.org\n[init]\ndefaultBranch = main\n"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Folders for one page; `home` with its cache serves all pages of a test session."""

    folder: Path
    home: Path
    temporary: Path
    logs: Path
    commands: Path | None = None  # a folder with commands that come before the installed ones
    python: tuple[str, ...] = (sys.executable,)  # starts the Python of the page's blocks

    def make(self) -> None:
        """Make the folders that are not there."""
        for folder in (self.folder, self.home, self.temporary, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        (self.home / ".gitconfig").write_text(GIT_CONFIG, encoding="utf-8")

    @property
    def env(self) -> Mapping[str, str]:
        """All variables of a page's processes; nothing is taken from the one that tests."""
        scripts = str(Path(sys.executable).parent)
        if self.commands is not None:
            scripts = f"{self.commands}:{scripts}"
        return {
            "PATH": f"{scripts}:/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'train'}",
            "PYTHONUNBUFFERED": "1",  # stdout and stderr in the order of a terminal
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            "TMPDIR": str(self.temporary),
            "HF_HUB_OFFLINE": "1",
            "PIP_NO_INDEX": "1",
            "HTTP_PROXY": NOWHERE,
            "HTTPS_PROXY": NOWHERE,
            "NO_PROXY": "localhost,127.0.0.1",
            "COLUMNS": "100",
            "TERM": "dumb",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "OMP_NUM_THREADS": "1",
        }

    def renamed(self, printed: str) -> str:
        """A printed line, with the places of a reader instead of those of the test."""
        for place, name in (
            (self.folder, f"{HOME}/project"),
            (self.home, HOME),
            (self.temporary, "/tmp"),
            (Path(sys.executable).parent.parent, f"{HOME}/.venv"),
            (ROOT, f"{HOME}/sftdata"),
        ):
            printed = printed.replace(str(place), name)
        return printed
