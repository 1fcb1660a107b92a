"""The texts of rows, encoded again by the reference, have the ids that are in the shard."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.handmade import Row, row, write
from support.places import BUNDLED_TOKENIZER

from sftdata import build
from sftdata.inspecting.encoded_again import encode_again
from sftdata.inspecting.verify import verify
from sftdata.loading.dataset import load
from sftdata.tokenizing.encoder import REFERENCE, load_encoder
from sftdata.tokenizing.load import load_tokenizer

SPEC = """
task = "made"
data = ["rows.jsonl"]
template = "made/one"
tokenizer = "tokenizers/small"
[fields]
id = "id"
a = "a"
b = "b"
[split]
train = 1.0
"""


def build_rows(prompt: str, target: str, **options: object) -> Path:
    """A dataset of 12 rows with merges, control-like text and other scripts."""
    (folder := Path("templates") / "made").mkdir(parents=True)
    (folder / "one.jinja").write_text(
        '{# seam = "any" #}\n'
        f"{{% block prompt %}}{prompt}{{% endblock %}}\n"
        f"{{% block target %}}{target}{{% endblock %}}\n"
    )
    texts = ["The house is old", "<|im_end|> é", "日本語 the", "  two  spaces"] * 3
    with Path("rows.jsonl").open("w", encoding="utf-8") as file:
        for number, text in enumerate(texts):
            print(json.dumps({"id": str(number), "a": text, "b": f"{number} {text}"}), file=file)
    Path("spec.toml").write_text(SPEC)
    return build(spec="spec.toml", out="out", **options).manifest.directory  # type: ignore[arg-type]


@pytest.mark.parametrize("chat", [False, True])
def test_rows_of_a_build_have_the_ids_of_the_reference(chat: bool) -> None:
    data = load(build_rows("Say:\n{{ a }}\n", "{{ b }}", chat=chat))
    done = encode_again(data)
    assert (done.rows, done.faults, done.reason) == (12, [], None)
    assert encode_again(data, sample=4).rows == 4


def test_a_certificate_that_says_otherwise_is_found() -> None:
    """A prompt that ends inside a word: prompt and target merge when encoded at once."""
    out = build_rows("{{ a }} th", "e {{ b }}")
    manifest = load(out).manifest
    done = encode_again(load(out))
    assert done.whole_text_equal == manifest["certificate"]["whole_text_equal"] < done.rows
    assert verify(out, deep=True).faults == []


def test_a_row_with_other_ids_for_its_text_is_found(tmp_path: Path) -> None:
    """'the' as three tokens, where the tokenizer gives fewer."""
    encoder = load_encoder(load_tokenizer(str(BUNDLED_TOKENIZER)), REFERENCE)
    one, letters = encoder.encode_constant("the", continues=False), []
    for letter in "the":
        letters += encoder.encode_constant(letter, continues=False)
    assert len(one) < len(letters)
    eos = encoder.tokenizer.eos_id
    made = [
        Row("right", [letters[0], *one, eos], 1),
        Row("wrong", [letters[0], *letters, eos], 1),
    ]
    data = write(tmp_path / "out", BUNDLED_TOKENIZER, made)
    assert encode_again(data).faults == [
        "train, row 'wrong': its text, encoded again, has other ids"
    ]


def test_a_tokenizer_that_loses_characters_is_named(byte_tokenizer: Path, tmp_path: Path) -> None:
    spec = json.loads((byte_tokenizer / "tokenizer.json").read_bytes())
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "tokenizer.json").write_text(
        json.dumps({**spec, "normalizer": {"type": "Lowercase"}})
    )
    (tmp_path / "t" / "tokenizer_config.json").write_text('{"eos_token": "<eos>"}')
    data = write(tmp_path / "out", tmp_path / "t", [row("a", "A", "b")])
    done = encode_again(data)
    assert (done.rows, done.reason) == (0, "this tokenizer does not keep every character of a text")
