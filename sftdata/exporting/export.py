"""Export: the splits of a dataset in the format of a trainer, with a card."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sftdata.base.new_folder import new_folder
from sftdata.errors import SftdataError
from sftdata.exporting.conversations import write_conversations
from sftdata.exporting.formats import (
    FOLDER,
    LENGTH,
    LONGEST,
    POWER_OF_TWO,
    VALIDATION,
    Format,
    find_format,
)
from sftdata.loading.conversations import ConversationRow
from sftdata.loading.dataset import Dataset, load
from sftdata.writing.markdown import code, plain

CARD = "README.md"


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote."""

    files: list[Path]
    loading: str  # the trainer's setting or code that loads the files
    lacks: str  # what they do not carry


def export(
    directory: Path,
    name: str,
    out: Path,
    *,
    max_length: int | None = None,
    with_text: bool = False,
    read_rows: Callable[[Dataset], Iterator[ConversationRow]] | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> Exported:
    """Write the dataset's splits in the format `name` as the folder `out`.

    The folder appears when all files are on disk.

    `max_length` chooses the pack plan, for formats that need one. `with_text` adds prompt and
    target as text, to formats that hold other columns. `read_rows` reads the rows of a dataset
    again from its sources, for the format `messages`.
    Raises `SftdataError` for an unknown format, a missing pack plan, or an `out` that is not empty.
    """
    chosen = find_format(name, max_length, with_text)
    if out.exists() and any(out.iterdir()):
        raise SftdataError(
            f"{out} is not empty.", "Choose another directory with --out.", code="E105"
        )
    data = load(directory)
    splits = [split for split in data if len(data[split])]
    longest = max(int(data[split].lengths.max()) for split in splits)
    loading = chosen.loading.replace(
        VALIDATION, chosen.load_validation if "validation" in splits else ""
    )
    lengths = {LONGEST: longest, POWER_OF_TWO: 1 << (longest - 1).bit_length(), LENGTH: max_length}
    for word, number in lengths.items():
        loading = loading.replace(word, str(number))
    with new_folder(out) as folder:
        notes = _write(chosen, data, splits, folder, max_length, with_text, read_rows)
        (folder / CARD).write_text(_card(data, chosen, loading, longest), encoding="utf-8")
    for note in notes:
        report(note)
    files = sorted(path for path in out.rglob("*") if path.is_file())
    return Exported(files, loading.replace(FOLDER, str(out)), chosen.lacks)


def _write(
    chosen: Format,
    data: Dataset,
    splits: list[str],
    folder: Path,
    max_length: int | None,
    with_text: bool,
    read_rows: Callable[[Dataset], Iterator[ConversationRow]] | None,
) -> list[str]:
    """Writes the files, and returns notes on rows that a trainer may read otherwise."""
    if chosen.write is None:
        if read_rows is None:
            raise ValueError(f"{chosen.name} needs read_rows")
        note = write_conversations(read_rows(data), splits, folder).note
        return [] if note is None else [note]
    options = {"with_text": True} if with_text else {}
    chosen.write(data, splits, folder, max_length, **options)
    if chosen.count_exceptions is None:
        return []
    found, rows = chosen.count_exceptions(data, splits), sum(len(data[s]) for s in splits)
    return [f"{found:,} of {rows:,} examples {chosen.exception}"] if found else []


def _card(data: Dataset, chosen: Format, loading: str, longest: int) -> str:
    manifest = data.manifest
    mask = (
        "The loss is on exactly the tokens of the dataset's label mask."
        if chosen.keeps_mask
        else "These files hold text. The trainer tokenizes it again with its own chat template and "
        "mask, so ids and label mask may differ from the dataset's."
    )
    templates = [f"template {code(label)}" for label in manifest["template"]]
    if data.manifest.holds_conversations:
        templates.append("the tokenizer's chat template")
    return f"""# {plain(manifest["task"])} for {chosen.name}

Exported by sftdata from the build {code(manifest["build"])} ({", ".join(templates)}; tokenizer:
{code(manifest["tokenizer"]["name"])}, sha256 {code(manifest["tokenizer"]["sha256"])}).

{mask} The longest example has {longest:,} tokens.

Not in these files: {chosen.lacks}

```text
{loading}
```
"""
