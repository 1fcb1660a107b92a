"""Who makes the examples of a build."""

from __future__ import annotations

from dataclasses import dataclass

from sftdata.base.escaping import escape
from sftdata.errors import SftdataError


@dataclass(frozen=True, slots=True)
class Workforce:
    """Who makes the examples: processes of this machine, or the cores of a Ray cluster."""

    number: int = 1  # of processes; 1: this one
    on_ray: bool = False
    cluster: str | None = None  # its address; None: one of this machine


THIS_PROCESS = Workforce()


def choose_workforce(workers: int, engine: str, cluster: str | None) -> Workforce:
    """Who makes the examples, by the options of a build.

    Raises `SftdataError` for options that have no effect together.
    """
    if engine == "ray" and workers != 1:
        raise SftdataError(
            f"--workers {workers} has no effect with --engine ray: the cluster's cores are taken.",
            "Leave one of them out.",
            code="E102",
        )
    if engine != "ray" and cluster is not None:
        raise SftdataError(
            f"--address {escape(cluster)} has no effect without --engine ray.",
            "Add it, or leave --address out.",
            code="E102",
        )
    return Workforce(workers, engine == "ray", cluster)
