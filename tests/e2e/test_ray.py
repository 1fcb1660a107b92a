"""Builds on a Ray cluster of three nodes, which are simulated on this machine."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.forty_rows import rows, write_rows, write_spec
from support.places import ROOT

from sftdata.base.sizes import Sizes
from sftdata.building.build import build_spec
from sftdata.building.workforce import THIS_PROCESS, Workforce
from sftdata.errors import SftdataError
from sftdata.spec.model import Spec

ray = pytest.importorskip("ray", reason="the extra ray is not installed")

ON_RAY = Workforce(on_ray=True)
SIZES = Sizes(read_bytes=20_000, chunk_bytes=300, batch_rows=8)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """The driver's node without a core for tasks, so all of them run on the two others."""
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
        for _ in range(2):
            made.add_node(num_cpus=1, object_store_memory=100_000_000)
        ray.init(address=made.address, log_to_driver=False, logging_level="ERROR")
        yield made
        ray.shutdown()
        made.shutdown()


@pytest.fixture
def spec(byte_tokenizer: Path) -> Spec:
    write_rows(rows(4_000))
    return write_spec(byte_tokenizer)


def digests(spec: Spec, out: str, workforce: Workforce, disturb: Any = None) -> list[str]:
    progress = disturb or (lambda rows, share: None)
    manifest = build_spec(
        spec, out=out, workforce=workforce, sizes=SIZES, progress=progress
    ).manifest
    assert manifest["rows_out"] == 4_000
    return [shard["sha256"] for s in manifest["splits"].values() for shard in s["shards"]]


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


def test_the_dataset_is_that_of_a_local_build(cluster: Any, spec: Spec) -> None:
    assert digests(spec, "ray", ON_RAY) == digests(spec, "local", THIS_PROCESS)


def test_killed_workers_change_nothing(cluster: Any, spec: Spec) -> None:
    killed = []

    def kill() -> None:
        for process in workers():
            os.kill(process, signal.SIGKILL)
            killed.append(process)

    assert digests(spec, "ray", ON_RAY, once_after(500, kill)) == digests(
        spec, "local", THIS_PROCESS
    )
    assert killed


def test_a_node_that_is_lost_changes_nothing(cluster: Any, spec: Spec) -> None:
    node = cluster.add_node(num_cpus=1, object_store_memory=100_000_000)

    def remove() -> None:
        cluster.remove_node(node, allow_graceful=False)

    assert digests(spec, "ray", ON_RAY, once_after(500, remove)) == digests(
        spec, "local", THIS_PROCESS
    )
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
