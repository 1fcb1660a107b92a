"""Pushes to a Hub on this machine: what arrives, what is not sent again, how it fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.fake_hub import FakeHub, logged_in

from sftdata.errors import SftdataError
from sftdata.exporting.push import Pushed, Repository, parse_target, push

# huggingface_hub sends files in a way that its HTTP library calls old.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

KEY = "datasets/me/made"
FILES: dict[str, Path | bytes] = {
    "manifest.json": b"{}",
    "shards/b1/train-00000.arrow": b"shard one",
    "shards/b1/train-00001.arrow": b"shard two",
    "README.md": b"---\nlicense: mit\n---\n# Made\n",
}


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with logged_in() as hub:
        yield hub


def repository(files: dict[str, Path | bytes] = FILES, **other: Any) -> Repository:
    return Repository("me/made", "dataset", files, "manifest.json", ["shards/*"], **other)


def test_what_arrives_equals_the_files(hub: FakeHub, tmp_path: Path) -> None:
    path = tmp_path / "on-disk.arrow"
    path.write_bytes(b"shard three")
    files = {**FILES, "shards/b1/train-00002.arrow": path}
    pushed = push(repository(files))
    assert hub.repos[KEY].files == {**FILES, "shards/b1/train-00002.arrow": b"shard three"}
    assert pushed == Pushed(
        f"{hub.url}/datasets/me/made", hub.repos[KEY].sha, list(files), [], unchanged=0
    )
    assert hub.tokens >= {"Bearer hf_mine"}


def test_a_second_push_sends_nothing(hub: FakeHub) -> None:
    push(repository())
    hub.asked.clear()
    again = push(repository())
    assert (again.sent, again.removed, again.unchanged) == ([], [], 4)
    assert hub.count("POST") == hub.count("PUT") == 0
    assert len(hub.repos[KEY].revisions) == 2


def test_only_what_changed_is_sent_and_old_shards_go(hub: FakeHub) -> None:
    push(repository())
    hub.repos[KEY].revisions[-1]["notes.txt"] = b"mine"
    hub.asked.clear()
    kept = {path: data for path, data in FILES.items() if path != "shards/b1/train-00001.arrow"}
    files: dict[str, Path | bytes] = {**kept, "shards/b2/train-00000.arrow": b"shard new"}
    pushed = push(repository(files))
    assert pushed.sent == ["shards/b2/train-00000.arrow"]
    assert pushed.removed == ["shards/b1/train-00001.arrow"]
    assert hub.count("PUT /lfs/") == 1
    assert hub.repos[KEY].files == {**files, "notes.txt": b"mine"}


@pytest.mark.parametrize("part", ["PUT /lfs/", "/commit/"])
def test_a_push_that_breaks_off_leaves_the_old_revision_and_goes_on(
    hub: FakeHub, part: str
) -> None:
    push(repository())
    old = hub.repos[KEY].files
    files: dict[str, Path | bytes] = {
        **FILES,
        "shards/b1/train-00001.arrow": b"changed",
        "shards/b1/train-00002.arrow": b"added",
    }
    hub.drop = {part: hub.count(part) + ("PUT" in part)}  # the second file, or the commit
    with pytest.raises(SftdataError, match=r"connection broke(?s:.*)what has arrived is not sent"):
        push(repository(files))
    assert hub.repos[KEY].files == old
    arrived = len(hub.stored)
    hub.drop, hub.asked = {}, []
    push(repository(files))
    assert hub.repos[KEY].files == files
    assert hub.count("PUT /lfs/") == 4 - arrived


@pytest.mark.parametrize("private", [True, False])
def test_a_new_repository_is_private_if_asked_for(hub: FakeHub, private: bool) -> None:
    push(repository(), private=private)
    assert hub.repos[KEY].private is (True if private else None)
    push(repository(), private=False)  # stays as it is
    assert hub.repos[KEY].private is (True if private else None)


def test_a_public_repository_does_not_pass_for_a_private_one(hub: FakeHub) -> None:
    push(repository())
    before = len(hub.asked)
    with pytest.raises(SftdataError, match=r"hf:me/made exists and is public\.\nMake it private"):
        push(repository(), private=True)
    assert hub.asked[before:] == ["GET /api/datasets/me/made"]


def test_a_repository_of_something_else_stays_as_it_is(hub: FakeHub) -> None:
    push(repository())
    hub.repos[KEY].revisions.append({"novel.txt": b"text", "README.md": b"# A novel"})
    with pytest.raises(SftdataError, match=r"holds something else: novel\.txt\."):
        push(repository())
    assert hub.repos[KEY].files["README.md"] == b"# A novel"


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/api/repos/create", 401, "does not accept your token (401).\nLog in"),
        ("/api/repos/create", 403, "may not write to the dataset me/made (403): not for you\n"),
        ("PUT /lfs/", 403, "may not write to the dataset me/made (403)"),
        ("/preupload/", 404, "has no dataset me/made, and none could be made (404).\nCheck"),
        ("/commit/", 412, "was changed by somebody else during this push (412): not for you\n"),
        ("/commit/", 413, "refused the push of me/made (413): not for you\n"),
    ],
)
def test_a_refusal_is_one_message(hub: FakeHub, path: str, status: int, message: str) -> None:
    hub.refuse = {path: status}
    with pytest.raises(SftdataError) as error:
        push(repository())
    assert message in str(error.value)
    assert len(str(error.value).splitlines()) == 2


def test_without_a_token_the_message_says_how_to_log_in(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    hub.refuse = {"create": 401}
    with pytest.raises(SftdataError, match=r"asks for a token \(401\)\.\nLog in .*hf auth login"):
        push(repository())


def test_without_a_network_the_message_names_the_address(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(SftdataError, match=r"http://127\.0\.0\.1:9 cannot be reached"):
        push(repository())


def test_offline_mode_is_named(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(SftdataError, match=r"HF_HUB_OFFLINE is set\.\nUnset it"):
        push(repository())
    assert hub.asked == []


def test_a_file_that_is_gone_is_no_fault_of_the_network(hub: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as error:
        push(repository({**FILES, "shards/b1/x.arrow": tmp_path / "gone.arrow"}))
    assert error.value.filename == str(tmp_path / "gone.arrow")


def test_a_target_names_a_user_and_a_repository() -> None:
    assert parse_target("hf:my-org/my.data_1") == "my-org/my.data_1"
    for wrong in ("me/made", "hf:made", "hf:me/made/x", "hf:/made", "hf:me/ma de", "hf:me/made@v1"):
        with pytest.raises(SftdataError, match=r"names no repository(?s:.*)hf:user/name"):
            parse_target(wrong)
