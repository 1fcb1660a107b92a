"""What to build: a TOML file in `pipelines/`, checked as a whole, and the options laid over it.

A spec describes one task. A mixture names several specs and the share each has in the whole.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

from sftdata.errors import did_you_mean
from sftdata.spec.check_rules import CHECKS, CheckRule
from sftdata.spec.fields import MESSAGES, FieldRule, check_paths
from sftdata.spec.validate import After, Before, Within, Written

MAX_SHOTS = 64
DEFAULT_SPLIT = {"train": 0.8, "validation": 0.1, "test": 0.1}


def _as_counts(value: Any) -> Any:
    return (value,) if isinstance(value, int) else value


def _as_texts(value: Any) -> Any:
    """A value to compare with, or several; true, 3 and "3" as JSON writes them."""
    values = value if isinstance(value, (list, tuple)) else [value]
    return tuple(item if isinstance(item, str) else json.dumps(item) for item in values)


def _known_checks(checks: Any) -> Any:
    for name in checks if isinstance(checks, dict) else ():
        if name not in CHECKS:
            raise ValueError(f"there is no check '{name}'. {did_you_mean(name, CHECKS)}")
    return checks


def _check_path(path: str | None) -> None:
    check_paths(() if path is None else (path,))


def _check_split(shares: Mapping[str, float]) -> None:
    for name, share in shares.items():
        if not name.replace("_", "").isalnum():
            raise ValueError(f"'{name}' cannot name a file; use letters, digits and _")
        if not 0 <= share < math.inf:
            raise ValueError(f"the share of '{name}' is {share}, not a part of the rows")
    if sum(shares.values()) <= 0:
        raise ValueError("the shares add up to 0")


@dataclass(frozen=True)
class TemplateChoice(Written):
    """A template of a task, and how often it is chosen beside the others."""

    id: str  # may select a version: summarize/article@1.2.0
    weight: Annotated[float, Within(gt=0, lt=math.inf)] = 1.0

    @staticmethod
    def spelled_out(value: Any) -> Any:
        """The choice as a table."""
        return {"id": value} if isinstance(value, str) else value

    def to_json(self) -> Any:
        """The id alone where there is nothing else."""
        return self.id if self.weight == 1.0 else super().to_json()


@dataclass(frozen=True, kw_only=True)
class Spec(Written):
    """A dataset to build. `data` paths are as given; see `golden.sources` for how they resolve."""

    task: str
    description: str = ""
    license: str = ""
    language: tuple[str, ...] = ()
    data: Annotated[tuple[str, ...], Within(min_length=1)]
    preset: str | None = None  # a known dataset whose columns the rows have
    templates: tuple[TemplateChoice, ...] = ()
    tokenizer: str
    fields: dict[str, FieldRule]  # golden field → where it is in the source
    where: Annotated[
        dict[str, Annotated[tuple[str, ...], Before(_as_texts)]], After(check_paths)
    ] = field(default_factory=dict)  # path → the values of rows that are let through
    swap: tuple[tuple[str, str], ...] = ()  # pairs of golden fields that change places
    loss: Literal["all", "last"] = "all"  # which assistant turns of a conversation count
    max_length: Annotated[int, Within(ge=2)] | None = None  # tokens
    keep: Literal["start", "end", "middle"] = "start"
    max_dropped: Annotated[float, Within(ge=0, le=100)] = 1.0  # percent of the rows
    nul: Literal["drop", "keep"] = "drop"  # rows with a NUL character
    group: Annotated[str | None, After(_check_path)] = None  # of its rows all stay in one split
    seed: int = 0
    split: Annotated[dict[str, float], Within(min_length=1), After(_check_split)] = field(
        default_factory=lambda: dict(DEFAULT_SPLIT)
    )
    chat: bool = False
    chat_options: dict[str, Any] = field(default_factory=dict)  # given to the chat template
    shots: Annotated[tuple[int, ...], Before(_as_counts)] = (0,)
    source_field: str | None = None  # what the checks compare the target with
    target_field: str | None = None
    checks: Annotated[dict[str, CheckRule], Before(_known_checks)] = field(default_factory=dict)
    duplicates: Literal["drop", "keep"] = "drop"  # rows that repeat an earlier one
    near_duplicates: Annotated[float, Within(gt=0, lt=1)] | None = None  # similarity; None: stay
    against: tuple[str, ...] = ()  # evaluation files whose texts must not be in the dataset
    against_overlap: Annotated[float, Within(gt=0, le=1)] = 0.5  # share of the n-grams of a row

    def __post_init__(self) -> None:
        if self.is_messages:
            if self.fields.keys() - {"id", MESSAGES}:
                raise ValueError("'messages' is the whole row: map no other field beside it")
            if not self.chat:
                raise ValueError("'messages' are turns of a chat: set chat = true (--chat)")
            if self.templates or any(self.shots):
                raise ValueError("'messages' take neither a template nor shots")
        elif not self.templates:
            raise ValueError("give a template")
        for name in {name for pair in self.swap for name in pair} - self.fields.keys():
            raise ValueError(f"swap names '{name}', which is not among the fields")
        for compared in (self.source_field, self.target_field):
            if self.checks and compared not in self.fields:
                raise ValueError("checks need source_field and target_field, two of the fields")
        if self.against and self.source_field not in self.fields:
            raise ValueError("against needs source_field, the field that is compared")
        ids = [choice.id.partition("@")[0] for choice in self.templates]
        for name in {name for name in ids if ids.count(name) > 1}:
            raise ValueError(f"the template '{name}' stands there more than once")
        if any(not 0 <= count <= MAX_SHOTS for count in self.shots) or not self.shots:
            raise ValueError(f"shots are counts from 0 to {MAX_SHOTS}")
        for check in self.checks:
            if missing := CHECKS[check] - self.fields.keys():
                raise ValueError(f"the check '{check}' needs the field '{min(missing)}'")

    @staticmethod
    def spelled_out(value: Any) -> Any:
        """The spec with a list of templates."""
        if not isinstance(value, dict):
            return value
        value = dict(value)
        if "template" in value:
            if "templates" in value:
                raise ValueError("give template or templates, not both")
            value["templates"] = value.pop("template")
        if isinstance(value.get("templates"), str):
            value["templates"] = [value["templates"]]
        return value

    @classmethod
    def of(cls, value: Any) -> Self:
        """See `Written.of`."""
        parts = {
            "templates": [TemplateChoice.of(choice) for choice in value["templates"]],
            "fields": {name: FieldRule.of(rule) for name, rule in value["fields"].items()},
            "where": {path: tuple(texts) for path, texts in value["where"].items()},
            "checks": {name: CheckRule.of(rule) for name, rule in value["checks"].items()},
        }
        return super().of({**value, **parts})

    @property
    def is_messages(self) -> bool:
        """Whether the golden rows are conversations."""
        return MESSAGES in self.fields


@dataclass(frozen=True)
class MixedSource(Written):
    """One part of a mixture."""

    name: str
    spec: Spec
    weight: Annotated[float, Within(gt=0, lt=math.inf)] | None = None  # None: its own size
    cap: Annotated[int, Within(ge=1)] | None = None  # rows of the training split, at most

    @classmethod
    def of(cls, value: Any) -> Self:
        """See `Written.of`."""
        return super().of({**value, "spec": Spec.of(value["spec"])})


def _check_sources(sources: tuple[MixedSource, ...]) -> None:
    names = [source.name for source in sources]
    for name in names:
        if not name.replace("_", "").replace("-", "").isalnum():
            raise ValueError(f"'{name}' cannot name a folder; use letters, digits, - and _")
        if names.count(name) > 1:
            raise ValueError(f"two sources are called '{name}'; give each a name of its own")
    for source in sources[1:]:
        for option in ("tokenizer", "chat", "chat_options", "split"):
            if getattr(source.spec, option) != getattr(sources[0].spec, option):
                raise ValueError(f"the sources of a mixture must have the same {option}")


@dataclass(frozen=True, kw_only=True)
class Mixture(Written):
    """Several specs built into one dataset, each with a share of it.

    A source's share of the training split, measured in `by`, is in proportion to
    `weight ** (1 / temperature)`. Sources that are too small for their share are repeated, at most
    `max_repeats` times; those too large are thinned out.
    """

    task: str
    description: str = ""
    license: str = ""
    language: tuple[str, ...] = ()
    by: Literal["rows", "tokens", "target_tokens"] = "rows"
    temperature: Annotated[float, Within(gt=0, lt=math.inf)] = 1.0
    max_repeats: Annotated[float, Within(ge=1)] = 4.0
    seed: int = 0
    sources: Annotated[tuple[MixedSource, ...], Within(min_length=1), After(_check_sources)]

    @classmethod
    def of(cls, value: Any) -> Self:
        """See `Written.of`."""
        return super().of({**value, "sources": [MixedSource.of(s) for s in value["sources"]]})
