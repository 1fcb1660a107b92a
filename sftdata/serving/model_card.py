"""The card of an adapter or a model: `README.md` in the Hub's format, made from the passport."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any

import yaml

from sftdata.errors import SftdataError
from sftdata.serving.model_card_prompt import (
    describe_prompting,
    describe_templates,
    public_name,
)
from sftdata.serving.passport import Passport
from sftdata.writing.markdown import code, plain, table

FILE, LOSS_PLOT = "README.md", "loss.svg"
_MARK = "\nTrained by sftdata "  # in every model card that we write
_BLANK = "[More Information Needed]"  # in the card that peft writes


def is_our_card(path: Path) -> bool:
    """Whether a card can be replaced: it is ours or blank, or there is none."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else _MARK
    return _MARK in text or _BLANK in text


def read_evaluation(path: Path) -> Mapping[str, Any]:
    """The results in a file that `sftdata eval --json` printed.

    Raises `SftdataError` when it holds something else.
    """
    try:
        found = json.loads(path.read_bytes())
        _evaluation(found)
    except FileNotFoundError as error:
        raise SftdataError(f"There is no file '{path}'.", "Check the path.", code="E201") from error
    except (
        ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError,
    ) as error:  # fmt: skip
        raise SftdataError(
            f"{path} does not hold the results of an evaluation.",
            f"Make it: sftdata eval DATASET --model MODEL --adapter ADAPTER --json > {path}",
            code="E203",
        ) from error
    return dict(found)


def render_model_card(
    passport: Passport, repository: str | None = None, evaluation: Mapping[str, Any] | None = None
) -> str:
    """The card: YAML for the Hub, then what was trained on which data, and how to prompt it.

    `repository`: its name on the Hub, for a card there. `evaluation`: as `eval --json` prints it.
    """
    sections = [
        f"# {plain(repository or passport['data']['task'])}",
        _introduce(passport),
        "## Prompt it",
        describe_prompting(passport, repository),
        *describe_templates(passport),
        "## Training data",
        table(("what", "value"), _data_rows(passport)),
        "## Training",
        *_loss(passport),
        table(("setting", "value"), _setting_rows(passport)),
        *(["## Evaluation", _evaluation(evaluation)] if evaluation is not None else []),
        "---",
        f"{_made_by(passport)} ({_libraries(passport)}). `sftdata.json` is the record of the "
        "training, with digests of its data, templates, tokenizer, base model and weights: "
        "`sftdata audit` checks them.",
    ]
    body = "\n\n".join(sections)
    return f"{_metadata(passport)}\n{body}\n"


def _metadata(passport: Passport) -> str:
    from huggingface_hub import ModelCardData

    is_adapter = not passport.is_whole_model
    base = passport["base_model"]["name"]
    data = ModelCardData(
        base_model=None if PurePath(base).is_absolute() else base,
        library_name="peft" if is_adapter else "transformers",
        pipeline_tag="text-generation",
        tags=["sftdata", "sft", *(["lora"] if is_adapter else [])],
    )
    # Not by its `to_yaml`, which writes control and bidi characters as they are.
    values = data.to_dict()  # type: ignore[no-untyped-call]
    return f"---\n{yaml.safe_dump(values, sort_keys=False, allow_unicode=False)}---\n"


def _introduce(passport: Passport) -> str:
    data, base = passport["data"], plain(public_name(passport["base_model"]["name"]))
    if "merged" in passport.content:
        what = f"The model {base} with a LoRA adapter merged into it"
    elif passport.is_whole_model:
        what = f"The model {base} with all its weights trained"
    else:
        what = f"A LoRA adapter for {base}"
    return (
        f"{what}: {data['rows']:,} rows of the dataset {plain(data['task'])}, supervised "
        f"fine-tuning with the loss on {data['target_tokens']:,} target tokens."
    )


def _data_rows(passport: Passport) -> Iterable[tuple[str, str]]:
    data, tokenizer = passport["data"], passport["tokenizer"]
    yield "dataset", plain(data["task"]) + (", a draft" if data.get("draft") else "")
    yield "build", code(data["build"])
    yield "manifest, sha256", code(data["manifest_sha256"])
    yield "split", plain(data["split"])
    yield "examples", f"{data['rows']:,}"
    yield "tokens in the loss", f"{data['target_tokens']:,}"
    if data.get("shots", [0]) != [0]:
        yield "solved examples before a prompt", ", ".join(map(str, data["shots"]))
    yield (
        "tokenizer",
        f"{plain(public_name(tokenizer['name']))}, sha256 {code(tokenizer['sha256'])}",
    )


def _loss(passport: Passport) -> Iterable[str]:
    if (passport.directory / LOSS_PLOT).is_file():
        yield f"![Loss in training, and on held-out rows]({LOSS_PLOT})"
    outcome = passport.content.get("outcome", {})
    named = {
        "last training loss": "loss",
        "held-out loss before": "held_out_loss_before",
        "held-out loss": "held_out_loss",
    }
    rows = [
        (name, f"{outcome[key]:.4f}") for name, key in named.items() if outcome.get(key) is not None
    ]
    if rows:
        yield table(("loss", "value"), rows, numbers=[1])


def _setting_rows(passport: Passport) -> Iterable[tuple[str, str]]:
    outcome = passport.content.get("outcome", {})
    if "steps" in outcome:
        yield "steps", f"{outcome['steps']:,}"
    for name, value in passport.content.get("recipe", {}).items():
        if value not in (None, [], False):
            yield plain(name.replace("_", " ")), plain(json.dumps(value).strip('"'))


def _evaluation(found: Mapping[str, Any]) -> str:
    """A table for each task: loss and scores of both models, with their 95 % intervals."""
    parts = [
        f"Of {sum(found['results'][0]['task_rows'].values()):,} rows of the split "
        f"{plain(found['split'])} of the build {code(found['build'])}. In brackets: the 95 % "
        "interval."
    ]
    for task, first in found["results"][0]["scores"].items():
        head = (plain(task), "shots", "loss", *(plain(score["name"]) for score in first))
        numbers = range(1, len(head))
        parts.append(table(head, _evaluation_rows(found["results"], task), numbers=numbers))
    return "\n\n".join(parts)


def _evaluation_rows(results: Iterable[Mapping[str, Any]], task: str) -> Iterable[tuple[str, ...]]:
    for result in results:
        scores = (
            f"{s['value']:.1f} [{s['low']:.1f}, {s['high']:.1f}]" for s in result["scores"][task]
        )
        loss = f"{result['task_loss'][task]:.4f}"
        yield (plain(result["system"]), f"{result['shots']:,}", loss, *scores)


def _made_by(passport: Passport) -> str:
    return plain(f"{_MARK.strip()} {passport['sftdata']}")


def _libraries(passport: Passport) -> str:
    return ", ".join(plain(f"{n} {v}") for n, v in passport.content.get("libraries", {}).items())
