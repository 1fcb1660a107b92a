"""A tokenizer directory: `tokenizer.json` as it is, and what its config files say around it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
import tokenizers
import xxhash

from sftdata.base.cache import content_of, facts_of, remember_content, remember_facts
from sftdata.base.content import find_content
from sftdata.base.pickling import Sent
from sftdata.errors import TokenizerError
from sftdata.tokenizing.plain_text import (
    PlainTokenizer,
    continues_apart,
    continuing,
    plain_spec,
    vocab_ids,
)

_CONFIG_FILES = ("tokenizer_config.json", "special_tokens_map.json")
# What of a `Tokenizer` it takes the parsed tokenizer.json to know, and a number that changes with
# the way it is known: both are remembered between builds.
_FACTS = {
    "sha256", "added_tokens", "eos_id", "bos_id", "pad_id", "vocab_size", "continues_apart"
}  # fmt: skip
_FACTS_VERSION = 2
_PLAIN_VERSION = 2  # the same for what `plain` and `continuation` are
_MARKER = re.compile(r"<[^<>\s]+>|\[[^\[\]\s]+\]")
_HUB_FILES = ("tokenizer.json", "chat_template.jinja", "*.model", *_CONFIG_FILES)


@dataclass(frozen=True)
class Tokenizer(Sent):
    """A loaded tokenizer. Ids are of the vocabulary in `tokenizer.json`.

    `vocab_size` is one more than the largest id. Ids at or past it never reach a shard: they are
    stand-ins for bytes the vocabulary has no entry for (see `plain_spec`).
    """

    name: str
    content: bytes = field(repr=False)  # of tokenizer.json
    sha256: str  # of the canonical tokenizer.json: parsed, keys sorted, no spaces, UTF-8
    added_tokens: Mapping[str, Mapping[str, Any]] = field(repr=False)  # its entries, by their text
    eos_id: int
    bos_id: int | None  # None unless the tokenizer's rule puts one at the start
    pad_id: int | None
    chat_template: str | None = field(repr=False)
    special_texts: Mapping[str, str] = field(repr=False)  # bos_token, eos_token … for chat
    vocab_size: int
    continues_apart: bool  # whether text that continues a prompt may have other ids

    @cached_property
    def spec(self) -> Mapping[str, Any]:
        """The parsed `tokenizer.json`."""
        spec: Mapping[str, Any] = orjson.loads(self.content)
        return spec

    @cached_property
    def control_tokens(self) -> dict[str, int]:
        """Added tokens that text must never produce, with their ids.

        Special ones, those of the chat template, and those written like a marker: `<|fim_prefix|>`
        is neither of the first two in some vocabularies, and still no article means it. Added
        tokens that are ordinary text (runs of spaces in some vocabularies) are not here.
        """
        return {
            token["content"]: token["id"]
            for token in self.added_tokens.values()
            if token["special"]
            or (self.chat_template and token["content"] in self.chat_template)
            or _MARKER.fullmatch(token["content"])
        }

    @cached_property
    def control_pattern(self) -> re.Pattern[str]:
        """Finds control tokens in what a chat template renders: the first, and there the longest,
        as the `tokenizers` library does."""
        longest_first = sorted(self.control_tokens, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, longest_first)) or "(?!)")

    @cached_property
    def plain(self) -> PlainTokenizer:
        """The tokenizer of rendered text (see `plain_spec`)."""
        return self._remembered("plain", lambda spec: spec)

    @cached_property
    def continuation(self) -> PlainTokenizer:
        """The same of text that continues a prompt (see `continuing`)."""
        return self._remembered("continuation", continuing) if self.continues_apart else self.plain

    def _remembered(
        self, form: str, change: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    ) -> PlainTokenizer:
        """The tokenizer of rendered text after a change. To parse what it is made of and to write
        that again takes about as long as to load an engine, so it is remembered between builds."""
        digest = xxhash.xxh3_128(self.content)
        digest.update(orjson.dumps([_PLAIN_VERSION, form, sorted(self.control_tokens.items())]))
        data = content_of("plain", digest.hexdigest())
        if data is not None:
            return PlainTokenizer.from_bytes(data)
        plain = plain_spec(self.spec, self.control_tokens, self.vocab_size)
        made = PlainTokenizer.of(change(plain))
        remember_content("plain", digest.hexdigest(), made.to_bytes())
        return made

    @cached_property
    def decoder(self) -> tokenizers.Tokenizer:
        """The tokenizer as it is on disk, for showing tokens and decoding ids."""
        return tokenizers.Tokenizer.from_str(orjson.dumps(self.spec).decode())


def load_tokenizer(name: str) -> Tokenizer:
    """The tokenizer in the directory `name`, of the bundled content, or of that name on the Hub.

    Raises `TokenizerError` when there is none, its files do not parse, or it has no EOS token.
    """
    directory = tokenizer_directory(name)
    path = directory / "tokenizer.json"
    content = path.read_bytes() if path.is_file() else _convert_sentencepiece(directory)
    config: dict[str, Any] = {}
    for file in reversed(_CONFIG_FILES):
        if (directory / file).is_file():
            config |= _parsed(directory / file, (directory / file).read_bytes())
    template = directory / "chat_template.jinja"
    chat_template = (
        template.read_text(encoding="utf-8") if template.is_file() else config.get("chat_template")
    )
    key = hashlib.sha256(content + b"\0" + orjson.dumps([_FACTS_VERSION, config])).hexdigest()
    facts = facts_of("tokenizers", key)
    spec = None
    if facts.keys() != _FACTS:
        spec = _parsed(path, content)
        facts = _facts(path, spec, config)
        remember_facts("tokenizers", key, facts)
    tokenizer = Tokenizer(
        name=name,
        content=content,
        chat_template=_one_template(chat_template),
        special_texts=_special_texts(config),
        **facts,
    )
    if spec is not None:
        vars(tokenizer)["spec"] = spec  # where `cached_property` looks first
    return tokenizer


def find_recorded_tokenizer(recorded: Mapping[str, Any], *places: str) -> Tokenizer | None:
    """The tokenizer that a manifest or a passport records, or None where it is gone.

    `recorded` has its `name` and `sha256`. It is looked for in `places`, then under its name.
    """
    for name in (*places, recorded["name"]):
        try:
            tokenizer = load_tokenizer(name)
        except TokenizerError:
            continue
        if tokenizer.sha256 == recorded["sha256"]:
            return tokenizer
    return None


def load_recorded_tokenizer(recorded: Mapping[str, Any], *places: str) -> Tokenizer:
    """As `find_recorded_tokenizer`. Raises `TokenizerError` where the tokenizer is gone."""
    found = find_recorded_tokenizer(recorded, *places)
    if found is not None:
        return found
    others = [load_tokenizer(recorded["name"])] if not places else []  # raises where it is gone
    now = f"; it has sha256 {others[0].sha256[:12]}… now" if others else ""
    where = " nor ".join(f"'{name}'" for name in (*places, recorded["name"]))
    raise TokenizerError(
        f"The tokenizer with sha256 {recorded['sha256'][:12]}… that was recorded is not at "
        f"{where}{now}.",
        "Put the recorded tokenizer back, or build the dataset again.",
    )


def _facts(path: Path, spec: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """The facts named by `_FACTS`.

    Raises `TokenizerError` where the tokenizer cannot be used.
    """
    if not isinstance(spec.get("model"), dict) or "vocab" not in spec["model"]:
        raise TokenizerError(
            f"{path}: not a tokenizer: it has no model with a vocabulary.",
            "Copy the file again from where the tokenizer came from.",
        )
    added = {token["content"]: token for token in spec.get("added_tokens") or ()}
    ids = {text: token["id"] for text, token in added.items()}
    vocab = vocab_ids(spec)
    bos, eos, pad = (_token_id(config, kind, ids, vocab) for kind in ("bos", "eos", "pad"))
    if eos is None:
        raise TokenizerError(
            f"{path.parent}: the tokenizer has no EOS token, so a model could not learn to stop.",
            'Add "eos_token" to tokenizer_config.json.',
        )
    canonical = orjson.dumps(spec, option=orjson.OPT_SORT_KEYS)
    return {
        "sha256": hashlib.sha256(canonical).hexdigest(),
        "added_tokens": added,
        "eos_id": eos,
        "bos_id": bos if bos is not None and _adds_bos(spec, config, bos) else None,
        "pad_id": pad,
        "vocab_size": 1 + max((*ids.values(), *vocab.values())),
        "continues_apart": continues_apart(spec),
    }


def _one_template(value: Any) -> str | None:
    """The chat template; of several with names, the one called "default"."""
    if isinstance(value, list):
        value = next((t.get("template") for t in value if t.get("name") == "default"), None)
    return value if isinstance(value, str) else None


def _special_texts(config: Mapping[str, Any]) -> dict[str, str]:
    texts = {
        name: value.get("content") if isinstance(value, dict) else value
        for name, value in config.items()
        if name.endswith("_token")
    }
    return {name: text for name, text in texts.items() if isinstance(text, str)}


def tokenizer_directory(name: str) -> Path:
    """The folder with the tokenizer's files; downloads them from the Hub for a Hub name."""
    if Path(name).is_dir():
        return Path(name)
    if Path(name).is_file():
        return Path(name).parent
    bundled = find_content("pipelines", name)
    if bundled is not None:
        return bundled
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise TokenizerError(
            f"There is no tokenizer directory '{name}'.",
            "Give a directory that holds tokenizer.json, or a name on the Hugging Face Hub.",
        )
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=list(_HUB_FILES)))
    except Exception as error:  # the client raises a dozen kinds, also of its HTTP library
        raise TokenizerError(
            f"There is no directory '{name}', and the Hub does not give a tokenizer of that "
            f"name: {type(error).__name__}: {error}",
            "Give a directory that holds tokenizer.json, or check the name and the connection.",
        ) from error


def _parsed(path: Path, content: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(content)
    except ValueError as error:
        raise TokenizerError(f"{path}: not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise TokenizerError(f"{path}: a JSON object is expected.")
    return value


def _convert_sentencepiece(directory: Path) -> bytes:
    """What `tokenizer.json` would be."""
    if not any(directory.glob("*.model")):
        raise TokenizerError(
            f"{directory} holds neither tokenizer.json nor a SentencePiece model.",
            "Give the directory of a tokenizer or of a model.",
        )
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise TokenizerError(
            f"{directory} holds only a SentencePiece model, which transformers must convert.",
            "Install it: pip install 'sftdata[train]'",
        ) from error
    try:
        fast = AutoTokenizer.from_pretrained(directory, local_files_only=True)
        return str(fast.backend_tokenizer.to_str()).encode()
    except Exception as error:  # the converter raises whatever its parsers raise
        raise TokenizerError(f"{directory}: transformers cannot convert it: {error}") from error


def _token_id(
    config: Mapping[str, Any], kind: str, ids: Mapping[str, int], vocab: Mapping[str, int]
) -> int | None:
    token = config.get(f"{kind}_token")
    content = token.get("content") if isinstance(token, dict) else token
    if content is None:
        return None
    found = ids.get(content, vocab.get(content))
    if found is None:
        raise TokenizerError(f"The tokenizer's {kind}_token '{content}' is not in its vocabulary.")
    return found


def _adds_bos(spec: Mapping[str, Any], config: Mapping[str, Any], bos_id: int) -> bool:
    """Whether the tokenizer itself starts a text with BOS: its config says so, or it does so."""
    if isinstance(config.get("add_bos_token"), bool):
        return bool(config["add_bos_token"])
    # What stands around a text is a matter of the last stage alone: with it a vocabulary of one
    # word does as well as one that takes a tenth of a second to load.
    word = {"type": "WordLevel", "vocab": {"a": bos_id + 1}, "unk_token": "a"}
    small = {"model": word, "post_processor": spec.get("post_processor")}
    encoded = tokenizers.Tokenizer.from_str(orjson.dumps(small).decode()).encode("a")
    return encoded.ids[:1] == [bos_id]
