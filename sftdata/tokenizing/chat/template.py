"""A chat template, rendered as transformers renders it: the same values in, the same text out."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import meta

from sftdata.base.content import find_content
from sftdata.base.files import read_regular
from sftdata.base.limits.budget import BudgetError, limited_by_length
from sftdata.base.limits.sandbox import render_counted
from sftdata.base.pickling import PicklesFieldsOnly
from sftdata.errors import TemplateError, did_you_mean
from sftdata.tokenizing.chat.environment import (
    ExplicitRefusal,
    chat_environment,
    date_function,
)
from sftdata.tokenizing.tokenizer import Tokenizer

_MAX_SOURCE = 200_000  # characters; the longest of well-known models has about 30,000
_MAX_MESSAGE = 500  # characters: an error may quote a text of any length

Message = Mapping[str, Any]
NO_OPTIONS: Mapping[str, Any] = {}
# What a template is given for each conversation. No option takes its place.
_CONVERSATION = ("messages", "tools", "documents", "add_generation_prompt")


def load_chat_template(
    tokenizer: Tokenizer, options: Mapping[str, Any], date: datetime.date
) -> ChatTemplate:
    """The chat template of a tokenizer. Raises `TemplateError` when it has none."""
    if tokenizer.chat_template is None:
        raise TemplateError(
            f"The tokenizer '{tokenizer.name}' has no chat template.",
            "Give a chat model's tokenizer, or a template: --chat-template FILE",
        )
    if len(tokenizer.chat_template) > _MAX_SOURCE:
        raise TemplateError(
            f"The chat template of the tokenizer '{tokenizer.name}' has "
            f"{len(tokenizer.chat_template):,} characters; at most {_MAX_SOURCE:,} are read.",
            "Give another template: --chat-template FILE",
        )
    return ChatTemplate(
        tokenizer.chat_template, tokenizer.name, tokenizer.special_texts, options, date
    )


def read_template_file(name: str) -> str:
    """The chat template in a file: in the working directory, or else beside the specs."""
    path = Path(name) if Path(name).is_file() else find_content("pipelines", name)
    if path is None or not path.is_file():
        raise TemplateError(
            f"There is no chat template '{name}'.", "Give a file that holds the Jinja text of one."
        )
    data = read_regular(path, _MAX_SOURCE + 1)
    if len(data) > _MAX_SOURCE:
        raise TemplateError(
            f"{path}: a chat template has at most {_MAX_SOURCE:,} bytes; this file has more.",
            "Give a file that holds the Jinja text of one.",
        )
    try:
        source = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TemplateError(f"{path}: a chat template must be UTF-8: {error}") from error
    # Parse it here: later, each conversation would be blamed for its faults.
    try:
        chat_environment().from_string(source)
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(
            f"{path}:{error.lineno}: the chat template does not parse: {error.message}.",
            "Mend the file, or leave it out to use the tokenizer's own template.",
        ) from error
    return source


class RefusedError(Exception):
    """The template refuses a conversation. `is_explicit`: with a reason of its own."""

    def __init__(self, message: str, *, is_explicit: bool = False) -> None:
        super().__init__(message)
        self.is_explicit = is_explicit


@dataclass(frozen=True)
class ChatTemplate(PicklesFieldsOnly):
    """The source of a chat template, with all that it is rendered with but the conversation."""

    source: str
    name: str  # of the tokenizer, for errors
    special_texts: Mapping[str, str]  # bos_token, eos_token …
    options: Mapping[str, Any]
    date: datetime.date

    @cached_property
    def _template(self) -> jinja2.Template:
        environment = chat_environment()
        environment.globals["strftime_now"] = date_function(self.date)
        try:
            return environment.from_string(self.source)
        except jinja2.TemplateError as error:
            raise TemplateError(
                f"The chat template of the tokenizer '{self.name}' does not parse: {error}."
            ) from error

    @cached_property
    def _variables(self) -> frozenset[str]:
        try:
            tree = chat_environment().parse(self.source)
            return frozenset(meta.find_undeclared_variables(tree))
        except jinja2.TemplateError:
            return frozenset()
        except RecursionError as error:
            raise TemplateError(
                f"The chat template of the tokenizer '{self.name}' is nested too deeply."
            ) from error

    @property
    def uses_date(self) -> bool:
        """Whether the template asks for the date."""
        return "strftime_now" in self._variables

    @property
    def can_switch_thinking(self) -> bool:
        """Whether the template has the option `enable_thinking`, and it is not set."""
        return "enable_thinking" in self._variables - self.options.keys()

    def check_options(self) -> str | None:
        """A note about options that the template does not read; None if it reads all.

        Raises `TemplateError` for a misspelled or reserved option, and for a template that does
        not parse.
        """
        _ = self._template  # raises where it does not parse
        own = {*_CONVERSATION, *chat_environment().globals, "strftime_now"}
        known = self._variables - own
        if reserved := sorted(self.options.keys() & set(_CONVERSATION)):
            raise TemplateError(
                f"{' and '.join(reserved)} cannot be set by chat_options: each conversation has "
                "its own.",
                "Leave it out.",
            )
        unknown = sorted(self.options.keys() - known)
        for name in unknown:
            meant = did_you_mean(name, known - self.special_texts.keys())
            if meant.startswith("Did you mean"):
                raise TemplateError(
                    f"The chat template of the tokenizer '{self.name}' has no option '{name}' "
                    "(chat_options).",
                    meant,
                )
        if not unknown:
            return None
        return (
            f"The chat template of the tokenizer '{self.name}' does not read "
            f"{', '.join(unknown)} (chat_options); it changes nothing."
        )

    def render(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Any] | None = None,
        documents: Sequence[Any] | None = None,
        generate: bool = False,
        options: Mapping[str, Any] = NO_OPTIONS,
    ) -> str:
        """The text of `messages`; with `generate`, up to where the model goes on.

        Raises `RefusedError`.
        """
        values = {
            **self.special_texts,
            **self.options,
            **options,
            "messages": messages,
            "tools": tools,
            "documents": documents,
            "add_generation_prompt": generate,
        }
        try:
            with limited_by_length([messages, tools, documents]):
                return render_counted(self._template, values)
        except BudgetError as error:
            raise self._too_costly(messages, error) from error
        except ExplicitRefusal as error:
            raise RefusedError(str(error)[:_MAX_MESSAGE], is_explicit=True) from error
        except RecursionError as error:
            raise RefusedError("it never ends") from error
        except Exception as error:  # a template can raise anything
            raise RefusedError(str(error)[:_MAX_MESSAGE]) from error

    def _too_costly(self, messages: Sequence[Message], error: Exception) -> TemplateError:
        return TemplateError(
            f"The chat template of the tokenizer '{self.name}' fails on a conversation of "
            f"{len(messages)} turns: {error}.",
            "Use another chat template, or leave conversations of this length out.",
            rule="LINT_COST",
        )
