"""Conversations served: the prompt of each answer, and the answer, are those of the dataset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from support.made_chats import make_tokenizer
from support.places import BUNDLED_TOKENIZER, ROOT
from support.tiny_models import llama

from sftdata.building.build import build
from sftdata.cli import cli
from sftdata.errors import SftdataError
from sftdata.loading.dataset import load
from sftdata.loading.text import TextReader
from sftdata.serving.conversation import Question
from sftdata.serving.passport import Passport, read_passport
from sftdata.serving.prompter import render_prompt
from sftdata.serving.recorded_prompt import PassportRenderer
from sftdata.tokenizing.load import load_tokenizer
from sftdata.tokenizing.tokenizer import Tokenizer
from sftdata_train.evaluating.evaluation import evaluate
from sftdata_train.evaluating.prompts import prompt_ids
from sftdata_train.generating.answering import answer
from sftdata_train.training.recipe import load_recipe
from sftdata_train.training.train import train
from sftdata_train.training.training_run import prepare

ASKED: list[dict[str, Any]] = [{"role": "user", "content": "How high is Mont Blanc? <note>"}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled conversations as `out`, a model as `model`, and it trained as `tuned`."""
    made = tmp_path_factory.mktemp("talks")
    template = (BUNDLED_TOKENIZER / "chat_template.jinja").read_text(encoding="utf-8")
    make_tokenizer(BUNDLED_TOKENIZER, template + "{% if false %}<note>{% endif %}", made / "model")
    tokenizer = load_tokenizer(str(made / "model"))
    vocabulary = 1 + max(tokenizer.vocab_size, *tokenizer.control_tokens.values())
    end = tokenizer.eos_id
    llama(vocab_size=vocabulary, pad_token_id=end, eos_token_id=end).to(
        torch.float32
    ).save_pretrained(made / "model")
    build(
        task="chat", tokenizer=str(made / "model"), out=made / "out", text_tokens=("<note>",),
        max_dropped=100.0,
    )  # fmt: skip
    recipe = load_recipe(None, max_steps=1, method="full")
    train(prepare(made / "out", str(made / "model"), recipe, allow_draft=True), made / "tuned")
    return made


def encode_turns(
    passport: Passport, tokenizer: Tokenizer, asked: Question, source: str | None = None
) -> list[int]:
    return PassportRenderer(passport, tokenizer).render_question(asked, source=source).input_ids


def rows() -> dict[str, dict[str, Any]]:
    sample = ROOT / "pipelines" / "samples" / "chat.jsonl"
    return {row["id"]: row for row in map(json.loads, sample.read_text("utf-8").splitlines())}


def test_the_prompt_of_each_last_answer_is_the_one_trained_on(folder: Path) -> None:
    passport = read_passport(folder / "tuned")
    tokenizer = load_tokenizer(str(folder / "model"))
    golden = rows()
    for example in load(folder / "out")["test"]:
        row = golden[example.row_id]
        asked = Question(row["messages"][:-1], row.get("tools"), system=row.get("system"))
        assert encode_turns(passport, tokenizer, asked) == prompt_ids(example)


def test_a_greedy_answer_is_what_transformers_generates_from_the_same_ids(folder: Path) -> None:
    from transformers import AutoModelForCausalLM

    found = answer(folder / "tuned", Question(ASKED), max_new_tokens=20)
    assert found.prompt_ids == render_prompt(folder / "out", messages=ASKED).input_ids
    model = AutoModelForCausalLM.from_pretrained(folder / "tuned")
    ids = torch.tensor([found.prompt_ids])
    whole = model.generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=20,
        eos_token_id=found.stop_ids, pad_token_id=found.stop_ids[0],
    )  # fmt: skip
    expected = whole[0, ids.shape[1] :].tolist()
    stops = [at for at, token in enumerate(expected) if token in found.stop_ids]
    assert found.ids == expected[: stops[0] if stops else None]
    again = answer(folder / "tuned", Question(ASKED), max_new_tokens=20, dataset=folder / "out")
    assert again == found


def test_generate_takes_files_and_rows(folder: Path, tmp_path: Path) -> None:
    talk = tmp_path / "talk.jsonl"
    talk.write_text(json.dumps({"id": "x", "messages": ASKED, "source": "web"}) + "\n")
    given = ["generate", "--adapter", str(folder / "tuned"), "--max-new-tokens", "3", "--json"]
    row = json.dumps({"messages": [*ASKED, {"role": "assistant", "content": "4,806 m."}]})
    runs = [
        CliRunner().invoke(cli, [*given, *more])
        for more in (
            ["--messages", str(talk)],
            ["--row", row],
            ["--messages", json.dumps(ASKED)],
        )
    ]
    found = [json.loads(run.stdout) for run in runs]
    assert found[0] == found[1] == found[2]
    assert found[0].keys() == {"answer", "ids", "prompt_ids", "stop_ids", "decoding"}
    assert runs[0].stderr == f"{talk}: not read: source.\n"
    assert "its last answer is left out" in runs[1].stderr


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        ([], "no turns"),
        ([*ASKED, {"role": "assistant", "content": "4,806 m."}], "nothing to answer"),
        ([{"role": "system", "content": "Be short."}], "only the system speaks"),
        ([{"role": "user", "contents": "x"}], "contents"),
        ([{"role": "usr", "content": "x"}], "has the role 'usr'"),
    ],
)
def test_wrong_turns_are_named(messages: list[Any], told: str, folder: Path) -> None:
    with pytest.raises(SftdataError, match=told):
        answer(folder / "tuned", Question(messages))


def test_sources_that_show_turns_otherwise_are_chosen_from(folder: Path) -> None:
    passport, tokenizer = read_passport(folder / "tuned"), load_tokenizer(str(folder / "model"))
    (rules,) = passport["conversations"].values()
    both = {"a": rules, "b": rules | {"loss": "last"}}
    mixed = Passport(passport.directory, {**passport.content, "conversations": both})
    with pytest.raises(SftdataError, match=r"conversations of a, b(?s:.*)--template a"):
        encode_turns(mixed, tokenizer, Question(ASKED))
    assert encode_turns(mixed, tokenizer, Question(ASKED), "b")
    with pytest.raises(SftdataError, match="not trained on conversations of 'c'"):
        encode_turns(mixed, tokenizer, Question(ASKED), "c")
    plain = Passport(passport.directory, {**passport.content, "conversations": {}})
    with pytest.raises(SftdataError, match="was not trained on conversations"):
        encode_turns(plain, tokenizer, Question(ASKED))


def test_an_evaluation_answers_the_last_turn_of_each_conversation(folder: Path) -> None:
    data = load(folder / "out")
    found = evaluate(
        folder / "out", str(folder / "model"), split="train", limit=4, max_new_tokens=1
    )
    examples = {example.row_id: example for example in data["train"]}
    places = {example.row_id: at for at, example in enumerate(data["train"])}
    turns = []
    for row in found.rows:
        at = places[row.row_id]
        read = TextReader(data).read_answers(data["train"][at : at + 1].to_batch())
        before, answers = (column.to_pylist() for column in read)
        turns.append(len(answers))
        assert (row.prompt, row.references) == (before[-1], [answers[-1].strip()])
        assert row.targets == int(examples[row.row_id].label_mask.sum())  # of all turns
    assert max(turns) > 1
    (scores,) = found.results[0].scores.values()
    assert [score.name for score in scores] == ["exact match", "chrF", "rougeL"]
