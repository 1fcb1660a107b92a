"""Ask git about a folder, if git is installed and the folder is in a repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

_SECONDS = 20
# A repository's own settings can name programs, and the repository may be a stranger's.
_WITHOUT_PROGRAMS = ("-c", "core.fsmonitor=false", "-c", "log.showSignature=false")


def run_git(folder: Path, *arguments: str) -> bytes | None:
    """The output of `git` in `folder`; None if it cannot be run or fails."""
    try:
        done = subprocess.run(
            ["git", *_WITHOUT_PROGRAMS, "-C", str(folder), *arguments],
            capture_output=True,
            timeout=_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def find_revision(folder: Path, name: str) -> str | None:
    """The commit that `name` means in the repository of `folder`, or None."""
    found = run_git(
        folder, "rev-parse", "--verify", "--quiet", "--end-of-options", name + "^{commit}"
    )
    return None if found is None else found.decode().strip()


def read_tree(folder: Path, commit: str) -> dict[str, bytes]:
    """Every file under `folder` as it was at a commit, by its path relative to `folder`."""
    listed = run_git(folder, "ls-tree", "-r", "-z", "--name-only", commit, "--", ".")
    names = [name for name in (listed or b"").decode().split("\0") if name]
    files = {}
    for name in names:
        content = run_git(folder, "show", "--no-textconv", f"{commit}:./{name}")
        if content is not None:
            files[name] = content
    return files


def added_at(folder: Path, relative: str) -> str | None:
    """When a file was first committed, in ISO 8601, or None where git does not know."""
    found = run_git(folder, "log", "--diff-filter=A", "--format=%cI", "-1", "--", relative)
    return (found or b"").decode().strip() or None
