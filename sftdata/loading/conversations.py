"""Rows of a dataset as the conversations that they were made of."""

from __future__ import annotations

from dataclasses import dataclass

from sftdata.base.conversation import TEMPLATE_LABEL, Conversation
from sftdata.errors import SftdataError
from sftdata.writing.manifest import PARTS, Manifest


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A row, as it was before it was rendered. A row that a mixture repeats is there each time."""

    split: str
    row_id: str
    conversation: Conversation  # without the turns that were left out because it was too long
    taught: frozenset[int]  # turns in the loss, by index


def holds_conversations(manifest: Manifest) -> bool:
    """Whether rows of a dataset are conversations."""
    return TEMPLATE_LABEL in _labels(manifest)


def check_no_templates(manifest: Manifest) -> None:
    """Raises `SftdataError` for a dataset in which templates rendered rows, too."""
    if _labels(manifest) == {TEMPLATE_LABEL}:
        return
    directory = manifest.directory
    raise SftdataError(
        f"{directory} mixes conversations with rows of templates, whose prompts hold chat template "
        "markup.",
        "Export it as prompt-completion, or its conversations alone: "
        f"sftdata export {directory / PARTS}/NAME --to messages",
        code="E706",
    )


def _labels(manifest: Manifest) -> set[str]:
    return set(manifest["stats"].get("by_template", {}))
