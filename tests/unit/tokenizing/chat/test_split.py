"""Splitting a rendered text at control tokens."""

from __future__ import annotations

import json
from pathlib import Path

from support.made_chats import make_tokenizer

from sftdata.base.arrow import texts
from sftdata.tokenizing.chat.split import Piece, TaughtSpan, split_text
from sftdata.tokenizing.encoder import REFERENCE, load_encoder
from sftdata.tokenizing.load import load_tokenizer


def test_the_text_is_cut_at_control_tokens_and_where_the_loss_starts(
    byte_tokenizer: Path, tmp_path: Path
) -> None:
    folder = make_tokenizer(byte_tokenizer, "<|a|>", tmp_path / "made", eos="<eos>")
    tokenizer = load_tokenizer(str(folder))
    token = tokenizer.control_tokens["<|a|>"]
    spans = [TaughtSpan(7, 7, 13)]
    pieces = list(split_text("x<|a|>yzzz<|a|>rest", [TaughtSpan(7, 8, 15)], tokenizer))
    assert pieces == [
        Piece("x", in_loss=False),
        Piece(token, in_loss=False),
        Piece("y", in_loss=False),
        Piece("z", in_loss=False, continues=True),
        Piece("zz", in_loss=True, continues=True),
        Piece(token, in_loss=True),
    ]
    assert [piece.in_loss for piece in split_text("x<|a|>yz<|a|>", spans, tokenizer)][-2:] == [1, 1]


def test_only_the_first_text_gets_a_prefix_where_the_tokenizer_says_so(tmp_path: Path) -> None:
    """Metaspace with `prepend_scheme = "first"`, as in Llama 2."""
    pieces = {"<unk>": 0, "</s>": 1, "▁": 2, "a": 3, "▁a": 4}
    special = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    spec = {
        "added_tokens": [
            {"id": i, "content": text, "special": True} | special
            for text, i in (("<unk>", 0), ("</s>", 1))
        ],
        "pre_tokenizer": {
            "type": "Metaspace",
            "replacement": "▁",
            "prepend_scheme": "first",
            "split": False,
        },
        "model": {"type": "BPE", "vocab": pieces, "merges": [["▁", "a"]], "unk_token": "<unk>"},
    }
    (tmp_path / "tokenizer.json").write_text(json.dumps(spec), encoding="utf-8")
    (tmp_path / "tokenizer_config.json").write_text('{"eos_token": "</s>"}', encoding="utf-8")
    tokenizer = load_tokenizer(str(tmp_path))
    found = list(split_text("a</s>a", [TaughtSpan(0, 0, 6)], tokenizer))
    encoder = load_encoder(tokenizer, REFERENCE)
    ids = [
        [p.content]
        if isinstance(p.content, int)
        else (encoder.encode_targets if p.continues else encoder.encode_prompts)(
            texts([p.content])
        ).ids.tolist()
        for p in found
    ]
    whole = tokenizer.decoder.encode("a</s>a", add_special_tokens=False).ids
    assert [i for part in ids for i in part] == whole == [4, 1, 3]
