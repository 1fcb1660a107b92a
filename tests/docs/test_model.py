"""The model of the pages is one that transformers loads, with the tokenizer's stop ids."""

from __future__ import annotations

from pathlib import Path

from support.doc_pages.model import make_model


def test_transformers_loads_the_model_whole(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = make_model(tmp_path / "model")
    model, loading = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert not any(loading.values())
    assert tokenizer.eos_token_id in model.generation_config.eos_token_id
    assert len(tokenizer) <= model.config.vocab_size
    text = tokenizer.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False)
    assert text == "<|im_start|>user\nHi<|im_end|>\n"


def test_the_model_is_the_same_each_time(tmp_path: Path) -> None:
    first, second = make_model(tmp_path / "a"), make_model(tmp_path / "b")
    for file in first.iterdir():
        assert file.read_bytes() == (second / file.name).read_bytes()
