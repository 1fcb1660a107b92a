"""What to build: a spec is a TOML file in `pipelines/` with the options laid over it.

A spec describes one task. A mixture names several specs and the share of each in the dataset.
"""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal

from pydantic import (
    Field,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from sftdata.base.typed_text import FieldType
from sftdata.errors import did_you_mean
from sftdata.spec.check_rules import CHECKS, CheckRule
from sftdata.spec.data_items import expand_data
from sftdata.spec.fields import BESIDE_MESSAGES, MESSAGES, FieldRule
from sftdata.spec.paths import check_paths
from sftdata.spec.validate import SpecModel

DEFAULT_SPLIT = {"train": 0.8, "validation": 0.1, "test": 0.1}


class TemplateChoice(SpecModel):
    """A template of a task, and how often it is chosen compared with the others.

    A spec may write the id alone instead of a table.
    """

    id: str  # may select a version: summarize/article@1.2.0
    weight: float = Field(1.0, gt=0, lt=math.inf)

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: Any) -> Any:
        return {"id": value} if isinstance(value, str) else value

    @model_serializer(mode="wrap")
    def _shorten(self, dump: SerializerFunctionWrapHandler) -> Any:
        return self.id if self.weight == 1.0 else dump(self)


class Spec(SpecModel):
    """A dataset to build. `reading.sources` resolves the paths in `data`."""

    task: str
    description: str = ""
    license: str = ""
    language: tuple[str, ...] = ()
    data: tuple[str, ...] = Field(min_length=1)
    preset: str | None = None  # a known dataset whose columns the rows have
    templates: tuple[TemplateChoice, ...] = ()
    tokenizer: str
    fields: dict[str, FieldRule]  # golden field → its place in a source row
    # path → values: a row is built if it has one of them there
    where: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    swap: tuple[tuple[str, str], ...] = ()  # pairs of golden fields that change places
    loss: Literal["all", "last"] = "all"  # the assistant turns of a conversation that count
    unroll: bool = False  # each turn that counts becomes a golden row, cut after it
    ignore_turn_keys: tuple[str, ...] = ()  # keys of turns that nothing shall read
    drop_trailing_user: bool = False  # repairs of the order of turns
    drop_leading_assistant: bool = False
    merge_same_role: bool = False
    max_length: int | None = Field(None, ge=2)  # tokens
    keep: Literal["start", "end", "middle"] = "start"
    max_dropped: float = Field(1.0, ge=0, le=100)  # percent of the rows
    nul: Literal["drop", "keep"] = "drop"  # rows with a NUL character
    # Put before each id of the rows: "file", the name of their file, or any other text.
    id_prefix: str | None = Field(None, min_length=1)
    # Quotation marks around cells of CSV and TSV files. None: they quote in CSV, not in TSV, and a
    # cell that seems to hold whole rows is an error.
    quoting: Literal["csv", "none"] | None = None
    group: str | None = None  # path; rows with the same value there stay in one split
    seed: int = 0
    split: dict[str, float] = Field(DEFAULT_SPLIT, min_length=1)  # name → share of the rows
    given_splits: Literal["keep", "join"] = "keep"  # of files and datasets that name their splits
    split_column: str | None = None  # path; the row is in the split that is named there
    chat: bool = False
    chat_options: dict[str, Any] = Field(default_factory=dict)  # given to the chat template
    chat_template: str | None = None  # a file; it replaces the tokenizer's chat template
    date: datetime.date | None = None  # that the chat template writes; None: of the build
    teach_reasoning: bool = True  # whether the reasoning of taught turns is in the loss
    # Conversations longer than max_length lose turns at their start, or are dropped.
    long_conversations: Literal["drop_turns", "drop"] = "drop_turns"
    text_tokens: tuple[str, ...] = ()  # control tokens that the data means, so they are text
    shots: tuple[int, ...] = (0,)
    source_field: str | None = None  # the checks compare it with the target
    target_field: str | None = None
    checks: dict[str, CheckRule] = Field(default_factory=dict)
    # Rows that repeat another one. "loose": case and white space make no difference.
    duplicates: Literal["drop", "keep", "loose"] = "drop"
    near_duplicates: float | None = Field(None, gt=0, lt=1)  # similarity; None: they stay
    against: tuple[str, ...] = ()  # evaluation files whose texts must not be in the dataset
    against_overlap: float = Field(0.5, gt=0, le=1)  # share of the n-grams of a row

    # Fields whose path was given as an option, so it must be there. Not a part of what is built.
    _mapped: frozenset[str] = PrivateAttr(frozenset())

    @property
    def is_messages(self) -> bool:
        """Whether the golden rows are conversations."""
        return MESSAGES in self.fields

    @property
    def mapped(self) -> frozenset[str]:
        """The fields that were given with `--map`."""
        return self._mapped

    def with_mapped(self, fields: Collection[str]) -> Spec:
        """The spec, with these fields given with `--map`."""
        copy = self.model_copy()
        copy._mapped = frozenset(fields)
        return copy

    @property
    def rules(self) -> dict[str, FieldRule]:
        """The rule of each golden field, after `swap`."""
        rules = dict(self.fields)
        for first, second in self.swap:
            rules[first], rules[second] = rules[second], rules[first]
        return rules

    @property
    def renamed(self) -> dict[str, tuple[str, ...]]:
        """The paths of fields that a row may lack, where no column is called like the field."""
        beside = BESIDE_MESSAGES if self.is_messages else ()
        return {
            name: rule.paths
            for name, rule in self.rules.items()
            if (rule.optional or name in beside) and name not in rule.paths
        }

    @property
    def types(self) -> dict[str, FieldType]:
        """The types of the fields that a template sees as something other than text."""
        return {n: r.type for n, r in self.rules.items() if r.type not in (None, "text")}

    @model_validator(mode="before")
    @classmethod
    def _expand_templates(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        value = dict(value)
        if "template" in value:
            if "templates" in value:
                raise ValueError("give template or templates, not both")
            value["templates"] = value.pop("template")
        if isinstance(value.get("templates"), (str, dict)):
            value["templates"] = [value["templates"]]
        return value

    @field_validator("where", mode="before")
    @classmethod
    def _expand_where(cls, where: Any) -> Any:
        if not isinstance(where, dict):
            return where
        return {path: _to_texts(value) for path, value in where.items()}

    @field_validator("shots", mode="before")
    @classmethod
    def _expand_shots(cls, shots: Any) -> Any:
        return shots if isinstance(shots, (list, tuple)) else (shots,)

    @field_validator("chat_options", mode="after")
    @classmethod
    def _to_json_values(cls, options: dict[str, Any]) -> dict[str, Any]:
        # As the manifest records them, so that a rebuild gives the template the same.
        return {name: _to_json(value) for name, value in options.items()}

    @field_validator("where")
    @classmethod
    def _check_where(cls, where: dict[str, Any]) -> dict[str, Any]:
        check_paths(where)
        if empty := [path for path, values in where.items() if not values]:
            raise ValueError(*(f"'{path}' lists no value, so it keeps no row" for path in empty))
        return where

    @field_validator("data", mode="before")
    @classmethod
    def _expand_data(cls, data: Any) -> Any:
        return expand_data(data)

    @field_validator("group", "split_column")
    @classmethod
    def _check_path(cls, path: str | None) -> str | None:
        check_paths(() if path is None else (path,))
        return path

    @field_validator("fields", mode="before")
    @classmethod
    def _check_keys(cls, fields: Any) -> Any:
        """TOML reads a key of the spec below [fields] as a field."""
        values = fields.items() if isinstance(fields, dict) else ()
        below = [
            k for k, v in values if k in cls.model_fields and isinstance(v, int | float | list)
        ]
        if below:
            raise ValueError(
                *(
                    f"'{key}' is a key of the spec, not a field; move it above the first [table]"
                    for key in below
                )
            )
        return fields

    @field_validator("split")
    @classmethod
    def _check_split(cls, shares: dict[str, float]) -> dict[str, float]:
        for name, share in shares.items():
            if name in cls.model_fields:  # TOML reads a key below [split] as one of its own
                raise ValueError(
                    f"'{name}' is a key of the spec, not a split; move it above the first [table]"
                )
            if not name.replace("_", "").isalnum():
                raise ValueError(f"'{name}' cannot name a file; use letters, digits and _")
            if not 0 <= share < math.inf:
                raise ValueError(f"the share of '{name}' is {share}, which is not a share")
        if sum(shares.values()) <= 0:
            raise ValueError("the shares add up to 0")
        return shares

    @field_validator("checks", mode="before")
    @classmethod
    def _check_names(cls, checks: Any) -> Any:
        unknown = [n for n in checks if n not in CHECKS] if isinstance(checks, dict) else []
        if unknown:
            raise ValueError(
                *(f"there is no check '{name}'. {did_you_mean(name, CHECKS)}" for name in unknown)
            )
        return checks


def _to_texts(value: Any) -> tuple[str, ...]:
    """One or more values as texts: true, 3 and "3" as JSON writes them."""
    values = _to_json(value if isinstance(value, (list, tuple)) else [value])
    return tuple(v if isinstance(v, str) else json.dumps(v) for v in values)


def _to_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _to_json(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_to_json(item) for item in value]
    if isinstance(value, (datetime.date, datetime.time)):  # TOML has them, JSON does not
        return value.isoformat()
    return value


class MixedSource(SpecModel):
    """One part of a mixture."""

    name: str
    spec: Spec
    weight: float | None = Field(None, gt=0, lt=math.inf)  # None: its own size
    cap: int | None = Field(None, ge=1)  # rows of the training split, at most


class Mixture(SpecModel):
    """Several specs built into one dataset, each with a share of it.

    A source's share of the training split, measured in `by`, is in proportion to
    `weight ** (1 / temperature)`. Sources too small for their share are repeated, at most
    `max_repeats` times; sources too large are thinned out.
    """

    task: str
    description: str = ""
    license: str = ""
    language: tuple[str, ...] = ()
    by: Literal["rows", "tokens", "target_tokens"] = "rows"
    temperature: float = Field(1.0, gt=0, lt=math.inf)
    max_repeats: float = Field(4.0, ge=1)
    seed: int = 0
    sources: tuple[MixedSource, ...] = Field(min_length=1)

    @field_validator("sources")
    @classmethod
    def _check_sources(cls, sources: tuple[MixedSource, ...]) -> tuple[MixedSource, ...]:
        if faults := [*_find_mixture_faults(sources)]:
            raise ValueError(*faults)
        return sources


def _find_mixture_faults(sources: tuple[MixedSource, ...]) -> Iterator[str]:
    names = [source.name for source in sources]
    for name in dict.fromkeys(names):
        if not name.replace("_", "").replace("-", "").isalnum():
            yield f"'{name}' cannot name a folder; use letters, digits, - and _"
        if names.count(name) > 1:
            yield f"two sources are called '{name}'; give each a name of its own"
    same = ("tokenizer", "chat", "chat_options", "chat_template", "date", "text_tokens", "split")
    for option in same:
        if any(getattr(s.spec, option) != getattr(sources[0].spec, option) for s in sources):
            yield (
                f"the sources of a mixture must have the same {option}; "
                f"'{option}' above [[sources]] goes for all"
            )
