"""`model/` of the pages: a Llama of random weights with a tokenizer, in the ChatML format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from support.places import BUNDLED_TOKENIZER

HIDDEN, INNER, LAYERS, HEADS, HEADS_OF_KEYS, POSITIONS = 32, 64, 2, 4, 2, 2048
CONTROL_TOKENS = ["<|im_start|>", "<|im_end|>"]

CHAT_TEMPLATE = """\
{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}{{- messages[0].content + '\\n\\n' }}{%- endif %}
    {{- 'Tools:' }}
    {%- for tool in tools %}{{- '\\n' + tool | tojson }}{%- endfor %}
    {{- '<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if not (tools and loop.first and message.role == 'system') %}
        {{- '<|im_start|>' + message.role + '\\n' }}
        {%- if message.reasoning_content %}
            {{- '<think>\\n' + message.reasoning_content + '\\n</think>\\n\\n' }}
        {%- endif %}
        {{- message.content or '' }}
        {%- for call in message.tool_calls or [] %}
            {{- '\\n<tool_call>\\n' + call.function | tojson + '\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
"""


def make_model(folder: Path) -> Path:
    """Write the model into `folder`, the same bytes each time, without importing torch."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True)
    tokenizer = json.loads((BUNDLED_TOKENIZER / "tokenizer.json").read_text(encoding="utf-8"))
    size = len(tokenizer["model"]["vocab"])
    end = tokenizer["model"]["vocab"]["<|endoftext|>"]
    for number, content in enumerate(CONTROL_TOKENS):
        added = tokenizer["added_tokens"][0] | {"id": size + number, "content": content}
        tokenizer["added_tokens"].append(added)
    ids = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    vocabulary = -(-(size + len(CONTROL_TOKENS)) // 64) * 64  # padded, as in real models
    stop = {"eos_token_id": [ids["<|im_end|>"], end], "pad_token_id": end}
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "float32",
        "vocab_size": vocabulary, "hidden_size": HIDDEN, "intermediate_size": INNER,
        "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS_OF_KEYS, "max_position_embeddings": POSITIONS,
        "hidden_act": "silu", "rms_norm_eps": 1e-6, "tie_word_embeddings": True,
        "bos_token_id": None, **stop,
    }  # fmt: skip
    settings = {
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "model_max_length": POSITIONS,
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    files: dict[str, Any] = {
        "tokenizer.json": tokenizer,
        "tokenizer_config.json": settings,
        "config.json": config,
        "generation_config.json": stop,
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")
    save_file(random_weights(vocabulary), folder / "model.safetensors", {"format": "pt"})
    return folder


def random_weights(vocabulary: int) -> dict[str, np.ndarray]:
    """The tensors of the Llama, named as transformers names them."""
    draw = np.random.Generator(np.random.PCG64(0))
    keys = HIDDEN // HEADS * HEADS_OF_KEYS
    shapes = {"model.embed_tokens": (vocabulary, HIDDEN)}
    for layer in range(LAYERS):
        attention, mlp = f"model.layers.{layer}.self_attn", f"model.layers.{layer}.mlp"
        shapes |= {
            f"{attention}.q_proj": (HIDDEN, HIDDEN), f"{attention}.k_proj": (keys, HIDDEN),
            f"{attention}.v_proj": (keys, HIDDEN), f"{attention}.o_proj": (HIDDEN, HIDDEN),
            f"{mlp}.gate_proj": (INNER, HIDDEN), f"{mlp}.up_proj": (INNER, HIDDEN),
            f"{mlp}.down_proj": (HIDDEN, INNER),
        }  # fmt: skip
    tensors = {
        f"{name}.weight": (draw.standard_normal(shape) * 0.1).astype(np.float32)
        for name, shape in shapes.items()
    }
    norms = [
        f"model.layers.{n}.{which}_layernorm"
        for n in range(LAYERS)
        for which in ("input", "post_attention")
    ]
    return tensors | {
        f"{name}.weight": np.ones(HIDDEN, np.float32) for name in [*norms, "model.norm"]
    }
