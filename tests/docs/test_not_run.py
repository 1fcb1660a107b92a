"""For which reasons a block may be left out."""

from __future__ import annotations

import pytest
from support.doc_pages.blocks import find_blocks
from support.doc_pages.not_run import fault_of_reason, is_left_out


def fault(reason: str, text: str) -> str | None:
    page = f"<!-- not run: {reason} -->\n```console\n$ {text}\n```\n"
    return fault_of_reason(find_blocks(page)[0])


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("needs the network", "pip install x"),
        ("needs the network: the Hub", "sftdata build --data hf:abisee/cnn_dailymail"),
        ("needs a GPU", "torchrun -m sftdata train"),
        ("needs the package no_such_package", "python -c 'import no_such_package'"),
        ("needs the program vllm", "vllm serve model"),
        ("needs the golden sets", "python tests/bench/run.py"),
    ],
)
def test_a_reason(reason: str, text: str) -> None:
    assert fault(reason, text) is None


@pytest.mark.parametrize(
    ("reason", "text", "says"),
    [
        ("takes long", "sftdata build", "is none of: needs the network"),
        ("", "sftdata build", "is none of"),
        ("needs the networks", "pip", "is none of"),
        ("needs the network", "sftdata build --task qa", "nothing in the block needs the network"),
        ("needs a GPU", "sftdata build", "nothing in the block needs a GPU"),
        ("needs the package no_such_package", "ls", "does not use"),
        ("needs the program bash", "bash", "is not in the list"),
        ("needs the golden sets", "sftdata build", "only the benchmarks"),
    ],
)
def test_no_reason(reason: str, text: str, says: str) -> None:
    assert says in (fault(reason, text) or "")


def test_a_block_that_needs_a_package_is_run_where_the_package_is() -> None:
    page = "<!-- not run: needs the package {} -->\n```console\n$ ls\n```\n"
    assert is_left_out(find_blocks(page.format("no_such_package"))[0])
    assert not is_left_out(find_blocks(page.format("yaml"))[0])
