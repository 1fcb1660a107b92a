"""Files at addresses: fetched once, asked for again each time, known by their bytes."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from support.web import Web, serve

from sftdata.errors import GoldenSetError
from sftdata.reading.peek import peek_rows
from sftdata.reading.sources.resolve import resolve_sources

ROW = b'{"a": "1"}\n'


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with serve() as web:
        yield web


def test_a_file_is_fetched_once_and_asked_for_again(web: Web) -> None:
    web.files["/b/news.jsonl.gz"] = gzip.compress(ROW)
    (source,) = resolve_sources([f"{web.url}/b/news.jsonl.gz"])
    assert source.name == f"{web.url}/b/news.jsonl.gz"
    assert (source.format, source.compression) == ("jsonl", "gzip")
    assert peek_rows(source) == [{"a": "1"}]
    again = resolve_sources([f"{web.url}/b/news.jsonl.gz"])
    assert again == [source]
    assert [status for _, status in web.asked] == [200, 304]


def test_a_changed_file_is_fetched_anew(web: Web) -> None:
    web.files["/a.jsonl"] = ROW
    (before,) = resolve_sources([f"{web.url}/a.jsonl"])
    digest = before.sha256
    web.files["/a.jsonl"] = ROW * 2
    (after,) = resolve_sources([f"{web.url}/a.jsonl"])
    assert after.sha256 != digest
    assert len(peek_rows(after)) == 2
    assert not before.files[0].exists()  # no cache that only grows


def test_a_file_that_is_recorded_and_unchanged_is_not_fetched(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"{web.url}/a.jsonl"
    web.files["/a.jsonl"] = ROW
    (before,) = resolve_sources([address])
    entry = {"path": before.name, "bytes": before.size, "sha256": before.sha256}
    recorded = [entry | {"version": before.version}]
    monkeypatch.setenv("XDG_CACHE_HOME", str(Path("cold").absolute()))
    (source,) = resolve_sources([f"test={address}"], recorded)
    assert (source.files, source.split, source.version) == ((), "test", before.version)
    assert (source.sha256, source.size) == (before.sha256, before.size)
    (fetched,) = resolve_sources([address], [entry])  # an earlier release recorded no version
    assert fetched.files
    web.files["/a.jsonl"] = ROW.replace(b"1", b"2")
    (changed,) = resolve_sources([address], recorded)
    assert peek_rows(changed) == [{"a": "2"}]
    monkeypatch.setenv("XDG_CACHE_HOME", str(Path("colder").absolute()))
    web.files["/a.jsonl"] = 503
    with pytest.raises(GoldenSetError, match="the server answers 503"):
        resolve_sources([address], recorded)


def test_a_weak_etag_is_no_version(web: Web) -> None:
    web.files["/a.jsonl"], web.weak = ROW, True
    (source,) = resolve_sources([f"{web.url}/a.jsonl"])
    assert source.version is None


def test_a_damaged_copy_is_fetched_anew(web: Web) -> None:
    web.files["/a.jsonl"] = ROW
    (source,) = resolve_sources([f"{web.url}/a.jsonl"])
    source.files[0].write_bytes(b"{}\n")
    (mended,) = resolve_sources([f"{web.url}/a.jsonl"])
    assert mended.files[0].read_bytes() == ROW


def test_a_split_and_a_query_may_stand_beside_the_address(web: Web) -> None:
    web.files["/a.jsonl?download=1"] = ROW
    (source,) = resolve_sources([f"test={web.url}/a.jsonl?download=1"])
    assert (source.split, source.format) == ("test", "jsonl")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (404, r"There is no file at 'http.*/a\.jsonl'"),
        (403, r"may not be read: the server answers 403 Forbidden.*\nIt needs a login"),
        (418, r"cannot be fetched: the server answers 418"),
        (500, r"cannot be fetched: the server answers 500 Internal Server Error"),
        (b"<!DOCTYPE html><title>Sign in</title>", r"a\.jsonl: this is an HTML page"),
    ],
)
def test_what_is_no_file_of_rows_is_an_error(web: Web, answer: int | bytes, message: str) -> None:
    web.files["/a.jsonl"] = answer
    with pytest.raises(GoldenSetError, match=message):
        resolve_sources([f"{web.url}/a.jsonl"])


def test_a_file_that_comes_in_part_is_an_error_and_leaves_no_copy(web: Web) -> None:
    web.files["/a.jsonl"] = ROW
    web.cut = 5
    for _ in range(2):
        with pytest.raises(GoldenSetError, match="11 of 16 bytes came"):
            resolve_sources([f"{web.url}/a.jsonl"])


def test_without_the_server_the_copy_is_used_and_a_note_says_so(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        with serve() as web:
            web.files["/a.jsonl"] = ROW
            (source,) = resolve_sources([f"{web.url}/a.jsonl"])
        (offline,) = resolve_sources([f"{web.url}/a.jsonl"])
        assert offline.sha256 == source.sha256
        assert offline.note is not None
        assert offline.note.startswith(f"Not fetched again: {web.url}/a.jsonl (")
        with pytest.raises(GoldenSetError, match=r"cannot be fetched: .*refused"):
            resolve_sources([f"{web.url}/other.jsonl"])


def test_a_password_in_an_address_is_refused_and_not_shown() -> None:
    with pytest.raises(GoldenSetError, match="user or a password") as caught:
        resolve_sources(["https://me:secret@example.org/a.jsonl"])
    assert "secret" not in str(caught.value)


@pytest.fixture
def store() -> Iterator[fsspec.AbstractFileSystem]:
    store = fsspec.filesystem("memory")
    yield store
    store.store.clear()
    store.pseudo_dirs[:] = [""]


def test_a_file_in_an_object_store_is_read(store: fsspec.AbstractFileSystem) -> None:
    store.pipe("/b/a.jsonl", ROW)
    (source,) = resolve_sources(["memory://b/a.jsonl"])
    assert (source.name, peek_rows(source)) == ("memory://b/a.jsonl", [{"a": "1"}])
    assert resolve_sources(["memory://b/a.jsonl"]) == [source]
    store.pipe("/b/a.jsonl", ROW * 2)
    assert len(peek_rows(resolve_sources(["memory://b/a.jsonl"])[0])) == 2


def test_a_glob_in_an_object_store_gives_its_files(store: fsspec.AbstractFileSystem) -> None:
    store.pipe({"/b/2.jsonl": ROW, "/b/1.jsonl": ROW, "/b/notes.txt": b""})
    names = [source.name for source in resolve_sources(["memory://b/*.jsonl"])]
    assert names == ["memory:///b/1.jsonl", "memory:///b/2.jsonl"]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("memory://b/nope.jsonl", "There is no file at 'memory://b/nope.jsonl'"),
        ("memory://b/*.csv", r"There is no file at 'memory://b/\*\.csv'"),
        ("memory://b", r"'memory://b' is a folder\.\nName its files.*memory://b/\*\.jsonl"),
        ("ssh2://b/a.jsonl", "ssh2:// is no known kind of address"),
        ("https:///a.jsonl", "names no host"),
    ],
)
def test_an_address_of_nothing_is_an_error(
    store: fsspec.AbstractFileSystem, address: str, message: str
) -> None:
    store.pipe("/b/a.jsonl", ROW)
    with pytest.raises(GoldenSetError, match=message):
        resolve_sources([address])


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(address: str) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    with pytest.raises(
        GoldenSetError, match=r"s3://.*not installed\.\nInstall it: pip install 'sftdata\[s3\]'"
    ):
        resolve_sources(["s3://bucket/a.jsonl"])


def test_a_local_address_is_the_file() -> None:
    Path("a b.jsonl").write_bytes(ROW)
    (source,) = resolve_sources([(Path.cwd() / "a b.jsonl").as_uri()])
    assert source.files == (Path.cwd() / "a b.jsonl",)
