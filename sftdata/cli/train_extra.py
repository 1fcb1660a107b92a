"""The error of a command of the train stage where its libraries are not installed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from sftdata.errors import SftdataError

Command = TypeVar("Command", bound=Callable[..., Any])

_PACKAGES = {
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "safetensors",
    "sacrebleu",
    "rouge_score",
}


def needs_train_extra(command: Command) -> Command:
    """The command, with an error that says what to install if the extra `train` is missing."""

    @functools.wraps(command)
    def checked(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] not in _PACKAGES:
                raise
            raise SftdataError(
                f"This command needs {error.name}, which is not installed.",
                "Install the train stage: pip install 'sftdata[train]'",
                code="E104",
            ) from error

    return checked  # type: ignore[return-value]  # same signature as `command`
