"""The added tokens of a tokenizer: those of `tokenizer.json` and those its config files declare.

transformers adds what `tokenizer_config.json` (or, before it, `added_tokens.json`) declares beyond
`tokenizer.json`, and so does this. Ids are never guessed: one that the `tokenizers` library would
not give it is an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sftdata.errors import TokenizerError

AddedToken = dict[str, Any]

_FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")
_LISTS = ("additional_special_tokens", "extra_special_tokens")


def declared_tokens(config: Mapping[str, Any], added: Mapping[str, Any]) -> list[AddedToken]:
    """The added tokens of `tokenizer_config.json`, else of `added_tokens.json`, by id."""
    special = special_names(config)
    decoder = config.get("added_tokens_decoder")
    if isinstance(decoder, dict) and decoder:
        tokens = [{"id": int(number), **_entry(token)} for number, token in decoder.items()]
    else:
        tokens = [
            {"id": int(number), **_entry(text), "special": text in special}
            | {"normalized": text not in special}
            for text, number in added.items()
        ]
    return sorted(tokens, key=lambda token: token["id"])


def special_names(config: Mapping[str, Any]) -> set[str]:
    """The texts of all special tokens that the config names."""
    values = [value for name, value in config.items() if name.endswith("_token")]
    for name in _LISTS:
        listed = config.get(name) or ()
        values += listed.values() if isinstance(listed, dict) else listed
    return {text for text in map(token_text, values) if text}


def token_text(value: Any) -> str | None:
    """The text of a token that a config writes as text or as an object."""
    text = value.get("content") if isinstance(value, dict) else value
    return text if isinstance(text, str) else None


def complete(
    own: Sequence[AddedToken], declared: Sequence[AddedToken], vocab: Mapping[str, int]
) -> list[AddedToken]:
    """`own`, the tokens of `tokenizer.json`, with what is declared beside them.

    A declared token that is there already takes the declared settings, as in transformers.
    Raises `TokenizerError` when two files give a token different ids.
    """
    tokens = {token["content"]: token for token in own}
    texts = {token["id"]: token["content"] for token in own}
    for token in declared:
        text, number = token["content"], token["id"]
        if text in tokens:
            known = tokens[text]["id"]
        else:  # where the `tokenizers` library puts a new token
            known = vocab.get(text, max(len(vocab), 1 + max(texts, default=-1)))
        if known != number:
            raise TokenizerError(
                f"The token '{text}' has the id {number:,} in tokenizer_config.json or "
                f"added_tokens.json, and {known:,} by tokenizer.json.",
                "Copy all files of the tokenizer again from where it came from.",
            )
        special = token["special"] or bool(tokens.get(text, token)["special"])
        tokens[text] = {**tokens.get(text, {}), **token, "special": special}
        texts[number] = text
    completed = sorted(tokens.values(), key=lambda token: int(token["id"]))
    return completed if len(completed) > len(own) else [tokens[token["content"]] for token in own]


def with_named_special(
    tokens: Sequence[AddedToken], names: set[str], vocab: Mapping[str, int]
) -> dict[str, AddedToken]:
    """The added tokens by their text, and the vocabulary entries that the config calls special.

    Some vocabularies hold `</s>` as an ordinary entry. It is a special token all the same.
    """
    found = {t["content"]: {**t, "special": t["special"] or t["content"] in names} for t in tokens}
    for name in sorted(names - found.keys()):
        if name in vocab:
            found[name] = {"id": vocab[name], **_entry(name), "special": True}
    return found


def _entry(token: Any) -> AddedToken:
    text = token_text(token)
    if text is None:
        raise TokenizerError(f"An added token has no text: {str(token)[:60]!r}.")
    given = token if isinstance(token, dict) else {}
    flags = {name: bool(given.get(name, False)) for name in _FLAGS}
    if "normalized" not in given:
        flags["normalized"] = not flags["special"]
    return {"content": text, **flags}
