"""Files of answers: whole lines survive a kill, and only the same evaluation goes on with them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sftdata.errors import SftdataError
from sftdata_train.evaluating.answer_files import AnswerFile, open_cached

HEADER = {"model": {"config.json": "ab"}, "decoding": {"mode": "greedy", "stop_ids": (2,)}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two answers, to the prompts [1, 2] and [3]."""
    found = tmp_path / "answers" / "base.jsonl"
    with AnswerFile.open(found, HEADER) as file:
        file.add([("r1", [1, 2], [7, 8], "a\n\u2028b"), ("r2", [3], [], "")])
    return found


def test_answers_are_found_by_their_prompt(path: Path) -> None:
    with AnswerFile.open(path, HEADER) as file:
        assert (file[[1, 2]], file[[3]]) == ([7, 8], [])
        assert [1] not in file
    assert [json.loads(line).get("text") for line in path.read_bytes().split(b"\n")[:3]] == [
        None, "a\n\u2028b", "",
    ]  # fmt: skip


@pytest.mark.parametrize("cut", range(1, 200, 13))
def test_a_line_that_a_kill_has_cut_is_written_again(path: Path, cut: int) -> None:
    whole = path.read_bytes()
    os.truncate(path, len(whole) - cut)
    with AnswerFile.open(path, HEADER) as file:
        left = [
            one
            for one in [("r1", [1, 2], [7, 8], "a\n\u2028b"), ("r2", [3], [], "")]
            if one[1] not in file
        ]
        assert left
        file.add(left)
    assert path.read_bytes() == whole


@pytest.mark.parametrize("content", [b"notes\n", b"notes", b'{"a": 1}\n', b"[]\n", b"\xff\n"])
def test_a_file_of_another_kind_stays_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(SftdataError, match="is no file of answers, so it stays as it is"):
        AnswerFile.open(path, HEADER)
    assert path.read_bytes() == content


def test_answers_of_another_model_are_refused_with_what_differs(path: Path) -> None:
    with pytest.raises(SftdataError, match="of another evaluation: model differ"):
        AnswerFile.open(path, HEADER | {"model": {}})


def test_two_processes_do_not_write_one_file(path: Path) -> None:
    with (
        AnswerFile.open(path, HEADER),
        pytest.raises(SftdataError, match="Another process writes answers"),
    ):
        AnswerFile.open(path, HEADER)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"ids", b"odd"),
        (b"[7, 8]", b"[7, 9]"),
        (b"[7, 8]", b"[1e999]"),
        (b'"a"', b'"c"'),
        (b"r1", b"r3"),
    ],
)
def test_a_damaged_file_in_the_cache_is_started_again(
    old: bytes, new: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with open_cached(HEADER) as file:
        file.add([("r1", [1, 2], [7, 8], "a")])
    file.path.write_bytes(file.path.read_bytes().replace(old, new))
    with open_cached(HEADER) as again:
        assert again.path == file.path
        assert [1, 2] not in again


def test_a_damaged_answer_is_named_and_the_file_stays_as_it_is(path: Path) -> None:
    damaged = path.read_bytes().replace(b"[7, 8]", b"[7, 9]")
    path.write_bytes(damaged)
    with pytest.raises(SftdataError, match=r"base\.jsonl:2: the line is damaged") as caught:
        AnswerFile.open(path, HEADER)
    assert caught.value.code == "E702"
    assert path.read_bytes() == damaged
