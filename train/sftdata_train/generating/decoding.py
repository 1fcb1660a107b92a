"""How answers are decoded: greedily, or as the model's own generation_config.json says.

`model.generate` fills every field that it is not given from the model's own settings, such as a
repetition penalty or beams. A comparison of models must not depend on these unasked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from sftdata.base.wording import count
from sftdata_train.models.model_loading import without_adapter

Mode = Literal["greedy", "model"]
SEED = 0  # of sampling, if the model's own settings sample

# Values that are the same as none.
_NEUTRAL: dict[str, Any] = {
    "do_sample": False, "num_beams": 1, "num_beam_groups": 1, "diversity_penalty": 0.0,
    "repetition_penalty": 1.0, "encoder_repetition_penalty": 1.0, "no_repeat_ngram_size": 0,
    "encoder_no_repeat_ngram_size": 0, "min_length": 0, "min_new_tokens": 0, "guidance_scale": 1.0,
    "renormalize_logits": False, "remove_invalid_values": False, "token_healing": False,
}  # fmt: skip
# These do nothing without sampling, or without beams.
_OF_SAMPLING = {
    "temperature", "top_k", "top_p", "min_p", "top_h", "typical_p", "epsilon_cutoff", "eta_cutoff",
}  # fmt: skip
_OF_BEAMS = {"length_penalty", "early_stopping"}
# These choose no token: lengths and stops that we set, kinds of output, caches, draft models.
_WITHOUT_EFFECT = {
    "max_length", "max_new_tokens", "max_time", "eos_token_id", "pad_token_id", "bos_token_id",
    "decoder_start_token_id", "num_return_sequences", "return_dict_in_generate", "output_scores",
    "output_logits", "output_attentions", "output_hidden_states", "use_cache",
    "cache_implementation", "cache_config", "max_cache_len", "is_assistant", "num_assistant_tokens",
    "num_assistant_tokens_schedule", "assistant_confidence_threshold", "assistant_early_exit",
    "assistant_lookbehind", "assistant_ensemble_weight", "target_lookbehind",
    "prompt_lookup_num_tokens", "max_matching_ngram_size", "speculation_type", "use_mtp",
    "compile_config", "disable_compile", "continuous_batching_config", "low_memory",
    "prefill_chunk_size", "transformers_version", "_from_model_config",
}  # fmt: skip
_NEED_TOKENIZER = {"stop_strings", "token_healing"}  # we generate from ids to ids


@dataclass(frozen=True, slots=True)
class Decoding:
    """The settings of `model.generate` that choose tokens; all others are the library's own."""

    mode: Mode = "greedy"
    settings: dict[str, Any] = field(default_factory=dict)
    unused: dict[str, Any] = field(default_factory=dict)  # the model's own that are left out
    max_new_tokens: int | None = None  # None: not said yet, like the stop ids
    stop_ids: tuple[int, ...] = ()

    def with_limits(self, max_new_tokens: int, stop_ids: Sequence[int]) -> Decoding:
        """The same, and where answers end."""
        return replace(self, max_new_tokens=max_new_tokens, stop_ids=tuple(stop_ids))

    def to_json(self) -> dict[str, Any]:
        """The object in `eval --json` and `generate --json`."""
        return asdict(self)

    def describe(self) -> str:
        """One line, for a table."""
        text = "greedy" if self.mode == "greedy" else "the model's own"
        if self.settings:
            text += f" ({_list(self.settings)})"
        if self.unused:
            text += f"; without the model's {_list(self.unused)}"
        if self.max_new_tokens is not None:
            stops = ", ".join(map(str, self.stop_ids))
            text += f"; at most {count(self.max_new_tokens, 'token')}, stops at {stops}"
        return text


def choose_decoding(model: Any, mode: Mode = "greedy") -> Decoding:
    """Greedy decoding, or the model's own settings, with the fields that this leaves out."""
    own = _list_own_settings(model)
    if mode == "greedy":
        return Decoding(mode, {}, own)
    settings = {name: value for name, value in own.items() if name not in _NEED_TOKENIZER}
    if settings.get("do_sample"):
        settings["seed"] = SEED
    return Decoding(mode, settings, {n: value for n, value in own.items() if n in _NEED_TOKENIZER})


def make_generation_config(decoding: Decoding, stop_ids: Sequence[int], max_new_tokens: int) -> Any:
    """The `GenerationConfig` of transformers for this decoding."""
    from transformers import GenerationConfig

    settings = {name: value for name, value in decoding.settings.items() if name != "seed"}
    return GenerationConfig(  # type: ignore[no-untyped-call]
        **{"do_sample": False, "num_beams": 1} | settings,
        max_new_tokens=max_new_tokens,
        eos_token_id=list(stop_ids),
        pad_token_id=stop_ids[0],
    )


@contextmanager
def without_own_settings(model: Any) -> Iterator[None]:
    """Within the context, the model has no generation settings that fill in missing ones."""
    from transformers import GenerationConfig

    inner = without_adapter(model)
    own = inner.generation_config
    try:
        for part in {id(model): model, id(inner): inner}.values():  # peft copies them inwards
            part.generation_config = GenerationConfig()  # type: ignore[no-untyped-call]
        yield
    finally:
        for part in (model, inner):
            part.generation_config = own


def _list_own_settings(model: Any) -> dict[str, Any]:
    """The fields of the model's generation config that choose tokens and are not neutral."""
    given = {
        name: value
        for name, value in without_adapter(model).generation_config.to_dict().items()
        if name not in _WITHOUT_EFFECT and value is not None and value != _NEUTRAL.get(name)
    }
    left_out = set[str]()
    if "do_sample" not in given:
        left_out |= _OF_SAMPLING
    if "num_beams" not in given:
        left_out |= _OF_BEAMS
    return {name: value for name, value in sorted(given.items()) if name not in left_out}


def _list(settings: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())
