"""A tokenizer directory: `tokenizer.json` as it is, and what its config files say around it.

Rendered text is plain text. `plain` is therefore the same tokenizer with the control tokens
and the post-processor taken out, and `continuation` the same again without the space some
tokenizers put before the first word.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
import tokenizers

from sftdata.content import find_content
from sftdata.errors import TokenizerError
from sftdata.remembered import facts_of, remember_facts

_CONFIG_FILES = ("tokenizer_config.json", "special_tokens_map.json")
# What of a `Tokenizer` it takes the parsed tokenizer.json to know, and a number that changes with
# the way it is known: both are remembered between builds.
_FACTS = {"sha256", "added_tokens", "eos_id", "bos_id", "pad_id", "vocab_size"}
_FACTS_VERSION = 1
_MARKER = re.compile(r"<[^<>\s]+>|\[[^\[\]\s]+\]")
_HUB_FILES = ("tokenizer.json", "chat_template.jinja", "*.model", *_CONFIG_FILES)


@dataclass(frozen=True)
class Tokenizer:
    """A loaded tokenizer. Ids are of the vocabulary in `tokenizer.json`.

    `vocab_size` is one more than the largest id. Ids at or past it never reach a shard: they are
    stand-ins for bytes the vocabulary has no entry for (see `plain`).
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
    def plain(self) -> Mapping[str, Any]:
        """`tokenizer.json` for rendered text: no control tokens, no post-processor.

        A byte-level vocabulary without an entry for some byte would lose that byte silently; such
        bytes get stand-in entries past the vocabulary, so that the rows can be found.
        """
        return _plain(self.spec, self.control_tokens, self.vocab_size)

    @cached_property
    def continuation(self) -> Mapping[str, Any]:
        """`tokenizer.json` for text that continues a prompt: `plain` without a dummy prefix."""
        stages = {name: self.spec.get(name) for name in ("normalizer", "pre_tokenizer")}
        continued = {name: _without_prefix(stage) for name, stage in stages.items()}
        if continued == stages:
            return self.plain
        return {**self.plain, **continued}

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
    vocab = _vocab_ids(spec)
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


def _vocab_ids(spec: Mapping[str, Any]) -> dict[str, int]:
    vocab = spec["model"]["vocab"]
    if isinstance(vocab, dict):
        return vocab
    return {piece: i for i, (piece, _) in enumerate(vocab)}  # Unigram: a list of [piece, score]


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


def _plain(spec: Mapping[str, Any], control: Mapping[str, int], vocab_size: int) -> dict[str, Any]:
    model = dict(spec["model"])
    if model["type"] != "BPE" or model.get("ignore_merges"):
        # These models look whole words or pieces up, so a control token's own text would find it.
        model["vocab"] = _with_hidden_entries(model["vocab"], control)
    if model["type"] == "BPE":
        missing = _missing_bytes(spec)
        if missing:
            stand_ins = {char: vocab_size + i for i, char in enumerate(missing)}
            model["vocab"] = model["vocab"] | stand_ins
    return {
        **spec,
        "model": model,
        "added_tokens": _ordinary_added_tokens(spec, control),
        "post_processor": None,
        "truncation": None,
        "padding": None,
    }


def _ordinary_added_tokens(
    spec: Mapping[str, Any], control: Mapping[str, int]
) -> list[dict[str, Any]]:
    """The added tokens that stay on.

    The library numbers added tokens by their place in the list, so where any stays on, the control
    tokens keep their places under names that no text has.
    """
    added = spec.get("added_tokens") or []
    if all(token["content"] in control for token in added):
        return []
    return [{**token, "content": _hidden(token["content"], control)} for token in added]


def _with_hidden_entries(vocab: Any, control: Mapping[str, int]) -> Any:
    if isinstance(vocab, dict):
        return {_hidden(piece, control): i for piece, i in vocab.items()}
    return [[_hidden(piece, control), score] for piece, score in vocab]


def _hidden(piece: str, control: Mapping[str, int]) -> str:
    # Noncharacters are not for interchange; a text that holds them all the same is found by id.
    return f"\ufdd0{control[piece]}\ufdd1" if piece in control else piece


def _missing_bytes(spec: Mapping[str, Any]) -> list[str]:
    """Characters of the byte-level alphabet that the vocabulary lacks, in order."""
    if not any(stage["type"] == "ByteLevel" for stage in _stages(spec.get("pre_tokenizer"))):
        return []
    model = spec["model"]
    if model.get("unk_token") is not None or model.get("byte_fallback"):
        return []
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    return [char for char in alphabet if char not in model["vocab"]]


def _stages(part: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The stages of a normalizer, pre-tokenizer or post-processor, a sequence laid flat."""
    if part is None:
        return []
    if part["type"] == "Sequence":
        nested = next(v for k, v in part.items() if k != "type")
        return [stage for inner in nested for stage in _stages(inner)]
    return [part]


def _without_prefix(part: dict[str, Any] | None) -> dict[str, Any] | None:
    """The normalizer or pre-tokenizer without what it puts before the first word."""
    if part is None or part["type"] == "Prepend":
        return None
    for key in ("normalizers", "pretokenizers"):
        if part.get(key):
            inner = [_without_prefix(stage) for stage in part[key]]
            return {**part, key: [stage for stage in inner if stage is not None]}
    if part["type"] == "Metaspace":
        return {**part, "prepend_scheme": "never", "add_prefix_space": False}
    if part["type"] == "ByteLevel":
        return {**part, "add_prefix_space": False}
    return part
