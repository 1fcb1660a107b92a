"""Warnings about a dataset that was built as asked, but is not fit for training yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sftdata.base.content import SMALL_TOKENIZER, bundled_root
from sftdata.base.escaping import escape


def describe_result(
    templates: Iterable[str], tokenizer: str, sources: Iterable[str]
) -> Iterator[str]:
    """Warnings of drafts, and of the small bundled tokenizer where the rows are not the samples.

    `templates`: with their versions; `sources`: their names.
    """
    drafts = [name for name in templates if name.endswith("@draft")]
    if drafts:
        names, are = ", ".join(drafts), "are drafts" if len(drafts) > 1 else "is a draft"
        yield f"Warning: {names} {are}, so the dataset is a draft, too."
    if tokenizer == SMALL_TOKENIZER and not all(map(_is_bundled, sources)):
        yield (
            "Warning: the rows were tokenized by the small bundled tokenizer, whose ids mean "
            "nothing to any model. Give your model's: --tokenizer NAME_OR_DIR"
        )


def describe_renamed(recorded: Sequence[str], given: Sequence[str]) -> str | None:
    """A note on sources that have other names than in the dataset, and the same content."""
    pairs = zip(recorded, given, strict=False)
    other = [f"{escape(old)} (now {escape(new)})" for old, new in pairs if old != new]
    if not other:
        return None
    return (
        f"The dataset keeps the names that its sources had: {', '.join(other)}. Build "
        "into another folder to record the new ones."
    )


def _is_bundled(source: str) -> bool:
    """Whether a source of this name is the sample of a bundled spec."""
    return not Path(source).exists() and (bundled_root() / "pipelines" / source).is_file()
