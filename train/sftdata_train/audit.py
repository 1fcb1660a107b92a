"""Audit: compare the files of an adapter, its base model and its dataset with the passport."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sftdata.base.files import sha256_of
from sftdata.errors import SftdataError
from sftdata.inspecting.verify import find_faults
from sftdata.serving.passport import FILE, Passport
from sftdata.writing.dataset_files import is_inside
from sftdata.writing.manifest import read_manifest
from sftdata_train.models.model_loading import find_model_folder
from sftdata_train.passport import list_files

# Files that peft and transformers read from a folder if they are there.
_LOADED = re.compile(
    r"\.(?:safetensors|bin|pth?|py|model|jinja)$"
    r"|(?:^|/)(?:\w*config|tokenizer|vocab|special_tokens_map|added_tokens|\w+\.index)\.json$"
    r"|(?:^|/)(?:merges|vocab)\.txt$"
)


@dataclass(frozen=True, slots=True)
class Audit:
    """The differences from the passport, and the parts that could not be compared; a line each."""

    contradictions: list[str]
    not_checked: list[str]


def audit_adapter(passport: Passport, data: Path | None = None, model: str | None = None) -> Audit:
    """Compare weights, base model and, with `data`, the dataset with the passport, byte for byte.

    `model` is the base model, if it was moved since the training.
    """
    differing, base = _find_changed_files(passport), _audit_base_model(passport, model)
    others = _find_data_contradictions(passport, data) if data is not None else []
    return Audit([*differing, *base.contradictions, *others], base.not_checked)


def require_unchanged(passport: Passport, model: str | None = None) -> None:
    """Raises `SftdataError` when a file differs from the passport."""
    if contradictions := audit_adapter(passport, model=model).contradictions:
        raise SftdataError(
            f"{passport.directory} does not agree with the record of its training: "
            f"{contradictions[0]}",
            f"Show all differences: sftdata audit {passport.directory}",
            code="E903",
        )


def _find_changed_files(passport: Passport) -> list[str]:
    folder, files = passport.directory, passport.content.get("files")
    recorded = {**passport["weights"], **(files or {})}
    found = []
    for name, digest in recorded.items():
        path, kind = folder / name, "weights" if name in passport["weights"] else "file"
        if not path.is_file():
            found.append(f"{path}: the {kind} recorded in {FILE} is missing")
        elif not is_inside(folder, path):
            found.append(f"{path}: a link to a file outside of the adapter")
        elif sha256_of(path) != digest:
            found.append(f"{path}: not the {kind} recorded in {FILE} (the digest differs)")
    if files is not None:  # earlier versions recorded the weights alone
        others = [name for name in list_files(folder) if name not in recorded]
        found += [
            f"{folder / name}: a file that {FILE} does not record, and that loading may read"
            for name in others
            if _LOADED.search(name)
        ]
    return found


def _audit_base_model(passport: Passport, model: str | None) -> Audit:
    recorded = passport["base_model"]
    name = model if model is not None else recorded["name"]
    folder = find_model_folder(name, recorded.get("revision") if model is None else None)
    if folder is None:
        return Audit([], [f"base model: '{name}' is neither a folder here nor in the Hub's cache"])
    if not recorded["files"]:
        return Audit([], [f"base model: {FILE} has no digests of '{recorded['name']}'"])
    found = Audit([], [])
    for file, digest in recorded["files"].items():
        if not (folder / file).is_file():
            found.not_checked.append(f"base model: {folder} has no {file}")
        elif sha256_of(folder / file) != digest:
            found.contradictions.append(
                f"{folder / file}: not the base model of the training (the digest differs)"
            )
    return found


def _find_data_contradictions(passport: Passport, directory: Path) -> list[str]:
    manifest, trained = read_manifest(directory), passport["data"]
    if manifest["build"] != trained["build"]:
        return [f"{directory}: the build is {manifest['build']}; trained on {trained['build']}"]
    found = []
    shards = manifest["splits"].get(trained["split"], {"shards": []})["shards"]
    if [shard["sha256"] for shard in shards] != trained["shards"]:
        found.append(
            f"{directory}: the shards of '{trained['split']}' are not those of the training"
        )
    for label, digest in manifest["template"].items():
        if passport["templates"].get(label, {}).get("sha256") != digest:
            found.append(f"{directory}: the template '{label}' differs from the training's")
    if manifest["tokenizer"]["sha256"] != passport["tokenizer"]["sha256"]:
        found.append(f"{directory}: the tokenizer differs from the training's")
    return found + find_faults(directory)
