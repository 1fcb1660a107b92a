"""Datasets in an object store: S3, as moto serves it on the loopback interface."""

from __future__ import annotations

import json
import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.forty_rows import rows, write_rows, write_spec
from support.s3 import BUCKET, Fault, S3Server, s3_server

import sftdata
from sftdata.base.pieces import PIECE_BYTES
from sftdata.base.sealed_json import seal, to_json
from sftdata.base.stores import ReplacedError, StoredFolder
from sftdata.building.build import Outcome
from sftdata.cli import cli
from sftdata.errors import VerificationError
from sftdata.loading.stored import local_folder
from sftdata.loading.stored_garbage import find_stored_garbage
from sftdata.writing.dataset_files import list_files
from sftdata.writing.manifest import MANIFEST
from sftdata.writing.publish import publish

FAULTS: tuple[Fault, ...] = ("503", "lost", "late", "cut", "unanswered")


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server() as server:
        yield server


@pytest.fixture
def out(request: pytest.FixtureRequest, server: S3Server) -> Iterator[str]:
    """A new folder in the bucket; the rows and the spec are in the working folder."""
    server.requests.clear()
    yield f"s3://{BUCKET}/{abs(hash(request.node.nodeid)):x}"
    server.choose_fault = lambda request: None


@pytest.fixture(autouse=True)
def _rows(byte_tokenizer: Path) -> None:
    write_rows(rows())
    write_spec(byte_tokenizer)


def build(out: str, **options: Any) -> Outcome:
    return sftdata.build(spec="spec.toml", out=out, **options)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, catch_exceptions=False, standalone_mode=False)


def on_another_machine(monkeypatch: pytest.MonkeyPatch, name: str = "other") -> None:
    """From here on, the cache is empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(Path(name).absolute()))


def puts(server: S3Server) -> list[str]:
    """Names of what was written, in order."""
    return [r.rsplit("/", 1)[-1] for r in server.requests if r.startswith("PUT")]


def digests(manifest: Any) -> list[str]:
    return [shard["sha256"] for split in manifest["splits"].values() for shard in split["shards"]]


def sent_of_shards(server: S3Server) -> int:
    """Bytes of shards that were fetched."""
    return sum(
        n for request, n in server.sent.items() if ".arrow" in request and "/shards/" in request
    )


def expected_id(manifest: Any, split: str) -> str:
    row_id: str = sftdata.load(manifest.directory)[split][0].row_id
    return row_id


def test_a_dataset_in_a_store_is_that_of_a_local_build(
    server: S3Server, out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = build("local").manifest
    first = build(out)
    assert (first.place, first.up_to_date) == (out, False)
    assert digests(first.manifest) == digests(local)
    assert puts(server).index(MANIFEST) > puts(server).index("train-00000.arrow")

    server.requests.clear()
    assert build(out).up_to_date
    assert puts(server) == []

    on_another_machine(monkeypatch)
    data, expected = sftdata.load(out), sftdata.load("local")
    assert [r.input_ids.tolist() for r in data["train"]] == [
        r.input_ids.tolist() for r in expected["train"]
    ]
    server.requests.clear()
    sftdata.load(out)
    assert [r for r in server.requests if "shards/" in r] == []  # the copy is there
    assert build(out).up_to_date  # its manifest tells
    assert puts(server) == []


def test_sources_that_did_not_change_are_not_fetched(
    server: S3Server, out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, content = StoredFolder(f"{out}-rows"), Path("rows.jsonl").read_bytes()
    source.replace("1.jsonl", content, None)
    source.replace("2.jsonl", content.replace(b'"r', b'"s').replace(b"Art", b"Text"), None)
    data = f"{source}/*.jsonl"

    def fetched() -> list[str]:
        return [r[-7:] for r in server.requests if r.startswith("GET") and "-rows/" in r]

    for place in (out, "local"):
        monkeypatch.setenv("XDG_CACHE_HOME", str(Path("first").absolute()))
        assert build(place, data=data).up_to_date is False
        on_another_machine(monkeypatch, f"cold-{Path(place).name}")
        server.requests.clear()
        assert build(place, data=data).up_to_date
        assert fetched() == []
        with pytest.raises(sftdata.SftdataError, match="There is no file at"):
            build(place, data=data.replace("*", "3"))
        assert build(place, data=data, seed=1).up_to_date is False
        assert set(fetched()) == {"1.jsonl", "2.jsonl"}

    source.replace("1.jsonl", content.replace(b"0", b"1"), content)  # of the same size
    on_another_machine(monkeypatch, "fourth")
    changed = build("local", data=data, seed=1)
    assert changed.up_to_date is False
    assert set(fetched()) == {"1.jsonl", "2.jsonl"}


def test_commands_read_a_dataset_in_a_store(out: str) -> None:
    built = run("build", "--spec", "spec.toml", "--out", out)
    assert f"dataset   {out}" in built.stdout
    assert f"sftdata inspect {out} --random 3" in built.stdout
    assert json.loads(run("stats", out, "--json").stdout)["rows_in"] == 40
    assert "Fetched" in run("verify", out, "--deep").stderr
    assert run("gc", out).stdout == f"{out}: nothing to remove.\n"
    with pytest.raises(sftdata.SftdataError, match=f"{out}-not holds no dataset"):
        run("stats", f"{out}-not")


def test_a_few_rows_are_read_without_the_rest(
    server: S3Server, out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = [row | {"article": f"{row['id']} " * 2_500} for row in rows(250)]
    write_rows(long)
    manifest = build(out).manifest
    shards = sum(s["bytes"] for split in manifest["splits"].values() for s in split["shards"])
    assert shards > 11 * PIECE_BYTES

    on_another_machine(monkeypatch)
    server.sent.clear()
    train, expected = sftdata.load(out)["train"], sftdata.load(manifest.directory)["train"]
    assert len(train) == len(expected)
    assert train[0].input_ids.tolist() == expected[0].input_ids.tolist()
    assert sent_of_shards(server) < 6 * PIECE_BYTES  # the end of the shard, and a record batch
    copy = pickle.loads(pickle.dumps(train))  # as for a worker of a DataLoader
    assert copy[-1].row_id == expected[-1].row_id
    assert [row.row_id for row in train] == [row.row_id for row in expected]
    assert sent_of_shards(server) < shards  # each piece once

    on_another_machine(monkeypatch, "third")
    server.sent.clear()
    shown = run("inspect", out, "--split", "test", "--index", "0", "--json").stdout
    assert json.loads(shown)["row_id"] == expected_id(manifest, "test")
    run("ledger", out)
    assert sent_of_shards(server) < 3 * PIECE_BYTES
    run("stats", out)  # completes the copy
    assert sent_of_shards(server) == shards
    run("stats", out)
    assert sent_of_shards(server) == shards
    run("verify", out)
    assert sent_of_shards(server) == 2 * shards


def test_a_changed_byte_is_found_when_its_row_is_read(
    out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = build(out).manifest
    (shard,) = manifest["splits"]["train"]["shards"]
    folder = StoredFolder(out)
    content = bytearray(folder.read(shard["path"]) or b"")
    content[len(content) // 2] ^= 1
    folder.replace(shard["path"], bytes(content), folder.read(shard["path"]))
    on_another_machine(monkeypatch)
    data = sftdata.load(out)
    assert data["validation"][0].row_id
    with pytest.raises(VerificationError, match=f"{out}/{shard['path']}: not the content of the"):
        data["train"][0]
    folder.remove(shard["path"])
    with pytest.raises(VerificationError, match="the file is missing"):
        sftdata.load(out)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_each_request_that_passes_changes_nothing(
    server: S3Server, out: str, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = set()

    def fail_once(request: str) -> Fault | None:
        if request in failed or (fault == "late" and MANIFEST not in request):
            return None
        failed.add(request)
        return fault

    server.choose_fault = fail_once
    manifest = build(out).manifest
    on_another_machine(monkeypatch)
    assert sftdata.load(out).manifest.content == manifest.content
    assert len(list(sftdata.load(out)["train"])) == 32
    faulty = {(request.split()[0], request.rpartition(".")[2]) for request in failed}
    assert faulty >= {("PUT", "json"), ("GET", "json")}
    assert fault == "late" or faulty >= {("PUT", "arrow"), ("GET", "arrow")}


@pytest.mark.parametrize("place", ["GET /bucket", f"PUT {MANIFEST}"])
def test_a_fault_that_stays_is_one_message_and_the_old_dataset_stays(
    server: S3Server, out: str, place: str
) -> None:
    old = build(out, seed=1).manifest["build"]
    method, name = place.split()
    server.choose_fault = lambda request: (
        "lost" if request.startswith(method) and request.rstrip("/").endswith(name) else None
    )
    with pytest.raises(sftdata.SftdataError, match=f"'{out}.* cannot be .*") as caught:
        build(out)
    assert caught.value.code == "E202"
    assert "run the same command again" in str(caught.value)
    server.choose_fault = lambda request: None
    assert sftdata.load(out).manifest["build"] == old
    assert build(out).manifest["build"] != old


def test_of_two_writers_at_once_one_wins_and_the_other_is_told(server: S3Server, out: str) -> None:
    made = [build(f"local{seed}", seed=seed).manifest for seed in (1, 2)]
    both, first = threading.Barrier(2), set[int]()

    def wait_for_the_other(request: str) -> None:
        here = threading.get_ident()
        if request.startswith("PUT") and request.endswith(MANIFEST) and here not in first:
            first.add(here)
            both.wait(timeout=30)

    server.choose_fault = wait_for_the_other
    with ThreadPoolExecutor(2) as pool:
        done = [
            pool.submit(publish, manifest, StoredFolder(out), None, lambda line: None)
            for manifest in made
        ]
    server.choose_fault = lambda request: None
    errors = [future.exception() for future in done]
    assert sorted(error is None for error in errors) == [False, True]
    (error,) = filter(None, errors)
    assert isinstance(error, ReplacedError)
    assert f"{out}/{MANIFEST}: another process wrote it meanwhile" in str(error)
    winner = made[errors.index(None)]
    assert sftdata.load(out).manifest["build"] == winner["build"]
    assert run("verify", out).exit_code == 0


def test_an_upload_that_breaks_off_leaves_the_old_dataset_and_goes_on(
    server: S3Server, out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = build(out, seed=1).manifest["build"]
    written: list[str] = []

    def refuse_later(request: str) -> Fault | None:
        if not request.startswith("PUT"):
            return None
        written.append(request)
        return None if len(set(written)) < 3 else "lost"

    server.choose_fault = refuse_later
    with pytest.raises(sftdata.SftdataError, match=r"cannot be written(?s:.*)run the same command"):
        build(out)
    server.choose_fault = lambda request: None
    with monkeypatch.context() as patch:
        on_another_machine(patch)
        assert sftdata.load(out).manifest["build"] == old

    server.requests.clear()
    new = build(out)
    assert new.replaced is not None
    assert not set(written[:2]) & {r for r in server.requests if r.startswith("PUT")}
    assert not find_stored_garbage(StoredFolder(out))  # too young
    garbage = find_stored_garbage(StoredFolder(out), timedelta(0))
    assert garbage
    assert all(old in name for name in garbage)


def test_of_two_builds_the_one_that_commits_later_is_refused(out: str) -> None:
    first = build(out, seed=1)
    second = build(out, seed=2)
    for before in (None, (first.manifest.directory / MANIFEST).read_bytes()[:-1]):
        third = build("third", seed=3)
        with pytest.raises(ReplacedError, match="another process wrote it meanwhile") as caught:
            publish(third.manifest, StoredFolder(out), before, lambda line: None)
        assert caught.value.code == "E106"
    assert sftdata.load(out).manifest["build"] == second.manifest["build"]


def test_a_changed_byte_in_the_store_is_found(out: str) -> None:
    manifest = build(out).manifest
    shard = manifest["splits"]["train"]["shards"][0]["path"]
    folder = StoredFolder(out)
    content = bytearray(folder.read(shard) or b"")
    content[len(content) // 2] ^= 1
    folder.replace(shard, bytes(content), folder.read(shard))
    said = f"{out}/{shard}: not the content of the build"
    with pytest.raises(VerificationError, match=said) as caught:
        run("verify", out)
    assert "Remove the file from the store if it is there" in str(caught.value)
    other = manifest["splits"]["validation"]["shards"][0]["path"]
    folder.replace(other, b"short", folder.read(other))
    ledger = next(iter(list_files(manifest).keys() - {shard, other}))
    folder.remove(ledger)
    with pytest.raises(VerificationError, match="does not agree with its manifest") as caught:
        run("verify", out)
    assert all(f"{out}/{name}: " in str(caught.value) for name in (shard, other, ledger))
    folder.remove(shard)
    assert build(out).up_to_date is False  # uploads it anew
    assert f"{out} is intact.\n" in run("verify", out).output


def test_a_damaged_manifest_in_the_store_is_named_by_its_address(out: str) -> None:
    build(out)
    folder = StoredFolder(out)
    content = folder.read(MANIFEST) or b""
    for damaged in (b"", content[:-9], content.replace(b'"rows_in"', b'"rows_im"')):
        folder.replace(MANIFEST, damaged, folder.read(MANIFEST))
        with pytest.raises(sftdata.SftdataError, match=f"^{out}/{MANIFEST}: "):
            run("verify", out)
    build(out)
    assert run("verify", out).exit_code == 0


def test_foreign_files_stay(out: str) -> None:
    folder = StoredFolder(out)
    folder.replace("notes.txt", b"mine", None)
    with pytest.raises(sftdata.SftdataError, match=r"neither empty nor a dataset.*'notes.txt'"):
        build(out)
    folder.remove("notes.txt")
    folder.replace("shards/README", b"mine", None)
    build(out)
    folder.replace("README.md", b"mine", folder.read("README.md"))
    said: list[str] = []
    build(out, seed=1, report=said.append)
    assert folder.read("README.md") == b"mine"
    assert any("README.md is not a dataset card of sftdata" in line for line in said)
    assert "shards/README" not in find_stored_garbage(folder, timedelta(0))


def test_a_manifest_names_nothing_outside(out: str) -> None:
    manifest = build("local").manifest
    harm = json.loads((manifest.directory / MANIFEST).read_bytes())
    harm["splits"]["train"]["shards"][0]["path"] = "../../escaped.arrow"
    folder = StoredFolder(out)
    folder.replace(MANIFEST, to_json(seal(harm)), None)
    for path in manifest.directory.rglob("*"):
        if path.is_file() and path.name != MANIFEST:
            folder.upload(path, str(path.relative_to(manifest.directory)))
    StoredFolder(out.rsplit("/", 1)[0]).replace("escaped.arrow", b"harm", None)
    with pytest.raises(sftdata.SftdataError):
        local_folder(out)
    assert not list(Path().rglob("escaped.arrow"))


def test_a_mixture_goes_with_its_parts(
    out: str, byte_tokenizer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("pipelines").mkdir()
    for name in ("one", "two"):
        spec = Path("spec.toml").read_text().replace('"made"', f'"{name}"')
        Path(f"pipelines/{name}.toml").write_text(spec.replace("rows.jsonl", f"../{name}.jsonl"))
        lines = "".join(json.dumps(r | {"id": name + r["id"]}) + "\n" for r in rows())
        Path(f"{name}.jsonl").write_text(lines.replace("Article", name.title()))
    Path("pipelines/both.toml").write_text(
        f'task = "both"\ntokenizer = "{byte_tokenizer}"\n'
        '[[sources]]\nspec = "one.toml"\n[[sources]]\nspec = "two.toml"\n'
    )
    sftdata.build("both", out=out)
    on_another_machine(monkeypatch)
    assert run("verify", out, "--deep").exit_code == 0
    assert {row.task for row in sftdata.load(out)["train"]} == {"one", "two"}
