"""Parsers of evaluations, saved runs and answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sftdata.serving.model_card import read_evaluation
from sftdata_train.evaluating.answer_files import AnswerFile
from sftdata_train.evaluating.rows import EvaluatedRow
from sftdata_train.evaluating.run_comparison import compare_runs
from sftdata_train.evaluating.run_record import read_run, save_evaluation
from support.parsers.parser import Parser, encode_line
from support.passports import EVALUATION


def _evaluation() -> Parser:
    def read(data: bytes) -> None:
        Path("evaluation.json").write_bytes(data)
        read_evaluation(Path("evaluation.json"))

    return Parser(read, [EVALUATION])


def _answers() -> Parser:
    path, header = Path("answers.jsonl"), {"model": "m"}
    with AnswerFile.open(path, header) as file:
        file.add([("a", [1, 2], [7, 8], "A"), ("b", [3], [], "")])

    def read(data: bytes) -> None:
        path.write_bytes(data)
        with AnswerFile.open(path, header):
            pass

    def encode(entries: Any) -> bytes:
        return b"".join(map(encode_line, entries))

    return Parser(read, [[json.loads(line) for line in path.read_bytes().splitlines()]], encode)


def _saved_run() -> Parser:
    path = Path("run.json")
    row = EvaluatedRow(
        "a", "made", 0, "Q", None, ["A"], 2, {"base": 3.0, "tuned": 1.5}, {"base": "B", "tuned": ""}
    )
    save_evaluation(path, {"tokenizer": "0", "training": {"rows": 3}}, [row])

    def read(data: bytes) -> None:
        path.write_bytes(data)
        run = read_run(path)
        compare_runs([run, run])

    return Parser(read, [json.loads(path.read_bytes())])


PARSERS: dict[str, Callable[[], Parser]] = {
    "evaluation": _evaluation,
    "answers": _answers,
    "saved-run": _saved_run,
}
