"""Options and argument types that several commands share."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sftdata.base.content import in_project
from sftdata.base.stores import is_address
from sftdata.cli.output import print_note

if TYPE_CHECKING:
    from sftdata.loading.stored import Parts

# Nobody means these texts, which a chat template takes for true.
_FROM_PYTHON = {"True": "true", "False": "false", "None": "null"}

_ROW = '{"text": "…"}'
Command = TypeVar("Command", bound=Callable[..., Any])


class _Dataset(click.Path):
    """The folder of a dataset; a file in its place is an error that says so.

    Of an address in an object store, the folder is a copy in the cache. `parts`: see
    `loading.stored.local_folder`.
    """

    def __init__(self, parts: Parts = "missing") -> None:
        super().__init__(file_okay=False, path_type=Path)
        self._parts = parts

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if is_address(str(value)):
            from sftdata.loading.stored import local_folder  # loads Arrow

            return local_folder(value, print_note, parts=self._parts)
        if Path(value).is_file():
            self.fail(
                f"'{value}' is a file. A dataset is the folder that a build writes, such as "
                "data/summarize.",
                param,
                ctx,
            )
        return super().convert(value, param, ctx)


class _StoredDataset(_Dataset):
    """The folder of a dataset, or its address as it is."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        return value if is_address(str(value)) else super().convert(value, param, ctx)


class _Place(click.Path):
    """A folder, or an address in an object store, which is a text."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        return value if is_address(str(value)) else super().convert(value, param, ctx)


FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
PLACE = _Place(file_okay=False, path_type=Path)
DATASET = _Dataset()
DATASET_ANEW = _Dataset("anew")  # all of it is fetched, whatever is there
ROWS_OF_DATASET = _Dataset("no shards")  # for commands that read a few rows
STORED_DATASET = _StoredDataset()


def json_option(text: str = "Print JSON.") -> Callable[[Command], Command]:
    """The `--json` option of every command that prints something to read."""
    return click.option("--json", "as_json", is_flag=True, help=text)


def map_option() -> Callable[[Command], Command]:
    """`--map FIELD[=PATH]`, repeatable; the command takes `fields`, a dict from field to path."""
    return click.option(
        "--map",
        "fields",
        multiple=True,
        metavar="FIELD[=PATH]",
        callback=lambda _context, _option, given: _parse_maps(given),
        help="Read FIELD from PATH, such as answers.text[0]; without PATH, from the column FIELD. "
        "Repeatable.",
    )


def chat_option() -> Callable[[Command], Command]:
    """`--chat-option KEY=VALUE`, repeatable; the command takes `chat_options`, a dict or None."""
    return click.option(
        "--chat-option",
        "chat_options",
        multiple=True,
        metavar="KEY=VALUE",
        callback=lambda _context, _option, given: _parse_chat_options(given) or None,
        help="Give the chat template this value, JSON or text: enable_thinking=false. Repeatable.",
    )


def decoding_option() -> Callable[[Command], Command]:
    """`--decoding`, of the commands that let a model answer."""
    return click.option(
        "--decoding",
        type=click.Choice(["greedy", "model"]),
        default="greedy",
        show_default=True,
        help="Decode greedily, or as the model's own generation_config.json says.",
    )


def row_option(*, required: bool = True) -> Callable[[Command], Command]:
    """`--row JSON`; the command takes `row`, a dict, or None where it may be left out."""
    return click.option(
        "--row",
        required=required,
        metavar="JSON",
        callback=lambda _context, _option, given: None if given is None else _parse_row(given),
        help="A golden row, as a JSON object.",
    )


def turns_options(command: Command) -> Command:
    """`--messages FILE_OR_JSON` and `--tools FILE_OR_JSON`; the command takes two texts or None."""
    for name, help_ in (
        ("--tools", "The tools beside the turns: a list, in a file or as JSON."),
        ("--messages", "The turns before the answer, or a conversation: in a file or as JSON."),
    ):
        command = click.option(name, metavar="FILE_OR_JSON", help=help_)(command)
    return command


def data_root_option() -> Callable[[Command], Command]:
    """`--data-root FOLDER`, where the datasets are that were built with a template."""
    return click.option(
        "--data-root",
        type=FOLDER,
        default=lambda: in_project("data"),
        show_default="data",
        help="The folder of the datasets that were built.",
    )


def _parse_chat_options(given: Sequence[str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise click.BadParameter(f"'{text}' is not KEY=VALUE.")
        if key in options:
            raise click.BadParameter(f"'{key}' is given more than once, also as '{value}'.")
        try:
            options[key] = json.loads(_FROM_PYTHON.get(value, value))
        except (ValueError, RecursionError):
            options[key] = value
    return options


def _parse_maps(given: Sequence[str]) -> dict[str, str]:
    maps = [_parse_map(text) for text in given]
    names = [field for field, _ in maps]
    for field, path in maps:
        if names.count(field) > 1:
            raise click.BadParameter(f"'{field}' is mapped more than once, also to '{path}'.")
    return dict(maps)


def _parse_map(text: str) -> tuple[str, str]:
    field, equals, path = text.partition("=")
    if not field or (equals and not path):
        raise click.BadParameter(f"'{text}' is not FIELD=PATH.")
    return field, path or field


def _parse_row(text: str) -> dict[str, Any]:
    row = _parse_json(text)
    if not isinstance(row, dict):
        raise click.BadParameter(f"not a JSON object, such as {_ROW}.")
    return row


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(f"not JSON: {error}. Example: '{_ROW}'") from error


def answer_options(command: Command) -> Command:
    """`--template` and `--max-new-tokens` of commands that ask a trained adapter."""
    choose = click.option(
        "--template", metavar="LABEL", help="Use this template, if it was trained on several."
    )
    cut = click.option(
        "--max-new-tokens",
        type=click.IntRange(min=1),
        default=256,
        show_default=True,
        metavar="N",
        help="Cut the answer after N tokens.",
    )
    return choose(cut(command))
