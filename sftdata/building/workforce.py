"""Who makes the examples of a build, and how many processes it takes."""

from __future__ import annotations

from dataclasses import dataclass

from sftdata.base.escaping import escape
from sftdata.base.machine import available_memory, usable_cores
from sftdata.building.plan import Plan
from sftdata.errors import SftdataError


@dataclass(frozen=True, slots=True)
class Workforce:
    """Who makes the examples: processes of this machine, or the cores of a Ray cluster."""

    number: int | None = 1  # of processes; 1: this one; None: as many as the input needs
    on_ray: bool = False
    cluster: str | None = None  # its address; None: one of this machine


THIS_PROCESS = Workforce()

_MB = 1024 * 1024
_WORKER_BYTES = 300 * _MB  # of memory: modules, tokenizer and a job
# An own process pays off for so many bytes of sources each: it takes about a second to start.
_BYTES_EACH = 64 * _MB
_BYTES_EACH_OF_CONVERSATIONS = 16 * _MB  # with tools, they take many times longer
# The building process reads, finds repeats and writes; more workers would wait for it.
_MOST = 5
_MOST_OF_CONVERSATIONS = 16


def automatic_number(plan: Plan, cores: int | None = None, memory: int | None = None) -> int:
    """How many processes a build takes by itself; 1: this one.

    `cores` and `memory` (bytes): None for what this process may use.
    """
    cores = usable_cores() if cores is None else cores
    memory = available_memory() if memory is None else memory
    is_chat = plan.conversations is not None
    each, most = (
        (_BYTES_EACH_OF_CONVERSATIONS, _MOST_OF_CONVERSATIONS) if is_chat else (_BYTES_EACH, _MOST)
    )
    number = min(cores, most, sum(source.size for source in plan.sources) // each)
    if memory is not None:
        number = min(number, memory // 2 // _WORKER_BYTES)  # the rest is for this process and files
    # Rows are mostly native code, which two threads of this process run at once; conversations are
    # Python code, which one thread runs at a time.
    fewest = 2 if is_chat else 3
    return number if number >= fewest else 1


def describe_number(number: int) -> str:
    """A line for the user about a number of processes that nobody asked for."""
    return f"{number} processes render and tokenize; --workers 1 uses this one alone."


def choose_workforce(workers: int | None, engine: str, cluster: str | None) -> Workforce:
    """Who makes the examples, by the options of a build. `workers`: None for `automatic_number`.

    Raises `SftdataError` for options that have no effect together.
    """
    if engine == "ray" and workers not in (None, 1):
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
