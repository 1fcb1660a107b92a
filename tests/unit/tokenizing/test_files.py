"""Where tokenizers come from: a Hub name (from the local cache) and a SentencePiece model."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from sftdata.base import arrow as columns
from sftdata.errors import TokenizerError
from sftdata.tokenizing.engines import ReferenceEngine
from sftdata.tokenizing.load import load_tokenizer

ROOT = Path(__file__).resolve().parents[3]
BUNDLED = ROOT / "pipelines" / "tokenizers" / "small"


def test_a_hub_name_is_read_from_the_local_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path / "models--someone--small"
    snapshot = repository / "snapshots" / "0123abc"
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123abc")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(BUNDLED / name, snapshot)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    tokenizer = load_tokenizer("someone/small")

    assert tokenizer.sha256 == load_tokenizer(str(BUNDLED)).sha256
    assert tokenizer.name == "someone/small"


def test_a_hub_name_that_is_not_there_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    with pytest.raises(TokenizerError, match=r"'someone/nothing'(.|\n)*check the name"):
        load_tokenizer("someone/nothing")


def test_a_folder_without_tokenizer_files_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=r"neither tokenizer\.json nor a SentencePiece model"):
        load_tokenizer(str(tmp_path))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the protobuf bindings
def test_a_sentencepiece_model_is_converted_and_encodes_as_sentencepiece_does(
    tmp_path: Path,
) -> None:
    sentencepiece = pytest.importorskip("sentencepiece", reason="comes with the train extra")
    pytest.importorskip("transformers", reason="comes with the train extra")
    rows = (ROOT / "pipelines" / "samples" / "summarize.jsonl").read_text(encoding="utf-8")
    articles = [json.loads(row)["article"].replace("\n", " ") for row in rows.splitlines()]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(articles),
        model_prefix=str(tmp_path / "tokenizer"),
        model_type="bpe",
        vocab_size=1200,
        byte_fallback=True,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        normalization_rule_name="identity",  # what a Llama model has
        remove_extra_whitespaces=False,
        minloglevel=2,
    )
    config = {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    model = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "tokenizer.model"))

    tokenizer = load_tokenizer(str(tmp_path))
    encoded = ReferenceEngine(tokenizer.plain_text).encode(columns.texts(articles))

    expected = [model.encode(article) for article in articles]
    found = [encoded.ids[a:b].tolist() for a, b in pairwise(encoded.offsets)]
    assert tokenizer.eos_id == 2
    assert found == expected
