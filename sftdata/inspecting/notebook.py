"""The functions of `import sftdata` that look at a dataset; in a notebook, rows show as a page."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, overload

from sftdata.base.keywords import name_keywords
from sftdata.base.wording import count
from sftdata.errors import SftdataError
from sftdata.loading.dataset import Dataset, Example
from sftdata.loading.dataset import load as load_dataset
from sftdata.loading.stored import local_folder
from sftdata.writing.manifest import read_manifest

if TYPE_CHECKING:
    from sftdata.inspecting.doctor import Finding
    from sftdata.inspecting.rows.inspector import InspectedRow, Inspector
    from sftdata.inspecting.stats.result import Stats

DatasetOrPath = Dataset | str | Path


def load(directory: str | Path) -> Dataset:
    """The dataset in `directory`; `load(out)["train"][0].input_ids` is a NumPy array.

    Of an address in an object store (`s3://…`), the rows that are used are copied into the cache.

    Its rows also have `text`, `prompt`, `target` and `tokens`, read with the tokenizer of the
    build. Raises `SftdataError` when the manifest or a shard is missing or cannot be read.
    """
    manifest = read_manifest(local_folder(directory, parts="no shards"))
    source = _InspectorSource(Dataset(manifest))
    return Dataset(manifest, make_reader=lambda split: _SplitReader(source, split))


def stats(
    dataset: DatasetOrPath,
    *,
    by: Literal["split", "task", "template", "source", "role", "turns"] | None = None,
    max_length: int | None = None,
    batch_size: int | None = None,
) -> Stats:
    """The numbers that `sftdata stats --json` prints: lengths, target share, drops, padding …

    `by` adds `groups`; `max_length` and `batch_size` are those of a training run.
    """
    from sftdata.inspecting.stats.compute import compute_stats

    data = _open(dataset)
    return cast("Stats", compute_stats(data, by=by, max_length=max_length, batch_size=batch_size))


def doctor(dataset: DatasetOrPath, *, checks: Sequence[str] | None = None) -> list[Finding]:
    """The defects of a dataset, as `sftdata doctor` finds them; none is an empty list.

    `checks`: ids of the checks to run. Raises `SftdataError` for an unknown id, and where the
    tokenizer of the build is gone.
    """
    from sftdata.inspecting.doctor import diagnose

    return diagnose(_open(dataset), only=checks)


@name_keywords
def inspect(
    dataset: DatasetOrPath,
    *,
    split: str | None = None,
    row: str | None = None,
    index: int | None = None,
    random: int | None = None,
    seed: int = 0,
    limit: int = 3,
    task: str | None = None,
    template: str | None = None,
    min_tokens: int | None = None,
    max_tokens: int | None = None,
    reason: str | None = None,
    finding: str | None = None,
) -> Rows:
    """Rows with their text, tokens and cuts, chosen as by the options of `sftdata inspect`.

    In a notebook they show as the page of `inspect --html`.
    """
    from sftdata.inspecting.rows.inspector import Inspector
    from sftdata.inspecting.rows.select import RowFilter, choose_rows

    if sum(choice is not None for choice in (row, index, random)) > 1:
        raise SftdataError(
            "Give one of row, index and random.", "Each of them chooses the rows.", code="E102"
        )
    data = _open(dataset)
    wanted = RowFilter(
        task=task,
        template=template,
        min_tokens=min_tokens,
        max_tokens=max_tokens,
        reason=reason,
        finding=finding,
    )
    if row is not None and not wanted.is_empty:
        raise SftdataError(
            "row names the one row.", "Leave the conditions on rows out.", code="E102"
        )
    examples = choose_rows(
        data,
        split=split,
        row_id=row,
        index=index,
        sample=random,
        seed=seed,
        wanted=wanted,
        limit=limit,
    )
    inspector = Inspector(data)
    return Rows(data, tuple(inspector.inspect(name, example) for name, example in examples))


@dataclass(frozen=True, repr=False)
class Rows(Sequence["InspectedRow"]):
    """Inspected rows of a dataset; in a notebook the page of `inspect --html`."""

    data: Dataset
    rows: tuple[InspectedRow, ...]

    @overload
    def __getitem__(self, index: int) -> InspectedRow: ...
    @overload
    def __getitem__(self, index: slice) -> Rows: ...
    def __getitem__(self, index: int | slice) -> InspectedRow | Rows:
        if isinstance(index, slice):
            return Rows(self.data, self.rows[index])
        return self.rows[index]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[InspectedRow]:
        return iter(self.rows)

    def __repr__(self) -> str:
        ids = ", ".join(repr(row.example.row_id) for row in self.rows[:3])
        more = ", …" if len(self.rows) > 3 else ""
        return f"Rows({count(len(self.rows), 'row')}: {ids}{more})"

    def _repr_html_(self) -> str:
        return _to_frame(self.data, self.rows)


@dataclass(frozen=True)
class _InspectorSource:
    """The inspector of a dataset, made when the first row is read."""

    data: Dataset

    @cached_property
    def inspector(self) -> Inspector:
        from sftdata.inspecting.rows.inspector import Inspector

        return Inspector(self.data)


@dataclass(frozen=True)
class _SplitReader:
    """The `RowReader` of a split."""

    source: _InspectorSource
    split: str

    def read(self, example: Example, /) -> tuple[str, str]:
        return self.source.inspector.texts.read(example)

    def read_tokens(self, example: Example, /) -> tuple[str, ...]:
        return tuple(token.piece for token in self._inspect(example).tokens)

    def to_html(self, example: Example, /) -> str:
        try:
            row = self._inspect(example)
        except SftdataError as error:  # a cell that shows a row must not end in a traceback
            return f"<pre>{html.escape(f'{example!r}')}\n{html.escape(str(error))}</pre>"
        return _to_frame(self.source.data, [row])

    def _inspect(self, example: Example) -> InspectedRow:
        return self.source.inspector.inspect(self.split, example)

    def __reduce__(self) -> tuple[object, ...]:
        """Sent to another process, a row has no reader: it would load the tokenizer there."""
        return type(None), ()


def _to_frame(data: Dataset, rows: Sequence[InspectedRow]) -> str:
    """The page of rows in a frame of its own: its style must not reach the notebook."""
    from sftdata.inspecting.pages.rows import render_rows

    page = html.escape(render_rows(data, rows))
    return (
        f'<iframe sandbox srcdoc="{page}" title="{count(len(rows), "row")}" '
        'style="width: 100%; height: 28em; border: 0; resize: vertical"></iframe>'
    )


def _open(dataset: DatasetOrPath) -> Dataset:
    return dataset if isinstance(dataset, Dataset) else load_dataset(dataset)
