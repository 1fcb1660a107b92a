"""Tokenizer folders: what is read from them, and what becomes of control tokens."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import tokenizers

from sftdata.errors import TokenizerError
from sftdata.tokenizing.engines import ReferenceEngine
from sftdata.tokenizing.load import load_tokenizer
from sftdata.tokenizing.tokenizer import Tokenizer


@pytest.fixture
def write(byte_tokenizer: Path, tmp_path: Path) -> Any:
    """Writes the byte tokenizer with other parts into a folder, and gives the folder."""
    spec = json.loads((byte_tokenizer / "tokenizer.json").read_text())

    def write_folder(config: dict[str, Any], **parts: Any) -> str:
        (tmp_path / "tokenizer.json").write_text(json.dumps(spec | parts))
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
        return str(tmp_path)

    return write_folder


def added(content: str, number: int, *, special: bool) -> dict[str, Any]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": content, "special": special, **flags}


def plain(tokenizer: Tokenizer) -> tokenizers.Tokenizer:
    return tokenizers.Tokenizer.from_str(tokenizer.plain_text.content.decode())


def continuation(tokenizer: Tokenizer) -> tokenizers.Tokenizer:
    return tokenizers.Tokenizer.from_str(tokenizer.continuation.content.decode())


EOS = added("<eos>", 256, special=True)
PREFIXED = {
    "type": "Sequence",
    "normalizers": [
        {"type": "Prepend", "prepend": "▁"},
        {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
    ],
}
BOS_FIRST = {
    "type": "TemplateProcessing",
    "single": [
        {"SpecialToken": {"id": "<eos>", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
    ],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {"<eos>": {"id": "<eos>", "ids": [256], "tokens": ["<eos>"]}},
}


def test_what_was_known_of_a_tokenizer_is_known_without_parsing_it(
    write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = write({"eos_token": "<eos>", "pad_token": "<eos>"})
    first, second = load_tokenizer(folder), load_tokenizer(folder)
    assert "spec" not in vars(second)
    assert second == first
    assert second.control_tokens == first.control_tokens
    assert (first.plain_text, first.continuation) == (second.plain_text, second.continuation)
    assert "spec" not in vars(second)
    assert second.spec == first.spec
    for kind in ("tokenizers", "plain"):
        for file in (tmp_path / "cache" / "sftdata" / kind).iterdir():
            file.write_bytes(file.read_bytes()[:-1])
    third = load_tokenizer(folder)
    assert third == first
    assert third.plain_text == first.plain_text


def test_what_is_plain_is_remembered_for_the_control_tokens_it_was_made_with(
    write: Any, tmp_path: Path
) -> None:
    folder = write({"eos_token": "<eos>"}, added_tokens=[EOS, added("user:", 257, special=False)])
    assert "user:" not in load_tokenizer(folder).control_tokens
    before = plain(load_tokenizer(folder)).encode("user:").ids
    (tmp_path / "chat_template.jinja").write_text("user: {{ messages }}")
    after = plain(load_tokenizer(folder)).encode("user:").ids
    assert before == [257]
    assert after == list(b"user:")


def test_what_was_known_of_a_tokenizer_is_not_told_of_another(
    write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = load_tokenizer(write({"eos_token": "<eos>", "bos_token": "<eos>"}))
    other_file = load_tokenizer(
        write({"eos_token": "<eos>", "bos_token": "<eos>"}, post_processor=BOS_FIRST)
    )
    other_config = load_tokenizer(write({"eos_token": "<eos>", "pad_token": "<eos>"}))
    assert (before.bos_id, before.pad_id) == (None, None)
    assert (other_file.bos_id, other_file.sha256 == before.sha256) == (256, False)
    assert (other_config.pad_id, other_config.sha256 == before.sha256) == (256, True)


def test_ids_come_from_the_config(byte_tokenizer: Path) -> None:
    tokenizer = load_tokenizer(str(byte_tokenizer))
    assert (tokenizer.bos_id, tokenizer.eos_id, tokenizer.pad_id) == (None, 256, 256)
    assert tokenizer.vocab_size == 257


def test_a_token_may_be_written_as_an_object(write: Any) -> None:
    assert load_tokenizer(write({"eos_token": {"content": "<eos>"}})).eos_id == 256


def test_the_digest_is_of_the_content_and_not_of_the_layout(write: Any, tmp_path: Path) -> None:
    folder = write({"eos_token": "<eos>"})
    tokenizer = load_tokenizer(folder)
    spec = json.loads((tmp_path / "tokenizer.json").read_text())
    canonical = json.dumps(spec, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert tokenizer.sha256 == hashlib.sha256(canonical.encode()).hexdigest()
    (tmp_path / "tokenizer.json").write_text(json.dumps(spec, indent=4, sort_keys=True))
    assert load_tokenizer(folder).sha256 == tokenizer.sha256


@pytest.mark.parametrize(
    ("config", "post_processor", "bos"),
    [
        ({"bos_token": "<eos>"}, None, None),
        ({"bos_token": "<eos>"}, BOS_FIRST, 256),
        ({"bos_token": "<eos>", "add_bos_token": False}, BOS_FIRST, None),
        ({"bos_token": "<eos>", "add_bos_token": True}, None, 256),
        ({}, BOS_FIRST, None),
    ],
)
def test_bos_is_added_by_the_tokenizers_own_rule(
    write: Any, config: dict[str, Any], post_processor: Any, bos: int | None
) -> None:
    folder = write({"eos_token": "<eos>"} | config, post_processor=post_processor)
    assert load_tokenizer(folder).bos_id == bos


def test_other_added_tokens_are_text_and_keep_their_ids(write: Any) -> None:
    tokens = [
        EOS,
        added("SPECIAL", 257, special=True),
        added("user:", 258, special=False),
        added("<loc>", 259, special=False),
        added("        ", 260, special=False),
        added("\n\n\n", 261, special=False),
    ]
    template = "{% for m in messages %}user: {{ m.content }}{% endfor %}{# <loc> #}"
    folder = write({"eos_token": "<eos>", "chat_template": template}, added_tokens=tokens)
    tokenizer = load_tokenizer(folder)
    assert tokenizer.control_tokens == {"<eos>": 256, "SPECIAL": 257, "user:": 258}
    encode = plain(tokenizer).encode
    assert encode("<eos>SPECIALuser:").ids == list(b"<eos>SPECIALuser:")
    assert encode("a<loc>        \n\n\n").ids == [97, 259, 260, 261]


def test_an_added_token_keeps_its_id_though_a_byte_is_missing_from_the_vocabulary(
    write: Any, byte_tokenizer: Path
) -> None:
    model = json.loads((byte_tokenizer / "tokenizer.json").read_text())["model"]
    del model["vocab"]["ÿ"]
    model["vocab"] |= {"<eos>": 256, "<loc>": 257}
    tokens = [EOS, added("<loc>", 257, special=False)]
    tokenizer = load_tokenizer(write({"eos_token": "<eos>"}, model=model, added_tokens=tokens))
    assert plain(tokenizer).encode("a<loc>").ids == [97, 257]


def test_a_unigram_vocabulary_keeps_the_ids_of_its_added_tokens(write: Any) -> None:
    #                   0               1              2               3 <eos>   4 <loc>
    vocab = [["[UNK]", 0.0], ["a", -1.0], ["</s>", -0.5]]
    tokens = [added("</s>", 2, special=True), added("<eos>", 3, special=True)]
    tokens.append(added("<loc>", 4, special=False))
    folder = write(
        {"eos_token": "<eos>"},
        model={"type": "Unigram", "unk_id": 0, "vocab": vocab, "byte_fallback": False},
        pre_tokenizer=None,
        added_tokens=tokens,
    )
    tokenizer = load_tokenizer(folder)
    assert plain(tokenizer).encode("a<loc>a").ids == [1, 4, 1]
    assert not {2, 3} & set(plain(tokenizer).encode("a</s><eos>").ids)
    assert tokenizer.unk_id == 0


def test_text_tokens_are_text_where_the_data_means_them(write: Any) -> None:
    tokens = [EOS, added("<think>", 257, special=True)]
    tokenizer = load_tokenizer(write({"eos_token": "<eos>"}, added_tokens=tokens))
    assert plain(tokenizer).encode("<think>").ids == list(b"<think>")
    meant = tokenizer.with_text_tokens(["<think>"])
    assert meant.control_tokens == {"<eos>": 256}
    assert plain(meant).encode("a<think>b").ids == [97, 257, 98]


@pytest.mark.parametrize(
    ("token", "words"), [("<thnk>", "Did you mean '<think>'"), ("<eos>", "ends or pads an example")]
)
def test_a_text_token_that_cannot_be_one_is_an_error(write: Any, token: str, words: str) -> None:
    tokens = [EOS, added("<think>", 257, special=True)]
    tokenizer = load_tokenizer(write({"eos_token": "<eos>"}, added_tokens=tokens))
    with pytest.raises(TokenizerError, match=words):
        tokenizer.with_text_tokens([token])


def test_an_end_token_that_is_an_ordinary_vocabulary_entry_is_no_text(write: Any) -> None:
    model = {"type": "WordLevel", "vocab": {"[UNK]": 0, "a": 1, "</s>": 2}, "unk_token": "[UNK]"}
    split = {"type": "WhitespaceSplit"}
    config = {"eos_token": "</s>", "unk_token": "[UNK]"}
    tokenizer = load_tokenizer(write(config, model=model, pre_tokenizer=split, added_tokens=[]))
    assert tokenizer.control_tokens == {"[UNK]": 0, "</s>": 2}
    assert plain(tokenizer).encode("a </s> [UNK]").ids == [1, 0, 0]
    assert (tokenizer.unk_id, tokenizer.control_ids) == (0, {2})


def test_a_dropout_of_merges_is_off_and_said(write: Any) -> None:
    model = {"type": "BPE", "vocab": {"a": 0, "aa": 1}, "merges": [["a", "a"]], "dropout": 0.5}
    folder = write({"eos_token": "<eos>"}, model=model, pre_tokenizer=None, added_tokens=[
        added("<eos>", 2, special=True)
    ])  # fmt: skip
    tokenizer = load_tokenizer(folder)
    assert "dropout of 0.5 is off" in tokenizer.notes[0]
    assert {tuple(plain(tokenizer).encode("a" * 8).ids) for _ in range(20)} == {(1, 1, 1, 1)}


@pytest.mark.parametrize("ignore_merges", [False, True])
def test_a_control_token_in_the_model_vocabulary_is_still_text(
    write: Any, byte_tokenizer: Path, ignore_merges: bool
) -> None:
    model = json.loads((byte_tokenizer / "tokenizer.json").read_text())["model"]
    model |= {"vocab": model["vocab"] | {"<eos>": 256}, "ignore_merges": ignore_merges}
    whole = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
    whole["trim_offsets"] = True
    folder = write({"eos_token": "<eos>"}, model=model, pre_tokenizer=whole)
    assert plain(load_tokenizer(folder)).encode("<eos>").ids == list(b"<eos>")


@pytest.mark.parametrize(
    "model",
    [
        {"type": "WordLevel", "vocab": {"[UNK]": 0, "a": 1, "<eos>": 256}, "unk_token": "[UNK]"},
        {
            "type": "Unigram",
            "unk_id": 0,
            "vocab": [["[UNK]", 0.0], ["a", -1.0], ["<eos>", -0.5]],
            "byte_fallback": False,
        },
        {
            "type": "WordPiece",
            "vocab": {"[UNK]": 0, "a": 1, "<eos>": 256},
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
        },
    ],
    ids=lambda model: model["type"],
)
def test_models_that_look_pieces_up_do_not_find_a_control_token(
    write: Any, model: dict[str, Any]
) -> None:
    eos = 2 if model["type"] == "Unigram" else 256
    folder = write(
        {"eos_token": "<eos>"},
        model=model,
        pre_tokenizer={"type": "WhitespaceSplit"},
        added_tokens=[added("<eos>", eos, special=True)],
    )
    tokenizer = load_tokenizer(folder)
    assert tokenizer.eos_id == eos
    ids = plain(tokenizer).encode("a <eos>").ids
    assert ids[0] == 1
    assert eos not in ids


def test_a_continuation_has_no_space_put_before_it(write: Any) -> None:
    vocab = {"▁": 0, "a": 1, "▁a": 2, "<eos>": 256}
    model = {"type": "BPE", "vocab": vocab, "merges": [["▁", "a"]]}
    folder = write(
        {"eos_token": "<eos>"}, model=model, normalizer=PREFIXED, pre_tokenizer=None, decoder=None
    )
    tokenizer = load_tokenizer(folder)
    assert plain(tokenizer).encode("a a").ids == [2, 2]
    assert continuation(tokenizer).encode("a a").ids == [1, 2]


@pytest.mark.parametrize(
    "stage",
    [
        {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True},
        {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": False},
    ],
)
def test_a_metaspace_continuation_has_no_space_put_before_it(
    write: Any, stage: dict[str, Any]
) -> None:
    vocab = {"▁": 0, "a": 1, "▁a": 2, "<eos>": 256}
    model = {"type": "BPE", "vocab": vocab, "merges": [["▁", "a"]]}
    folder = write({"eos_token": "<eos>"}, model=model, pre_tokenizer=stage, decoder=None)
    tokenizer = load_tokenizer(folder)
    assert plain(tokenizer).encode("a a").ids == [2, 2]
    assert continuation(tokenizer).encode("a a").ids == [1, 2]


def test_a_byte_level_prefix_space_is_not_put_before_a_continuation(write: Any) -> None:
    stage = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    tokenizer = load_tokenizer(write({"eos_token": "<eos>"}, pre_tokenizer=stage))
    assert plain(tokenizer).encode("a").ids == list(b" a")
    assert continuation(tokenizer).encode("a").ids == list(b"a")


def test_a_tokenizer_without_eos_is_an_error(write: Any) -> None:
    with pytest.raises(TokenizerError, match="has no EOS token") as caught:
        load_tokenizer(write({}))
    assert "eos_token" in str(caught.value).splitlines()[-1]


def test_an_eos_that_is_not_in_the_vocabulary_is_an_error(write: Any) -> None:
    with pytest.raises(TokenizerError, match="eos_token '<end>' is not in its vocabulary"):
        load_tokenizer(write({"eos_token": "<end>"}))


def test_a_file_that_is_not_json_is_an_error_with_its_name(write: Any, tmp_path: Path) -> None:
    folder = write({"eos_token": "<eos>"})
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(TokenizerError, match=r"tokenizer\.json: not valid JSON"):
        load_tokenizer(folder)


@pytest.mark.parametrize(
    "parts",
    [
        {"added_tokens": [{"content": "<eos>"}]},
        {"added_tokens": 3},
        {"model": {"type": "BPE", "vocab": {"a": "one"}, "merges": []}},
        {"model": {"type": "BPE", "vocab": 7}},
        {"pre_tokenizer": {"kind": "ByteLevel"}},
    ],
)
def test_parts_that_the_library_does_not_write_are_one_error(
    write: Any, parts: dict[str, Any]
) -> None:
    with pytest.raises(TokenizerError, match=r"tokenizer|library"):
        ReferenceEngine(load_tokenizer(write({"eos_token": "<eos>"}, **parts)).plain_text)


def test_json_that_is_no_tokenizer_is_an_error_with_its_name(write: Any, tmp_path: Path) -> None:
    folder = write({"eos_token": "<eos>"})
    (tmp_path / "tokenizer.json").write_text('{"version": "1.0"}')
    with pytest.raises(TokenizerError, match=r"tokenizer\.json"):
        load_tokenizer(folder)


def test_a_folder_without_a_tokenizer_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=r"neither tokenizer\.json nor a SentencePiece model"):
        load_tokenizer(str(tmp_path))


def test_a_path_that_does_not_exist_is_not_looked_for_on_the_hub() -> None:
    with pytest.raises(TokenizerError, match=r"no tokenizer directory '\./nowhere'"):
        load_tokenizer("./nowhere")


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "bos", "control"),
    [
        ("gpt2", None, 1),
        ("smollm2", None, 17),
        ("qwen3", None, 20),  # and six of fill-in-the-middle, which no conversation has: text
        ("mistral-v3", 1, 771),
        ("gemma3", 2, 9),  # and 6,406 runs of newlines and blanks, HTML tags …: text
    ],
)
def test_the_real_tokenizers(name: str, bos: int | None, control: int, shared: Path) -> None:
    folder = shared / "tokenizers" / name
    tokenizer = load_tokenizer(str(folder))
    assert tokenizer.bos_id == bos
    assert len(tokenizer.control_tokens) == control
    assert tokenizer.eos_id in tokenizer.control_tokens.values()
