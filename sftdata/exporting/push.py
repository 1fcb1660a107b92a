"""Push files to a repository of the Hugging Face Hub: those that changed, in one commit."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from sftdata.base.files import sha256_of
from sftdata.base.reporting import Report
from sftdata.base.wording import count, list_names, size
from sftdata.errors import SftdataError
from sftdata.exporting.hub_errors import explain_hub_errors

HUB = "hf:"  # begins a name on the Hub
Content = Path | bytes  # a file on disk, or made for the Hub
# Files that may be in a repository of any kind.
_ANYWHERE = {".gitattributes", "README.md", "LICENSE"}
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9_][\w.-]*", re.ASCII)
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository to push to, and the files that it must hold."""

    name: str  # user/name
    kind: str  # dataset or model
    files: Mapping[str, Content]  # by their path in the repository
    marker: str  # a file that every earlier push has left
    replaced: Sequence[str]  # patterns of files that go if they are not among `files`


@dataclass(frozen=True, slots=True)
class Pushed:
    """The result of a push. `sent` and `removed` are empty if nothing had changed."""

    url: str
    commit: str
    sent: list[str]
    removed: list[str]
    unchanged: int


def parse_target(target: str) -> str:
    """`user/name` of `hf:user/name`. Raises `SftdataError` for anything else."""
    name = target.removeprefix(HUB)
    if not target.startswith(HUB) or not _NAME.fullmatch(name):
        raise SftdataError(
            f"'{target}' names no repository of the Hugging Face Hub.",
            f"Write {HUB}user/name, with the name of your account or organization as user.",
            code="E102",
        )
    return name


def push(
    repository: Repository, *, private: bool = False, report: Report = lambda line: None
) -> Pushed:
    """Make the repository hold the files; unchanged files are not sent.

    It is created if it is missing. Readers see the old revision until all files have arrived. Files
    that a killed push has sent are not sent again.
    Raises `SftdataError` when the Hub refuses, cannot be reached, or the repository holds something
    else, or is public though it should be private.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

    if not sys.stderr.isatty():
        disable_progress_bars()
    api, name, kind = HfApi(), repository.name, repository.kind
    with explain_hub_errors(name, kind, api.endpoint):
        info = _find_or_create(api, repository, private)
        held = {
            entry.path: entry
            for entry in api.list_repo_tree(name, recursive=True, revision=info.sha, repo_type=kind)
            if hasattr(entry, "blob_id")  # no folder
        }
        _check_content(repository, list(held))
        files = repository.files
        sent = [path for path in files if not _is_same(held.get(path), files[path])]
        removed = [
            path
            for path in held
            if path not in files and any(fnmatch(path, one) for one in repository.replaced)
        ]
        url = f"{api.endpoint}/{'datasets/' if kind == 'dataset' else ''}{name}"
        unchanged = len(files) - len(sent)
        if not sent and not removed:
            return Pushed(url, info.sha, [], [], unchanged)
        total = sum(_size(files[path]) for path in sent)
        report(f"sending {count(len(sent), 'file')}, {size(total)}, to {url}")
        commit = api.create_commit(
            name,
            [CommitOperationAdd(path, _to_argument(files[path])) for path in sent]
            + [CommitOperationDelete(path) for path in removed],
            commit_message="Push with sftdata",
            repo_type=kind,
            parent_commit=info.sha,
        )
    return Pushed(url, commit.oid, sent, removed, unchanged)


def _find_or_create(api: Any, repository: Repository, private: bool) -> Any:
    """The repository's newest revision. Raises `SftdataError` if it is public and should not be."""
    from huggingface_hub.errors import RepositoryNotFoundError

    name, kind = repository.name, repository.kind
    try:
        info = api.repo_info(name, repo_type=kind)
    except RepositoryNotFoundError:
        api.create_repo(name, repo_type=kind, private=private or None, exist_ok=True)
        return api.repo_info(name, repo_type=kind)
    if private and not info.private:
        raise SftdataError(
            f"{HUB}{name} exists and is public.",
            "Make it private in its settings, choose another name, or leave out --private.",
            code="E907",
        )
    return info


def _check_content(repository: Repository, held: Sequence[str]) -> None:
    others = sorted(path for path in held if path not in _ANYWHERE)
    if others and repository.marker not in held:
        raise SftdataError(
            f"{HUB}{repository.name} holds something else: {list_names(others, _SHOWN)}.",
            "Choose another name, or empty the repository.",
            code="E907",
        )


def _is_same(entry: Any, content: Content) -> bool:
    """Whether the repository's file has this content; `entry` is None if there is none."""
    if entry is None or entry.size != _size(content):
        return False
    if entry.lfs is not None:
        return bool(entry.lfs.sha256 == _sha256(content))
    data = content.read_bytes() if isinstance(content, Path) else content
    return bool(entry.blob_id == hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest())


def _sha256(content: Content) -> str:
    return hashlib.sha256(content).hexdigest() if isinstance(content, bytes) else sha256_of(content)


def _size(content: Content) -> int:
    return content.stat().st_size if isinstance(content, Path) else len(content)


def _to_argument(content: Content) -> str | bytes:
    return str(content) if isinstance(content, Path) else content
