"""The passport: `sftdata.json` beside an adapter, which says what it was trained on and with.

It holds digests of the dataset, the templates' text, the tokenizer and the base model, so that
`audit` can prove them, and what serving needs: the templates and the ids to stop at.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sftdata.base.files import write_atomically
from sftdata.base.version import __version__
from sftdata.errors import SftdataError
from sftdata.inspecting.verify import find_faults
from sftdata.loading.dataset import Dataset
from sftdata.rendering.template import Template
from sftdata.tokenizing.recorded import recorded_tokenizers
from sftdata.versioning.releases import load_template
from sftdata.writing.manifest import MANIFEST, Manifest, read_manifest, to_json
from sftdata_train.model_loading import CONFIG
from sftdata_train.recipe import Recipe

FILE, VERSION = "sftdata.json", 1
_LIBRARIES = ("torch", "transformers", "peft", "accelerate", "tokenizers", "safetensors")
_REQUIRED = (
    "version", "data", "templates", "tokenizer", "chat", "stop_ids", "base_model", "weights",
)  # fmt: skip


@dataclass(frozen=True)
class Passport:
    """What `sftdata.json` in `directory` holds."""

    directory: Path
    content: Mapping[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.content[key]


def describe(
    data: Dataset, split: str, model: str, recipe: Recipe, templates: Mapping[str, Template]
) -> dict[str, Any]:
    """The passport of a run that is about to start, all but its weights and its outcome."""
    manifest = data.manifest
    tokenizer = manifest["tokenizer"]
    return {
        "version": VERSION,
        "sftdata": __version__,
        "data": {
            "build": manifest["build"],
            "task": manifest["task"],
            "draft": manifest["draft"],
            "shots": manifest["options"].get("shots", [0]),
            "manifest_sha256": sha256_of(manifest.directory / MANIFEST),
            "split": split,
            "rows": len(data[split]),
            "target_tokens": int(data[split].target_counts.sum()),
            "shards": [s["sha256"] for s in manifest["splits"][split]["shards"]],
        },
        "templates": {
            label: {"sha256": template.source_sha256, "source": template.source}
            for label, template in templates.items()
        },
        "tokenizer": {key: tokenizer[key] for key in ("name", "sha256", "vocab_size")},
        "chat": _chat(manifest, model),
        "stop_ids": stop_ids(manifest),
        "base_model": {"name": model, "files": _model_digests(Path(model))},
        "recipe": recipe.model_dump(mode="json"),
        "libraries": {name: importlib.metadata.version(name) for name in _LIBRARIES},
    }


def _chat(manifest: Manifest, model: str) -> dict[str, Any] | None:
    """What the manifest says of a chat dataset, and the chat template's text; None for plain.

    The digest of a tokenizer does not cover its chat template, and serving must use this one.
    """
    chat = manifest["chat"]
    if chat is None:
        return None
    recorded = manifest["tokenizer"]
    for tokenizer in recorded_tokenizers(recorded, [recorded["name"], model]):
        if tokenizer.chat_template:
            return {**chat, "template": tokenizer.chat_template}
    raise SftdataError(
        f"The chat template {manifest.directory} was built with is neither at "
        f"{recorded['name']} nor beside {model}, so the passport could not hold it.",
        "Put the tokenizer's files back.",
    )


def stop_ids(manifest: Manifest) -> list[int]:
    """The ids at which an answer ends: the turn's end of a chat dataset, and EOS."""
    chat = manifest["chat"]
    ends = [chat["end_id"]] if chat else []
    return list(dict.fromkeys([*ends, manifest["tokenizer"]["eos_id"]]))


def built_templates(manifest: Manifest) -> dict[str, Template]:
    """The templates the dataset was built with, by label, with their text.

    Raises `SftdataError` when one is gone or was changed since.
    """
    found = {}
    for label, digest in manifest["template"].items():
        template = load_template(label)
        if template.source_sha256 != digest:
            raise SftdataError(
                f"The template '{label}' is not the one the dataset was built with (sha256 "
                f"{template.source_sha256[:12]}…, built with {digest[:12]}…), so the passport "
                "could not say what the adapter was trained on.",
                "Build the dataset again with the template as it is now, or put the old one back.",
            )
        found[label] = template
    return found


def write_passport(out: Path, content: Mapping[str, Any], outcome: Mapping[str, Any]) -> Passport:
    """Writes the passport of a finished run, tied to the weights that lie in `out`."""
    weights = {path.name: sha256_of(path) for path in sorted(out.glob("*.safetensors"))}
    passport = Passport(out, {**content, "outcome": dict(outcome), "weights": weights})
    write_atomically(out / FILE, to_json(passport.content))
    return passport


def read_passport(directory: Path) -> Passport:
    """The passport in `directory`. Raises `SftdataError` when there is none that can be read."""
    path = directory / FILE
    try:
        content = json.loads(path.read_bytes())
        missing = [key for key in _REQUIRED if key not in content]
        if missing:
            raise ValueError(f"it has no '{missing[0]}'")
    except FileNotFoundError as error:
        raise SftdataError(
            f"{directory} has no passport: there is no {FILE}.",
            "Only an adapter that sftdata train has finished has one.",
        ) from error
    except (OSError, ValueError, TypeError) as error:
        raise SftdataError(f"{path}: cannot be read as a passport: {error}") from error
    if content["version"] > VERSION:
        raise SftdataError(
            f"{path}: written in version {content['version']} of the format; this sftdata reads "
            f"up to {VERSION}.",
            "Upgrade: pip install -U sftdata",
        )
    return Passport(directory, content)


def find_contradictions(passport: Passport, data: Path | None) -> list[str]:
    """What does not agree with the passport, a line each; empty when everything does.

    Checks the weights and the base model's files where they are, and with `data` that the data
    set is the one trained on, byte for byte.
    """
    found = []
    for name, digest in passport["weights"].items():
        path = passport.directory / name
        if not path.is_file():
            found.append(f"{path}: the weights are gone")
        elif sha256_of(path) != digest:
            found.append(f"{path}: not the weights of the passport (the digest differs)")
    base = Path(passport["base_model"]["name"])
    for name, digest in passport["base_model"]["files"].items():
        if (base / name).is_file() and sha256_of(base / name) != digest:
            found.append(f"{base / name}: not the base model trained on (the digest differs)")
    return found + (_data_contradictions(passport, data) if data is not None else [])


def _data_contradictions(passport: Passport, directory: Path) -> list[str]:
    manifest, trained = read_manifest(directory), passport["data"]
    if manifest["build"] != trained["build"]:
        return [f"{directory}: the build is {manifest['build']}, trained on was {trained['build']}"]
    found = []
    shards = manifest["splits"].get(trained["split"], {"shards": []})["shards"]
    if [shard["sha256"] for shard in shards] != trained["shards"]:
        found.append(f"{directory}: the shards of '{trained['split']}' are not those trained on")
    for label, digest in manifest["template"].items():
        if passport["templates"].get(label, {}).get("sha256") != digest:
            found.append(f"{directory}: the template '{label}' is not the passport's")
    if manifest["tokenizer"]["sha256"] != passport["tokenizer"]["sha256"]:
        found.append(f"{directory}: the tokenizer is not the passport's")
    return found + find_faults(directory)


def sha256_of(path: Path) -> str:
    """The digest of a file's bytes, as `sha256sum` prints it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _model_digests(directory: Path) -> dict[str, str]:
    """Digests of a model's config and weights; nothing for a model that is only a name."""
    if not directory.is_dir():
        return {}
    files = [directory / CONFIG, *sorted(directory.glob("*.safetensors"))]
    return {path.name: sha256_of(path) for path in files}
