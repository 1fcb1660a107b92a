"""How to serve an adapter: the commands for a server, and a request with the trained prompt."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sftdata.errors import SftdataError, did_you_mean
from sftdata.serving.chat_request import find_chat_request
from sftdata.serving.conversation import Question
from sftdata.serving.prompt import ServingPrompt
from sftdata.serving.recorded_prompt import (
    PassportRenderer,
    list_prompt_fields,
    load_passport_renderer,
)

_NAME = "tuned"  # of the model, in the requests to a server


@dataclass(frozen=True, slots=True)
class ServerSetup:
    """The commands that start a server, and a request to it."""

    server: str
    commands: tuple[str, ...]
    endpoint: str
    request: Mapping[str, Any]
    notes: tuple[str, ...]  # on what may differ from the training
    # A request to the chat endpoint that gives the same ids, where there is one.
    chat_request: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """The object that `serve-config --json` prints."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}


@dataclass(frozen=True)
class _Model:
    """The folder to serve, and an example prompt for it."""

    folder: Path
    renderer: PassportRenderer
    prompt: ServingPrompt
    turns: Mapping[str, Any] | None  # messages, tools … of a request to a chat endpoint
    max_new_tokens: int

    @property
    def is_merged(self) -> bool:
        return self.renderer.passport.is_whole_model

    @property
    def base(self) -> str:
        return str(self.renderer.passport["base_model"]["name"])

    @property
    def rank(self) -> int:
        return int(self.renderer.passport["recipe"].get("rank", 16))

    @property
    def stop_texts(self) -> list[str]:
        """The stop ids as text, for servers that stop at texts."""
        decoder = self.renderer.tokenizer.decoder
        return [str(decoder.id_to_token(token_id)) for token_id in self.prompt.stop_ids]

    def merged(self) -> tuple[Path, tuple[str, ...]]:
        """The folder of the merged model, and the command that makes it."""
        if self.is_merged:
            return self.folder, ()
        out = self.folder.with_name(f"{self.folder.name}-merged")
        return out, (f"sftdata merge {_quote(self.folder)} --out {_quote(out)}",)


def set_up(
    adapter: Path,
    server: str,
    *,
    row: Mapping[str, Any] | None = None,
    question: Question | None = None,
    template: str | None = None,
    max_new_tokens: int = 256,
) -> ServerSetup:
    """The set-up of `server` for the adapter or merged model in `adapter`.

    The request asks `row` or `question`, else a row whose fields are all "…".
    Raises `SftdataError` for an unknown server, and where the passport cannot render the prompt.
    """
    if server not in SERVERS:
        raise SftdataError(
            f"There is no server '{server}'.", did_you_mean(server, SERVERS), code="E102"
        )
    renderer = load_passport_renderer(adapter)
    if question is None and row is None:
        if renderer.passport["templates"]:
            row = dict.fromkeys(list_prompt_fields(renderer.passport, template), "…")
        else:
            question = Question([{"role": "user", "content": "…"}])
    if question is not None:
        prompt = renderer.render_question(question, source=template)
    else:
        prompt = renderer.render(row or {}, template=template)
    turns = find_chat_request(renderer, prompt, row, question, template=template)
    return SERVERS[server](_Model(adapter, renderer, prompt, turns, max_new_tokens))


def _vllm(model: _Model) -> ServerSetup:
    lora = (
        f" --enable-lora --max-lora-rank {model.rank} --lora-modules {_NAME}={_quote(model.folder)}"
    )
    serve = _quote(model.folder if model.is_merged else model.base)
    named = f" --served-model-name {_NAME}" if model.is_merged else lora
    return ServerSetup(
        "vllm",
        (f"vllm serve {serve}{named}",),
        "POST /v1/completions",
        {
            "model": _NAME,
            "prompt": model.prompt.input_ids,
            "stop_token_ids": model.prompt.stop_ids,
            "temperature": 0,
            "max_tokens": model.max_new_tokens,
        },
        ("Ids are sent as they are: nothing is added, and no text is read as a control token.",),
        _chat_request(model, {"stop_token_ids": model.prompt.stop_ids} | _no_parser(model)),
    )


def _no_parser(model: _Model) -> dict[str, Any]:
    """The key that tools need where the server has no parser of calls: they come as text."""
    return {"tool_choice": "none"} if model.turns and "tools" in model.turns else {}


def _transformers(model: _Model) -> ServerSetup:
    loaded = str(model.folder) if model.is_merged else model.base
    lines = [f"model = transformers.AutoModelForCausalLM.from_pretrained({loaded!r})"]
    if not model.is_merged:
        lines.append(f"model.load_adapter({str(model.folder.absolute())!r})")
    return ServerSetup(
        "transformers",
        ("import transformers", *lines),
        "model.generate",
        {
            "input_ids": [model.prompt.input_ids],
            "eos_token_id": model.prompt.stop_ids,
            "do_sample": False,
            "max_new_tokens": model.max_new_tokens,
        },
        ("input_ids is a tensor: torch.tensor([…]).",),
    )


def _llama_cpp(model: _Model) -> ServerSetup:
    folder, merge = model.merged()
    gguf = _quote(f"{folder.name}.gguf")
    return ServerSetup(
        "llama.cpp",
        (
            *merge,
            f"python convert_hf_to_gguf.py {_quote(folder)} --outfile {gguf}",
            f"llama-server -m {gguf} --jinja --special",
        ),
        "POST /completion",
        {
            "prompt": model.prompt.input_ids,
            "stop": model.stop_texts,
            "temperature": 0,
            "n_predict": model.max_new_tokens,
        },
        (
            "Ids are sent as they are; the server adds no BOS to them.",
            "Without --special it finds no stop text that is a control token.",
            "convert_hf_to_gguf.py lies in llama.cpp's source. A quantized file answers otherwise.",
        ),
        _chat_request(model, {"stop": model.stop_texts}),
    )


def _ollama(model: _Model) -> ServerSetup:
    folder, merge = model.merged()
    text, notes = _text_request(model)
    return ServerSetup(
        "ollama",
        (
            *merge,
            f"echo {shlex.quote(f'FROM {folder.absolute()}')} > Modelfile",
            f"ollama create {_NAME} -f Modelfile",
        ),
        "POST /api/generate",
        {
            "model": _NAME,
            "prompt": text,
            "raw": True,
            "stream": False,
            "options": {
                "temperature": 0, "stop": model.stop_texts, "num_predict": model.max_new_tokens,
            },
        },
        notes,
    )  # fmt: skip


def _tgi(model: _Model) -> ServerSetup:
    folder, merge = model.merged()
    text, notes = _text_request(model)
    return ServerSetup(
        "tgi",
        (*merge, f"text-generation-launcher --model-id {_quote(folder.absolute())}"),
        "POST /generate",
        {
            "inputs": text,
            "parameters": {
                "do_sample": False, "stop": model.stop_texts,
                "max_new_tokens": model.max_new_tokens,
            },
        },
        notes,
    )  # fmt: skip


def _chat_request(model: _Model, stop: Mapping[str, Any]) -> dict[str, Any] | None:
    """The request to `/v1/chat/completions`, which applies the chat template by itself.

    `stop`: the key for the end of an answer, which is not the same for all servers.
    """
    if model.turns is None:
        return None
    options = model.renderer.passport["chat"]["options"]
    return {
        "model": _NAME,
        **model.turns,
        **({"chat_template_kwargs": dict(options)} if options else {}),
        **stop,
        "temperature": 0,
        "max_tokens": model.max_new_tokens,
    }


def _text_request(model: _Model) -> tuple[str, tuple[str, ...]]:
    """The text for a server that tokenizes it as the tokenizer's files say, and warnings.

    Such a server adds the tokenizer's BOS, so the text of a chat prompt goes without its own.
    """
    tokenizer, text = model.renderer.tokenizer, model.prompt.text
    bos = [] if tokenizer.bos_id is None else [tokenizer.bos_id]
    if bos:
        text = text.removeprefix(str(tokenizer.decoder.id_to_token(bos[0])))
    ids = list(tokenizer.decoder.encode(text, add_special_tokens=False).ids)
    if bos + ids != model.prompt.input_ids:
        return model.prompt.text, (
            "The server's tokens of this text are not those of the training. Choose a server that "
            "takes ids.",
        )
    return text, (
        "The tokenizer's own rules make the trained ids of this text"
        + (", with the BOS that they add." if bos else "; they add no BOS."),
        "If a row holds text like a control token, such as "
        f"{model.stop_texts[0]}, the server reads it as one.",
    )


def _quote(place: Path | str) -> str:
    return shlex.quote(str(place))


SERVERS: dict[str, Callable[[_Model], ServerSetup]] = {
    "vllm": _vllm,
    "llama.cpp": _llama_cpp,
    "ollama": _ollama,
    "tgi": _tgi,
    "transformers": _transformers,
}


def describe_setup(setup: ServerSetup) -> str:
    """The set-up as text: commands, requests, notes."""
    blocks = ["\n".join(setup.commands), f"{setup.endpoint}\n{_to_json(setup.request)}"]
    if setup.chat_request is not None:
        blocks.append(
            "POST /v1/chat/completions, which gives the same ids for this row:\n"
            f"{_to_json(setup.chat_request)}"
        )
    return "\n\n".join([*blocks, *setup.notes])


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
