"""Builds of conversations, against TRL's preparation and a loop over `apply_chat_template`."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measure import Contender, interleave
from setup import CHILDREN, PYTHON, ROOT, Setup, check_same_work, whole
from table import Row, compared

_SAMPLE = ROOT / "pipelines" / "samples" / "chat.jsonl"
_ROWS = {"plain": 20_000, "tools and reasoning": 5_000}
_GOAL = 5.0

Conversation = dict[str, Any]


def against_trl_and_loop(setup: Setup) -> Iterator[Row]:
    """Whole processes, with the template that TRL ships for Qwen3: it refuses the model's own."""
    tokenizer = setup.tokenizers / "qwen3"
    template = setup.tokenizers.parent / "chat_templates" / "trl-qwen3.jinja"
    python = setup.python_with("trl")
    for kind, rows in _ROWS.items():
        data = _write(setup.folder / f"{kind.split()[0]}.jsonl", kind, setup.scaled(rows, 500))
        options = ["--tokenizer", str(tokenizer), "--chat-template", str(template)]
        arguments = ["--task", "chat", "--data", str(data), *options, "--max-length", "1000000"]

        more = (data, tokenizer, template)
        peers = {"a loop": _peer("a loop", PYTHON, "template_loop.py", *more)}
        if python is not None:
            peers["TRL"] = _peer("TRL", python, "trl_chat_prepare.py", *more)
        two = whole("two", [*arguments, "--workers", "2"])
        runs = interleave([whole("ours", arguments), two, *peers.values()], setup.runs)
        for peer in peers:
            check_same_work(runs.printed("ours", "rows"), runs.printed(peer, "rows"), "rows")
            alone = runs.printed(peer, "preparation")
            for name, workers in (("ours", ""), ("two", ", --workers 2")):
                yield compared(
                    f"conversations, {kind}{workers}, against {peer}",
                    f"{runs.median(name):.2f} s",
                    f"{runs.median(peer):.1f} s",
                    runs.ratio(peer, name),
                    "≥",
                    _GOAL,
                )
                yield Row(
                    f"  the same without {peer}'s imports",
                    f"{runs.median(name):.2f} s",
                    f"{alone:.1f} s",
                    f"{alone / runs.median(name):.3g}",
                )
        if python is None:
            yield Row(f"conversations, {kind}, against TRL", "", "no interpreter has trl")


def _peer(
    name: str, python: Path, script: str, data: Path, tokenizer: Path, template: Path
) -> Contender:
    return Contender(name, lambda out: [python, CHILDREN / script, data, tokenizer, out, template])


def _write(path: Path, kind: str, rows: int) -> Path:
    """Copies of the conversations of a kind in the sample, each with words of its own."""
    with _SAMPLE.open(encoding="utf-8") as file:
        sample = [row for row in map(json.loads, file) if _is_plain(row) == (kind == "plain")]
    with path.open("w", encoding="utf-8") as file:
        for number, row in enumerate(itertools.islice(itertools.cycle(sample), rows)):
            file.write(json.dumps(_copy(row, number), ensure_ascii=False) + "\n")
    return path


def _is_plain(row: Conversation) -> bool:
    return all(turn.keys() == {"role", "content"} for turn in row["messages"])


def _copy(row: Conversation, number: int) -> Conversation:
    """The conversation with a number before each text; tools as JSON, so that Arrow keeps them."""
    turns = []
    for turn in row["messages"]:
        content = turn.get("content")
        turns.append({**turn, "content": f"({number}) {content}" if content else ""})
        if "reasoning_content" in turn:
            turns[-1]["reasoning_content"] = f"({number}) {turn['reasoning_content']}"
    copy = {"id": f"{row['id']}-{number}", "messages": turns}
    return {**copy, "tools": json.dumps(row["tools"])} if "tools" in row else copy
