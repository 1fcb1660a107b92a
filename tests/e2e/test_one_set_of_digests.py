"""One set of digests: whatever makes the examples, and whatever is lost meanwhile.

The nodes of the Ray cluster are simulated on this machine.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.forty_rows import rows, write_rows, write_spec
from support.places import ROOT
from support.s3 import BUCKET, s3_server

from sftdata.base.sizes import Sizes
from sftdata.building import dispatch
from sftdata.building.build import build_spec
from sftdata.building.plan import Plan
from sftdata.building.ray_tasks import RayTasks
from sftdata.building.workforce import THIS_PROCESS, Workforce
from sftdata.errors import SftdataError
from sftdata.examples.maker import BlockExamples, BlockRequest
from sftdata.loading.stored import local_folder
from sftdata.spec.model import Spec
from sftdata.writing.manifest import read_manifest

ray = pytest.importorskip("ray", reason="the extra ray is not installed")

ROWS = 2_000
NODE = {"num_cpus": 1, "object_store_memory": 100_000_000}
ON_RAY = Workforce(on_ray=True)
SIZES = Sizes(read_bytes=20_000, chunk_bytes=300, batch_rows=8)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """The driver's node without a core for tasks, and one that runs them all."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "train")]))
        patch.setenv("RAY_DISABLE_METRICS_COLLECTION", "1")
        head = {
            "num_cpus": 0,
            "include_dashboard": False,
            "object_store_memory": 100_000_000,
            "_system_config": {"health_check_timeout_ms": 60_000},  # other tests take the cores
        }
        made = Cluster(initialize_head=True, head_node_args=head)
        made.add_node(**NODE)
        ray.init(address=made.address, log_to_driver=False, logging_level="ERROR")
        yield made
        ray.shutdown()
        made.shutdown()


@pytest.fixture
def spec(byte_tokenizer: Path) -> Spec:
    write_rows(rows(ROWS))
    return write_spec(byte_tokenizer)


def digest(
    spec: Spec,
    out: str,
    workforce: Workforce,
    disturb: Any = None,
    report: Callable[[str], None] = lambda line: None,
) -> str:
    """The digest of the manifest, which holds those of all shards, the ledger and the counts."""
    progress = disturb or (lambda rows, share: None)
    manifest = build_spec(
        spec, out=out, workforce=workforce, sizes=SIZES, progress=progress, report=report
    ).manifest
    assert manifest["rows_out"] == ROWS
    own: str = manifest["own_sha256"]
    return own


@pytest.fixture(scope="module")
def expected(byte_tokenizer: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest of a local build in one process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("expected"))
        write_rows(rows(ROWS))
        return digest(write_spec(byte_tokenizer), "out", THIS_PROCESS)


def once_after(rows: int, act: Callable[[], None]) -> Callable[[int, float | None], None]:
    """A progress that acts in the middle of the build, beside it."""
    done = threading.Event()

    def progress(rows_done: int, share: float | None) -> None:
        if rows_done > rows and not done.is_set():
            done.set()
            threading.Thread(target=act, daemon=True).start()
            time.sleep(0.2)

    return progress


def workers() -> list[int]:
    """Process ids of the workers that run tasks."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if name.startswith((b"ray::_make", b"ray::IDLE")):
            found.append(int(folder.name))
    return found


@pytest.mark.parametrize("number", [2, 3, 8])
def test_processes_change_nothing(number: int, spec: Spec, expected: str) -> None:
    assert digest(spec, "out", Workforce(number)) == expected


def test_a_store_changes_nothing(spec: Spec, expected: str) -> None:
    with s3_server():
        out = f"s3://{BUCKET}/out"
        assert digest(spec, out, THIS_PROCESS) == expected
        assert read_manifest(local_folder(out))["own_sha256"] == expected


def test_a_cluster_of_one_node_changes_nothing(cluster: Any, spec: Spec, expected: str) -> None:
    said: list[str] = []
    assert digest(spec, "out", ON_RAY, report=said.append) == expected
    assert said == []  # the worker reads the file itself


def test_rows_that_the_cluster_cannot_read_are_sent(
    cluster: Any, spec: Spec, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere(plan: Plan) -> Plan:
        sources = [replace(source, files=(Path("/not/here"),)) for source in plan.sources]
        return replace(plan, sources=tuple(sources))

    monkeypatch.setattr(dispatch, "with_whole_paths", elsewhere)
    said: list[str] = []
    assert digest(spec, "out", ON_RAY, report=said.append) == expected
    assert said == [
        "The machines of the cluster cannot read rows.jsonl themselves, so its rows are sent to "
        "them: rows.jsonl: cannot be read: No such file or directory."
    ]


def test_a_task_that_runs_twice_changes_nothing(
    cluster: Any, spec: Spec, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    class Twice(RayTasks):
        """Ray runs a task again when it cannot know whether the first run has ended."""

        def submit(self, work: Sequence[BlockRequest]) -> Future[BlockExamples]:
            first, second = super().submit(work), super().submit(work)
            seen.append((first, second))
            return second

    monkeypatch.setattr(dispatch, "RayTasks", Twice)
    assert digest(spec, "out", ON_RAY) == expected
    assert len(seen) > 5
    ended = [pair for pair in seen if not any(future.exception() for future in pair)]
    assert ended  # those that nobody waits for are given up at the end of the build
    for first, second in ended:
        assert first.result().batch.equals(second.result().batch)


def test_killed_workers_change_nothing(cluster: Any, spec: Spec, expected: str) -> None:
    killed = []

    def kill() -> None:
        for process in workers():
            os.kill(process, signal.SIGKILL)
            killed.append(process)

    assert digest(spec, "out", ON_RAY, once_after(500, kill)) == expected
    assert killed


def test_one_of_three_nodes_that_is_lost_changes_nothing(
    cluster: Any, spec: Spec, expected: str
) -> None:
    nodes = [cluster.add_node(**NODE) for _ in range(2)]

    def remove() -> None:
        cluster.remove_node(nodes[0], allow_graceful=False)

    assert digest(spec, "out", ON_RAY, once_after(500, remove)) == expected
    deadline = time.monotonic() + 120  # the removal runs beside the build
    while sum(node["Alive"] for node in ray.nodes()) > 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert sum(node["Alive"] for node in ray.nodes()) == 3


def test_a_row_that_is_wrong_is_named_as_in_a_local_build(cluster: Any, spec: Spec) -> None:
    golden = rows(40)
    golden[7]["summary"] = ""
    write_rows(golden)
    strict = spec.model_copy(update={"max_dropped": 0.0})
    said = []
    for workforce in (ON_RAY, THIS_PROCESS):
        with pytest.raises(SftdataError) as caught:
            build_spec(strict, out=f"out-{workforce.on_ray}", workforce=workforce)
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert "rows.jsonl:8" in said[0]
