"""sftdata init."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import FOLDER
from sftdata.cli.output import print_note

_EXPLANATION = """Give the file with your rows: --data FILE

init looks at its columns and writes a project into DIR: a spec (pipelines/NAME.toml), a template
where no bundled one fits, .gitignore, README.md and an example for CI. Then it builds the dataset
data/NAME and shows the first example. Known without a word: turns (messages, conversations),
instruction and output, prompt and completion, and the columns of the datasets that
`sftdata sources` lists; any other rows get a template of their own.

To see a dataset without a file: sftdata build --task summarize"""


@click.command("init")
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option(
    "--data",
    multiple=True,
    metavar="FILE",
    help="The rows: a file, glob, folder or address, or hf:NAME. Repeatable.",
)
@click.option(
    "--tokenizer",
    metavar="NAME_OR_DIR",
    help="The tokenizer of your model. Default: a small one, for trying out.",
)
@click.option("--task", help="What the rows are for, where their columns fit several tasks.")
def command(folder: Path, data: tuple[str, ...], tokenizer: str | None, task: str | None) -> None:
    """Start a project in DIR: look at your rows, write a spec, build it, show the first example.

    DIR must be new or empty; the file with the rows may lie in it.

    Example: sftdata init news --data news.jsonl --tokenizer path/to/model
    """
    if not data:
        raise click.UsageError(_EXPLANATION)
    from sftdata.building.start_project import (
        check_folder,
        project_name,
        resolve_items,
        resolve_tokenizer,
        start_project,
    )

    items = resolve_items(data)
    check_folder(folder, items, project_name(items[0]))
    if tokenizer is not None:
        tokenizer = resolve_tokenizer(tokenizer)
    with _inside(folder):
        project = start_project(items, tokenizer, task)
        print_note(f"{project.sees}.")
        click.echo("Wrote")
        for name in project.files:
            click.echo(f"  {escape(str(folder / name))}")
        _build(project.task, folder)
        _show_first_row(Path("data", project.task))
    place = escape(shlex.quote(str(folder)))
    click.echo(
        f"Next: cd {place}, look at pipelines/{project.task}.toml, and build again:\n"
        f"  sftdata build --task {project.task}"
    )


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """Works inside the folder, as the root of a project; an error leaves no empty folders."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    root = folder.absolute()
    specs = root / "pipelines"
    specs.mkdir(parents=True, exist_ok=True)  # makes the folder the root of the project
    try:
        with contextlib.chdir(root):
            yield
    except BaseException:
        with contextlib.suppress(OSError):  # a folder with files stays
            specs.rmdir()
            for path in made:
                path.rmdir()
        raise


def _build(task: str, folder: Path) -> None:
    from sftdata.cli.build import build_and_report
    from sftdata.errors import SftdataError

    try:
        # The commands of the summary work in the folder only; init says how to go there.
        build_and_report(task=task, shows_next=False)
    except SftdataError as error:
        error.args = (
            f"{error}\nThe project is written. Mend the rows or pipelines/{task}.toml, then: "
            f"cd {shlex.quote(str(folder))} && sftdata build --task {task}",
        )
        raise


def _show_first_row(dataset: Path) -> None:
    from sftdata.cli.inspect import print_rows
    from sftdata.inspecting.rows.inspector import Inspector
    from sftdata.loading.dataset import load

    data = load(dataset)
    split = next((name for name, rows in data.items() if len(rows)), None)
    if split is not None:
        click.echo("\nThe first example; the model learns what is in the loss:\n")
        print_rows([Inspector(data).inspect(split, data[split][0])], ("turns",))
