"""Render the prompts that a server must send, for a dataset, an adapter or a template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sftdata.base.files import Stamp, stamp
from sftdata.base.keywords import name_keywords
from sftdata.errors import SpecError
from sftdata.serving import passport
from sftdata.serving.answer_text import answer_text
from sftdata.serving.conversation import Messages, Question
from sftdata.serving.load import load_prompt_renderer, make_prompt_renderer
from sftdata.serving.prompt import PromptRenderer, ServingPrompt
from sftdata.serving.recorded_prompt import PassportRenderer, load_passport_renderer
from sftdata.tokenizing.tokenizer import Tokenizer
from sftdata.writing.manifest import MANIFEST

_NO_TASK = "E402"


class Prompter:
    """Renders prompts exactly as the training examples have them, with everything loaded once.

    `source`: the folder of a dataset; of an adapter or a merged model, which need no dataset; or a
    template id such as "summarize/article", with `options` such as `tokenizer` and `chat`.
    `part`: the source of the rows, if a dataset is a mixture; of an adapter the one whose
    conversations are shown.
    Raises `SftdataError` when the template, the tokenizer or the chat template was changed.
    """

    @name_keywords
    def __init__(self, source: str | Path, *, part: str | None = None, **options: Any) -> None:
        self.source = str(source)
        self._part = part
        self._renderer = _load(source, part, options)

    def __repr__(self) -> str:
        return f"Prompter({self.source!r})"

    @name_keywords
    def __call__(
        self,
        row: Mapping[str, Any] | None = None,
        *,
        messages: Messages | None = None,
        tools: Sequence[Any] | None = None,
        documents: Sequence[Any] | None = None,
        system: str | None = None,
        chat_options: Mapping[str, Any] | None = None,
        template: str | None = None,
        shots: int | None = None,
    ) -> ServingPrompt:
        """The prompt of a row of golden fields, or for the turn after `messages`.

        `tools`, `documents`, `system` and `chat_options` go with messages, `template` and `shots`
        with a row.
        """
        beside_messages = {
            "tools": tools, "documents": documents, "system": system, "chat_options": chat_options
        }  # fmt: skip
        if messages is not None:
            _check_turns(messages)
            _refuse_beside("messages", {"row": row, "template": template, "shots": shots})
            question = Question(messages, tools, documents, system)
            if isinstance(self._renderer, PassportRenderer):
                return self._renderer.render_question(question, chat_options, source=self._part)
            return self._renderer.render_question(question, chat_options)
        if row is None:
            raise SpecError("Give a row or messages.", code="E102")
        if not isinstance(row, Mapping):
            raise SpecError(
                f"row is a {type(row).__name__}, not a mapping of fields.",
                "Give it as {'field': value}.",
                code="E102",
            )
        _refuse_beside("a row", beside_messages)
        if isinstance(self._renderer, PassportRenderer):
            _refuse_beside("an adapter", {"shots": shots})
            _refuse_beside("a row for an adapter", {"part": self._part})
            return self._renderer.render(row, template=template)
        return self._renderer.render(row, template=template, shots=shots)

    @property
    def stop_ids(self) -> list[int]:
        """The ids that end an answer; generation must stop at each of them."""
        return self._renderer.stop_ids

    def read_answer(self, ids: Sequence[int]) -> str:
        """The text of generated ids, without the stop token and other control tokens."""
        return answer_text(ids, self._tokenizer)

    @property
    def _tokenizer(self) -> Tokenizer:
        if isinstance(self._renderer, PassportRenderer):
            return self._renderer.tokenizer
        return self._renderer.plan.tokenizer


def _load(
    source: str | Path, part: str | None, options: Mapping[str, Any]
) -> PromptRenderer | PassportRenderer:
    folder = Path(source)
    if (folder / passport.FILE).is_file():
        _refuse_beside("an adapter", options)
        return load_passport_renderer(folder)
    if folder.is_dir():
        _refuse_beside("a dataset", options)
        return load_prompt_renderer(folder, part=part)
    _refuse_beside("a template", {"part": part})
    if "/" not in str(source):
        raise _unknown(source)
    try:
        return make_prompt_renderer(str(source), **options)
    except SpecError as error:
        if error.code != _NO_TASK:
            raise
        raise _unknown(source) from error


def _unknown(source: str | Path) -> SpecError:
    return SpecError(
        f"'{source}' is neither the folder of a dataset or adapter nor a template id.",
        "Check the path, relative to the folder that the program runs in. An id is TASK/NAME, for "
        "example: summarize/article",
        code="E701",
    )


def _refuse_beside(what: str, values: Mapping[str, Any]) -> None:
    """Raises `SpecError` for values that have no effect beside `what`."""
    if given := [name for name, value in values.items() if value is not None]:
        raise SpecError(
            f"{', '.join(given)} has no effect beside {what}.", "Leave it out.", code="E102"
        )


def _check_turns(messages: Messages) -> None:
    """Raises `SpecError` unless the value is a list of turns."""
    if isinstance(messages, (str, Mapping)) or not all(isinstance(m, Mapping) for m in messages):
        raise SpecError(
            "messages is not a list of turns.",
            "Give it as [{'role': 'user', 'content': '…'}].",
            code="E102",
        )


# The prompter of the last dataset or adapter, and its key: where it was loaded from.
_last: tuple[object, Prompter] | None = None


@name_keywords
def render_prompt(
    source: str | Path,
    row: Mapping[str, Any] | None = None,
    *,
    messages: Messages | None = None,
    tools: Sequence[Any] | None = None,
    documents: Sequence[Any] | None = None,
    system: str | None = None,
    chat_options: Mapping[str, Any] | None = None,
    template: str | None = None,
    shots: int | None = None,
    part: str | None = None,
    **options: Any,
) -> ServingPrompt:
    """The exact prompt that a server must send: for a row of golden fields, or for the next turn.

    `source` and `options` are those of `Prompter`, the other arguments those of a call of it. The
    last dataset or adapter stays loaded. A server makes a `Prompter` of its own.
    """
    if (row is None) == (messages is None):
        raise SpecError("Give either a row or messages.", code="E102")
    if _stamp(source) is None and shots is not None:  # a template draws them from its task's rows
        options["shots"], shots = shots, None
    if row is not None and chat_options is not None:
        options["chat_options"], chat_options = chat_options, None
    prompter = _remember(source, part, options)
    return prompter(
        row, messages=messages, tools=tools, documents=documents, system=system,
        chat_options=chat_options, template=template, shots=shots,
    )  # fmt: skip


def _remember(source: str | Path, part: str | None, options: Mapping[str, Any]) -> Prompter:
    global _last
    stamped = _stamp(source)
    key = (str(Path(source).absolute()), part, stamped)
    if stamped is not None and not options and _last is not None and _last[0] == key:
        return _last[1]
    prompter = Prompter(source, part=part, **options)
    if stamped is not None:
        _last = key, prompter
    return prompter


def _stamp(source: str | Path) -> Stamp | None:
    """The stamp of a dataset's manifest or an adapter's passport; None for a template."""
    for name in (passport.FILE, MANIFEST):
        path = Path(source, name)
        if path.is_file():
            return stamp(path)
    return None
