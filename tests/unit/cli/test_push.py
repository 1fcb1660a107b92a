"""`sftdata push`: what it refuses, what it prints, and a push that is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.fake_hub import FakeHub, logged_in, serve
from support.forty_rows import build_rows, rows, write_spec
from support.passports import EVALUATION, write_adapter

from sftdata.cli import cli
from sftdata.errors import SftdataError, VerificationError

# huggingface_hub sends files in a way that its HTTP library calls old.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

KEY = "datasets/me/made"


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with logged_in() as hub:
        yield hub


@pytest.fixture
def dataset(byte_tokenizer: Path) -> Path:
    write_spec(byte_tokenizer)
    build_rows(rows())
    return Path("out")


def push(*arguments: str) -> Result:
    result = CliRunner().invoke(
        cli, ["push", *arguments], catch_exceptions=False, standalone_mode=False
    )
    if result.exception is not None:
        raise result.exception
    return result


def edit_manifest(folder: Path, **changes: object) -> None:
    from sftdata.base.sealed_json import seal, to_json

    path = folder / "manifest.json"
    path.write_bytes(to_json(seal(json.loads(path.read_bytes()) | changes)))


def test_it_prints_where_the_dataset_is(dataset: Path, hub: FakeHub) -> None:
    lines = push("out", "hf:me/made", "--private").stdout.splitlines()
    count = len(hub.repos[KEY].files)
    assert lines == [
        "Pushed.",
        f"  url       {hub.url}/datasets/me/made",
        f"  commit    {hub.repos[KEY].sha}",
        f"  files     {count} sent, 0 unchanged, 0 removed",
    ]
    assert hub.repos[KEY].private is True
    again = push("out", "hf:me/made")
    assert again.stdout.startswith("Nothing to push: the repository holds the same files.\n")
    told = json.loads(push("out", "hf:me/made", "--json").stdout)
    assert told["sent"] == told["removed"] == []
    assert told["unchanged"] == count


def test_a_draft_needs_consent(dataset: Path, hub: FakeHub) -> None:
    edit_manifest(dataset, draft=True)
    with pytest.raises(SftdataError, match=r"out is a draft(?s:.*)--allow-draft"):
        push("out", "hf:me/made")
    assert hub.asked == []
    push("out", "hf:me/made", "--allow-draft")
    assert KEY in hub.repos


def test_a_damaged_dataset_is_refused(dataset: Path, hub: FakeHub) -> None:
    shard = next(dataset.glob("shards/*/train-*.arrow"))
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    with pytest.raises(VerificationError, match="does not agree with its manifest"):
        push("out", "hf:me/made", "--allow-secrets", "--allow-draft")
    assert hub.asked == []


def test_secrets_are_listed_and_need_consent(byte_tokenizer: Path, hub: FakeHub) -> None:
    golden = rows()
    key = "hf_" + "abcdefghijklmnopqrstuvwxyzABCDEFGH"
    golden[7]["article"] += f" The key is {key}."
    golden[9]["summary"] += " Paid with 4111 1111 1111 1111."
    write_spec(byte_tokenizer)
    build_rows(golden)
    with pytest.raises(SftdataError) as error:
        push("out", "hf:me/made")
    text = str(error.value)
    assert "secret-key  1" in text
    assert "(row r7)" in text
    assert "card-number  1" in text
    assert key not in text
    assert text.endswith("push all the same: --allow-secrets")
    assert hub.asked == []
    push("out", "hf:me/made", "--allow-secrets")
    assert KEY in hub.repos


def test_without_its_tokenizer_no_text_can_be_searched(dataset: Path, hub: FakeHub) -> None:
    manifest = json.loads((dataset / "manifest.json").read_bytes())
    edit_manifest(dataset, tokenizer={**manifest["tokenizer"], "name": "gone"})
    with pytest.raises(SftdataError, match=r"cannot be searched for secrets(?s:.*)--allow-secrets"):
        push("out", "hf:me/made")
    push("out", "hf:me/made", "--allow-secrets")


def test_an_option_of_the_other_kind_is_refused(dataset: Path) -> None:
    import click

    with pytest.raises(click.UsageError, match="--evaluation is for an adapter or a model only"):
        push("out", "hf:me/made", "--evaluation", "x.json")
    Path("adapter").mkdir()
    Path("adapter/sftdata.json").write_text("{}")
    with pytest.raises(click.UsageError, match="--with-text is for a dataset only"):
        push("adapter", "hf:me/made", "--with-text")


def test_a_killed_push_leaves_the_old_revision_and_the_next_one_goes_on(dataset: Path) -> None:
    line = [sys.executable, "-m", "sftdata", "push", "out", "hf:me/made"]
    with serve() as hub:
        env = os.environ | {"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_mine"}
        env |= {"HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
        hub.stall = "/commit/"  # all large files have arrived
        with subprocess.Popen(line, env=env, stderr=subprocess.DEVNULL) as running:
            deadline = time.monotonic() + 60
            while not hub.count("/commit/") and time.monotonic() < deadline:
                time.sleep(0.01)
            running.send_signal(signal.SIGKILL)
        assert hub.repos[KEY].files == {}
        arrived, hub.stall, hub.asked = len(hub.stored), "", []
        assert arrived >= 3
        done = subprocess.run(line, env=env, capture_output=True, text=True, check=True)
        assert done.stdout.startswith("Pushed.\n")
        assert hub.count("PUT /lfs/") == 0
        path = "manifest.json"
        assert hub.repos[KEY].files[path] == (dataset / path).read_bytes()


def test_an_adapter_goes_with_its_card_and_evaluation(byte_tokenizer: Path, hub: FakeHub) -> None:
    write_adapter(Path("adapter"), byte_tokenizer)
    Path("eval.json").write_text(json.dumps(EVALUATION))
    push("adapter", "hf:me/made", "--evaluation", "eval.json")
    files = hub.repos["models/me/made"].files
    assert b"| tuned | 0 | 1.2500 | 61.5 [1.0, 99.0] |" in files["README.md"]
    for name in files.keys() - {"README.md"}:
        assert files[name] == Path("adapter", name).read_bytes()


def test_a_merged_model_takes_the_place_of_its_adapter(byte_tokenizer: Path, hub: FakeHub) -> None:
    write_adapter(Path("adapter"), byte_tokenizer)
    push("adapter", "hf:me/made")
    model = write_adapter(Path("model"), byte_tokenizer, merged={}, files=None)
    (model / "adapter_config.json").unlink()
    push("model", "hf:me/made")
    assert "adapter_config.json" not in hub.repos["models/me/made"].files


def test_an_adapter_of_a_draft_needs_consent(byte_tokenizer: Path, hub: FakeHub) -> None:
    write_adapter(Path("adapter"), byte_tokenizer)
    passport = json.loads(Path("adapter/sftdata.json").read_text())
    drafted = {**passport["data"], "draft": True}
    write_adapter(Path("drafted"), byte_tokenizer, data=drafted)
    with pytest.raises(SftdataError, match=r"trained on a draft(?s:.*)--allow-draft"):
        push("drafted", "hf:me/made")
    assert hub.asked == []
    push("drafted", "hf:me/made", "--allow-draft")
