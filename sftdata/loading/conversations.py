"""Rows of a dataset as the conversations that they were made of."""

from __future__ import annotations

from dataclasses import dataclass

from sftdata.base.conversation import Conversation
from sftdata.errors import SftdataError
from sftdata.loading.dataset import Dataset
from sftdata.writing.manifest import PARTS

LABEL = "messages"  # in the column `template`, of rows that are conversations


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A row, as it was before it was rendered. A row that a mixture repeats is there each time."""

    split: str
    row_id: str
    conversation: Conversation  # without the turns that were left out because it was too long
    taught: frozenset[int]  # turns in the loss, by index


def holds_conversations(data: Dataset) -> bool:
    """Whether rows of a dataset are conversations."""
    return LABEL in _labels(data)


def check_no_templates(data: Dataset) -> None:
    """Raises `SftdataError` for a dataset in which templates rendered rows, too."""
    if _labels(data) == {LABEL}:
        return
    directory = data.manifest.directory
    raise SftdataError(
        f"{directory} mixes conversations with rows of templates, whose prompts hold chat template "
        "markup.",
        "Export it as prompt-completion, or its conversations alone: "
        f"sftdata export {directory / PARTS}/NAME --to messages",
    )


def _labels(data: Dataset) -> set[str]:
    return set(data.manifest["stats"].get("by_template", {}))
