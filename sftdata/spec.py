"""What to build: a TOML file in `pipelines/`, checked as a whole, and the options laid over it."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from sftdata.content import find_content, list_content
from sftdata.errors import SpecError, did_you_mean
from sftdata.golden.mapping import parse_path

DEFAULT_SPLIT = {"train": 0.8, "validation": 0.1, "test": 0.1}


class Spec(BaseModel):
    """A data set to build. `data` paths are as given; see `golden.sources` for how they resolve."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str
    description: str = ""
    license: str = ""
    language: tuple[str, ...] = ()
    data: tuple[str, ...] = Field(min_length=1)
    template: str
    tokenizer: str
    fields: dict[str, str]  # golden field → path in the source
    max_length: int | None = Field(default=None, ge=2)  # tokens
    keep: Literal["start", "end", "middle"] = "start"
    max_dropped: float = Field(default=1.0, ge=0, le=100)  # percent of the rows
    nul: Literal["drop", "keep"] = "drop"  # rows with a NUL character
    group: str | None = None  # path of the value whose rows stay in one split
    seed: int = 0
    split: dict[str, float] = Field(default_factory=lambda: dict(DEFAULT_SPLIT), min_length=1)

    @field_validator("split")
    @classmethod
    def _check_split(cls, shares: dict[str, float]) -> dict[str, float]:
        for name, share in shares.items():
            if not name.replace("_", "").isalnum():
                raise ValueError(f"'{name}' cannot name a file; use letters, digits and _")
            if not 0 <= share < math.inf:
                raise ValueError(f"the share of '{name}' is {share}, not a part of the rows")
        if sum(shares.values()) <= 0:
            raise ValueError("the shares add up to 0")
        return shares

    @field_validator("fields")
    @classmethod
    def _check_fields(cls, fields: dict[str, str]) -> dict[str, str]:
        for path in fields.values():
            _check_path(path)
        return fields

    @field_validator("group")
    @classmethod
    def _check_group(cls, path: str | None) -> str | None:
        if path is not None:
            _check_path(path)
        return path


def _check_path(path: str) -> None:
    try:
        parse_path(path)
    except SpecError as error:
        raise ValueError(str(error)) from error


def load_spec(*, task: str | None = None, file: Path | None = None, **overrides: Any) -> Spec:
    """The spec of a task (`pipelines/<task>.toml`) or in a file, with the overrides laid over.

    An override of None is no override; `fields` is merged into the spec's.
    Raises `SpecError` that lists every fault at once.
    """
    path = file if file is not None else _task_file(task or "")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpecError(
            f"{path}: {error.strerror}.", "Give the path of a TOML file, or a task with --task."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: not a TOML file: {error}") from error
    given = {name: value for name, value in overrides.items() if value is not None}
    if isinstance(values.get("fields"), dict):
        given["fields"] = values["fields"] | given.get("fields", {})
    try:
        return Spec.model_validate(values | given)
    except ValidationError as error:
        faults = [
            f"  {'.'.join(map(str, fault['loc']))}: {fault['msg']} (is {fault['input']!r})"
            for fault in error.errors()
        ]
        raise SpecError(
            f"{path}, with the options given, is not a spec:\n" + "\n".join(faults)
        ) from error


def _task_file(task: str) -> Path:
    path = find_content("pipelines", f"{task}.toml")
    if path is None:
        known = list_content("pipelines", "*.toml")
        raise SpecError(f"There is no task '{task}'.", did_you_mean(task, known))
    return path
