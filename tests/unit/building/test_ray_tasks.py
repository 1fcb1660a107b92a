"""The jobs of a cluster, made in this process: a worker reads its rows itself, or says it cannot.

With a cluster: `tests/e2e/test_one_set_of_digests.py`.
"""

from __future__ import annotations

import functools
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.forty_rows import rows, write_spec
from support.web import Web, serve

from sftdata.base.version import __version__
from sftdata.building.dispatch import with_whole_paths
from sftdata.building.maker import maker_in_worker
from sftdata.building.plan import Plan, make_plan
from sftdata.building.ray_tasks import _make, _Unreadable
from sftdata.building.work_transfer import encode_work
from sftdata.errors import SftdataError
from sftdata.examples.maker import BlockExamples, BlockRequest
from sftdata.reading.chunks import read_chunks

# The last line has no end.
LINES = "\n".join(json.dumps(row) for row in rows()).encode()


@pytest.fixture
def web() -> Iterator[Web]:
    with serve() as web:
        web.files["/rows.jsonl"] = LINES
        yield web


def plan_work(data: str, tokenizer: Path) -> tuple[Plan, list[BlockRequest]]:
    spec = write_spec(tokenizer).model_copy(update={"data": (data,)})
    plan = with_whole_paths(make_plan(spec))
    chunks = [chunk for group in read_chunks(plan.sources[0], 0) for chunk in group]
    return plan, [BlockRequest(chunk, (0,)) for chunk in chunks]


def run_task(plan: Plan, work: list[BlockRequest], key: bytes, **options: Any) -> Any:
    make = functools.partial(maker_in_worker, pickle.dumps(plan), "tokenizers")
    sent = pickle.loads(pickle.dumps(encode_work(work, **options), protocol=5))
    return _make((__version__, key, make), sent)


def test_a_file_that_the_worker_sees_is_read_there(
    byte_tokenizer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("rows.jsonl").write_bytes(LINES)
    plan, work = plan_work("rows.jsonl", byte_tokenizer)
    path = Path("rows.jsonl").absolute()
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    read = run_task(plan, work, b"sees")
    assert isinstance(read, BlockExamples)
    path.write_bytes(LINES.replace(b"9", b"8"))  # another machine has another file there
    other = run_task(plan, work, b"other")
    assert isinstance(other, _Unreadable)
    assert other.name == "rows.jsonl"
    path.unlink()
    assert isinstance(run_task(plan, work, b"none"), _Unreadable)
    sent = run_task(plan, work, b"sent", with_rows=True)
    assert read.batch.equals(sent.batch)


def test_a_file_at_an_address_is_read_from_there(byte_tokenizer: Path, web: Web) -> None:
    plan, work = plan_work(f"{web.url}/rows.jsonl", byte_tokenizer)
    assert isinstance(run_task(plan, work, b"here"), BlockExamples)
    assert [status for _, status in web.asked] == [200]
    plan.sources[0].files[0].unlink()  # a machine without the copy
    read = run_task(plan, work, b"there")
    assert [status for _, status in web.asked] == [200, 206]
    assert read.batch.equals(run_task(plan, work, b"sent", with_rows=True).batch)
    for content in (LINES.replace(b"9", b"8"), LINES[:-20], 404):
        web.files["/rows.jsonl"] = content
        assert isinstance(run_task(plan, work, b"changed"), _Unreadable)


def test_another_version_is_one_message(byte_tokenizer: Path) -> None:
    answer = _make(("0.0.0", b"", lambda: None), None)  # type: ignore[arg-type, return-value]
    assert isinstance(answer, SftdataError)
    assert "and this one 0.0.0" in str(answer)
