"""Load a spec or a mixture from a TOML file, with what was given on top."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from sftdata.base.cache import content_of, remember_content
from sftdata.base.content import find_content, list_content
from sftdata.base.version import __version__
from sftdata.errors import SpecError, did_you_mean
from sftdata.spec.model import Mixture, Spec
from sftdata.spec.presets import lay_over_preset, preset_of
from sftdata.spec.validate import validate

_CHECKED_VERSION = 1  # of what may be written here: specs found right are remembered by it


_Checked = TypeVar("_Checked", "Spec", "Mixture")


# What a mixture says for all of its sources.
_SHARED = (
    "tokenizer", "max_length", "seed", "chat", "chat_options", "shots", "split", "keep",
    "max_dropped", "nul", "duplicates", "near_duplicates", "against", "against_overlap",
)  # fmt: skip


def load_spec(
    *, task: str | None = None, file: Path | None = None, **overrides: Any
) -> Spec | Mixture:
    """The spec of a task (`pipelines/<task>.toml`) or in a file, with the overrides laid over.

    An override of None is no override; `fields` is merged into the spec's.
    Raises `SpecError` that lists every fault at once.
    """
    path = file if file is not None else _task_file(task or "")
    given = {name: value for name, value in overrides.items() if value is not None}
    values = _read_toml(path)
    if "sources" in values:
        return _load_mixture(path, values, given)
    return _checked(Spec, _merged(values, given), _fault(path))


def task_spec(task: str) -> Spec | None:
    """The spec of a task of golden rows; None where there is none, or it is a mixture."""
    if find_content("pipelines", f"{task}.toml") is None:
        return None
    spec = load_spec(task=task)
    return spec if isinstance(spec, Spec) else None


def spec_from_json(value: Mapping[str, Any]) -> Spec | Mixture:
    """The spec a manifest records. Raises `SpecError` for what is none."""
    fault = "What is recorded is not a spec"
    if "sources" in value:
        return _checked(Mixture, value, fault)
    return _checked(Spec, value, fault)


def _load_mixture(path: Path, values: dict[str, Any], given: dict[str, Any]) -> Mixture:
    for name in sorted(given.keys() - set(_SHARED)):
        raise SpecError(
            f"{path} is a mixture: '{name}' is a matter of each of its sources.",
            "Write it into the source in the spec, or build the task alone.",
        )
    shared = {name: values.pop(name) for name in _SHARED if name in values} | given
    sources = []
    listed = values["sources"]
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise SpecError(f"{path}: sources are tables: [[sources]]")
    for item in listed:
        own = dict(item)
        kept = {name: own.pop(name) for name in ("name", "weight", "cap") if name in own}
        base = str(own.pop("spec", ""))
        beside = path.parent / base
        file = beside if base.endswith(".toml") and beside.is_file() else _task_file(base)
        spec = _checked(Spec, _merged(_read_toml(file), shared | own), _fault(file))
        sources.append({"name": file.stem} | kept | {"spec": spec.to_json()})
    mixture = values.pop("mixture", {})
    seed = {"seed": shared["seed"]} if "seed" in shared else {}
    return _checked(Mixture, values | mixture | seed | {"sources": sources}, _fault(path))


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpecError(
            f"{path}: {error.strerror}.", "Give the path of a TOML file, or a task with --task."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: not a TOML file: {error}") from error


def _merged(values: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    merged = values | given
    if isinstance(values.get("fields"), dict):
        merged["fields"] = values["fields"] | given.get("fields", {})
    if {"template", "templates"} & given.keys():
        merged = {k: v for k, v in merged.items() if k not in ("template", "templates")}
        merged["templates"] = given.get("templates", given.get("template"))
    if preset := merged.get("preset") or preset_of(merged.get("data", ())):
        merged = lay_over_preset(merged, preset, keep=given)
    return merged


def _checked(model: type[_Checked], values: Mapping[str, Any], fault: str) -> _Checked:
    """The values as a `model`, if they are one; what was found right before is not checked again.

    Raises `SpecError` that begins with `fault`.
    """
    digest = _digest([__version__, _CHECKED_VERSION, model.__name__, values])
    known = content_of("specs", digest) if digest is not None else None
    if known is None:
        known = json.dumps(validate(model, values, fault).to_json()).encode()
        if digest is not None:
            remember_content("specs", digest, known)
    return model.of(json.loads(known))


def _digest(value: Any) -> str | None:
    """A digest of what JSON can say, in its order; None for anything else."""
    try:
        return hashlib.sha256(json.dumps(value).encode()).hexdigest()
    except (TypeError, ValueError):
        return None


def _fault(path: Path) -> str:
    return f"{path}, with the options given, is not a spec"


def _task_file(task: str) -> Path:
    path = find_content("pipelines", f"{task}.toml")
    if path is None:
        known = [n for n in list_content("pipelines", "*.toml") if n != "presets"]
        raise SpecError(f"There is no task '{task}'.", did_you_mean(task, known))
    return path
