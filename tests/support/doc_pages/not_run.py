"""The reasons for which a page may show a block that is not run."""

from __future__ import annotations

import importlib.util
import re

from support.doc_pages.blocks import Block

FORMS = (
    "needs the network",
    "needs a GPU",
    "needs the package NAME",
    "needs the program NAME",
    "needs the golden sets",
)
REASON = re.compile(
    r"needs (?:(?P<kind>the network|a GPU|the golden sets)"
    r"|the (?P<what>package|program) (?P<name>[\w.-]+))(?:[:,;(] ?.*| .*)?"
)
# Programs that no test machine is asked to have.
PROGRAMS = {"docker", "vllm", "ollama", "llama-server", "sglang", "tgi", "torchrun", "axolotl"}
PROGRAMS |= {"llamafactory-cli", "tune", "trl", "ssh", "slurm", "aws", "kubectl", "npm"}
NETWORK = re.compile(
    r"\b(?:pip|npm|npx|uv|curl|wget|hf|huggingface-cli|pre-commit)\b|://|hf:|preset|HuggingFaceTB/"
    r"|git (?:clone|fetch|push|pull)|--address "
)
GPU = re.compile(r"train|vllm|cuda|gpu|bfloat16|bf16|qlora|torchrun|serve", re.IGNORECASE)


def fault_of_reason(block: Block) -> str | None:
    """Why the comment above `block` is no reason to leave the block out, if it is none."""
    reason = REASON.fullmatch(block.not_run or "")
    if reason is None:
        return f"'not run: {block.not_run}' is none of: {'; '.join(FORMS)} (then ': ' and a remark)"
    name = reason["name"]
    if reason["kind"] == "the network" and not NETWORK.search(block.text):
        return "nothing in the block needs the network"
    if reason["kind"] == "a GPU" and not GPU.search(block.text):
        return "nothing in the block needs a GPU"
    if reason["kind"] == "the golden sets" and "tests/bench" not in block.text:
        return "only the benchmarks need the golden sets"
    if reason["what"] == "program" and name not in PROGRAMS:
        return f"the program '{name}' is not in the list of tests/support/doc_pages/not_run.py"
    if name is not None and name not in block.text:
        return f"the block does not use '{name}'"
    return None


def is_left_out(block: Block) -> bool:
    """Whether `block` is not run here; one that needs a package runs where the package is."""
    if block.not_run is None:
        return False
    reason = REASON.fullmatch(block.not_run)
    return reason is None or reason["what"] != "package" or not is_installed(reason["name"])


def is_installed(package: str) -> bool:
    return importlib.util.find_spec(package.replace("-", "_").split(".")[0]) is not None
