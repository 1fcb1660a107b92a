"""Write the passport of a training run: digests of its inputs, and the data that serving needs."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sftdata.base.files import sha256_of, sync, write_atomically
from sftdata.base.sealed_json import FILES, seal, to_json
from sftdata.base.version import __version__
from sftdata.errors import SftdataError
from sftdata.loading.dataset import Dataset
from sftdata.loading.stored import address_of
from sftdata.rendering.template import Template
from sftdata.serving.passport import FILE, VERSION, Passport
from sftdata.serving.turn_rules import TurnRules
from sftdata.spec.load import spec_from_json
from sftdata.spec.model import Mixture, Spec
from sftdata.tokenizing.recorded import recorded_tokenizers
from sftdata.versioning.releases import load_template
from sftdata.writing.manifest import MANIFEST, Manifest
from sftdata_train.models.model_loading import CONFIG, find_model_folder, locate_model
from sftdata_train.training.recipe import Recipe

_TOKENIZER = ("name", "sha256", "vocab_size", "text_tokens")
# The run's own folders, and the card, which people edit.
_NOT_RECORDED = {FILE, "run.json", "checkpoints", "runs", "README.md"}
_LIBRARIES = ("torch", "transformers", "peft", "accelerate", "tokenizers", "safetensors")


def describe_run(
    data: Dataset,
    split: str,
    model: str,
    recipe: Recipe,
    templates: Mapping[str, Template],
    revision: str | None = None,
) -> dict[str, Any]:
    """The passport of a run before it starts, without weights and outcome.

    `revision`: the commit of a model from the Hub.
    """
    manifest = data.manifest
    tokenizer, address = manifest["tokenizer"], address_of(manifest.directory)
    return {
        "version": VERSION,
        "sftdata": __version__,
        "data": {
            "build": manifest["build"],
            "task": manifest["task"],
            "draft": manifest["draft"],
            "shots": manifest["options"].get("shots", [0]),
            "manifest_sha256": sha256_of(manifest.directory / MANIFEST),
            **({} if address is None else {"address": address}),
            "split": split,
            "rows": len(data[split]),
            "target_tokens": int(data[split].target_counts.sum()),
            "shards": [s["sha256"] for s in manifest["splits"][split]["shards"]],
        },
        "templates": {
            label: {
                "sha256": template.source_sha256,
                "source": template.source,
                "defaults": _list_defaults(template, manifest),
            }
            for label, template in templates.items()
        },
        "tokenizer": {key: tokenizer[key] for key in _TOKENIZER if key in tokenizer},
        "chat": _describe_chat(manifest, model),
        "conversations": {
            name: TurnRules.of(spec).to_json()
            for name, spec in _list_specs(manifest)
            if spec.is_messages
        },
        "stop_ids": list_stop_ids(manifest),
        "base_model": _describe_model(model, revision),
        "recipe": recipe.model_dump(mode="json"),
        "libraries": {name: importlib.metadata.version(name) for name in _LIBRARIES},
    }


def _describe_chat(manifest: Manifest, model: str) -> dict[str, Any] | None:
    """The manifest's entry of a chat dataset with the chat template's text; None for plain ones.

    Serving must use this chat template, which the tokenizer's digest does not cover.
    """
    chat = manifest["chat"]
    if chat is None:
        return None
    recorded = manifest["tokenizer"]
    for tokenizer in recorded_tokenizers(recorded, [recorded["name"], model]):
        if tokenizer.chat_template:
            return {**chat, "template": tokenizer.chat_template}
    raise SftdataError(
        f"The passport needs the chat template that {manifest.directory} was built with; it is "
        f"neither in {recorded['name']} nor in {model}.",
        "Put the tokenizer's files back.",
        code="E708",
    )


def _list_specs(manifest: Manifest) -> Iterator[tuple[str, Spec]]:
    """The spec of the dataset, or those of the sources of a mixture, by their names."""
    spec = spec_from_json(manifest["spec"])
    if isinstance(spec, Mixture):
        yield from ((source.name, source.spec) for source in spec.sources)
    else:
        yield spec.task, spec


def _list_defaults(template: Template, manifest: Manifest) -> dict[str, str]:
    """The texts of the fields that a row may lack, because they are optional or a constant."""
    defaults = {}
    for _, spec in _list_specs(manifest):
        if template.id in (choice.id.partition("@")[0] for choice in spec.templates):
            for name in template.fields & spec.fields.keys():
                rule = spec.fields[name]
                if rule.optional or rule.value is not None:
                    defaults[name] = rule.value or ""
    return dict(sorted(defaults.items()))


def list_stop_ids(manifest: Manifest) -> list[int]:
    """The ids that end an answer: EOS, and the end of a turn in a chat dataset."""
    chat = manifest["chat"]
    ends = [chat["end_id"], *chat.get("stop_ids", ())] if chat else []
    return list(dict.fromkeys([*ends, manifest["tokenizer"]["eos_id"]]))


def load_built_templates(manifest: Manifest) -> dict[str, Template]:
    """The templates the dataset was built with, by label.

    Raises `SftdataError` when one is missing or was changed.
    """
    found = {}
    for label, digest in manifest["template"].items():
        template = load_template(label)
        if template.source_sha256 != digest:
            raise SftdataError(
                f"The template '{label}' was changed after the dataset was built (sha256 "
                f"{template.source_sha256[:12]}…, built with {digest[:12]}…).",
                "Build the dataset again, or put the old template back.",
                code="E708",
            )
        found[label] = template
    return found


def write_passport(out: Path, content: Mapping[str, Any], outcome: Mapping[str, Any]) -> Passport:
    """Write the passport of a finished run, with digests of all files in `out`.

    They are on disk before the passport is.
    """
    for name in list_files(out):
        sync(out / name)
    weights = {path.name: sha256_of(path) for path in sorted(out.glob("*.safetensors"))}
    files = {name: sha256_of(out / name) for name in list_files(out) if name not in weights}
    described = {**content, "outcome": dict(outcome), "weights": weights, FILES: files}
    passport = Passport(out, seal(described))
    write_atomically(out / FILE, to_json(passport.content))
    return passport


def list_files(out: Path) -> list[str]:
    """The files of a finished adapter but its passport and the card, which people edit."""
    names = [path.relative_to(out) for path in sorted(out.rglob("*")) if path.is_file()]
    return [
        name.as_posix()
        for name in names
        if not set(name.parts) & _NOT_RECORDED and not name.name.startswith(".")
    ]


def _describe_model(name: str, revision: str | None) -> dict[str, Any]:
    """The name, absolute where it is a folder, with digests of config and weights."""
    folder = find_model_folder(name, revision)
    described = {"name": locate_model(name), "files": digest_model(folder) if folder else {}}
    return described if revision is None else {**described, "revision": revision}


def digest_model(directory: Path) -> dict[str, str]:
    """The digests of a model's config and weights, by file name."""
    files = [directory / CONFIG, *sorted(directory.glob("*.safetensors"))]
    return {path.name: sha256_of(path) for path in files}
