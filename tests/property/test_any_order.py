"""Build, edit, kill, resume, release, rebuild, pack, collect garbage, in any order.

At every step the dataset is intact, and is byte for byte that of a clean build. CI tries a few
runs; SFTDATA_RUNS says how many:
    SFTDATA_RUNS=500 pytest tests/property/test_any_order.py
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sftdata.base.cache_size import clear_cache
from sftdata.base.sizes import Sizes
from sftdata.building import rebuild as rebuild_module
from sftdata.building.build import Outcome, build_spec
from sftdata.errors import TemplateError, VerificationError
from sftdata.inspecting.verify import find_faults
from sftdata.loading.dataset import load
from sftdata.loading.garbage import find_garbage, remove_garbage
from sftdata.loading.packing import plan_packs, write_plan
from sftdata.spec.load import load_spec
from sftdata.versioning.check import check
from sftdata.versioning.release import release
from sftdata.writing.manifest import Manifest, read_manifest

RUNS = int(os.environ.get("SFTDATA_RUNS", "3"))
OUT = Path("out")
SIZES = Sizes(read_bytes=700, chunk_bytes=120, batch_rows=4, shard_tokens=600)

SPEC = """
task = "made"
data = ["rows.jsonl"]
template = "news/short"
tokenizer = "{tokenizer}"
max_dropped = 100
{more}
[fields]
id = "id"
article = "article"
summary = "summary"
"""
MORE = ("", "max_length = 60", "shots = [0, 1]", "seed = 7", "duplicates = 'keep'")
SOURCE = """\
{{# {comment} #}}
{{% block prompt %}}
{head}
{{{{ article }}}}
{{% endblock %}}
{{% block target %}}
{{{{ summary }}}}
{{%- endblock %}}
"""
# Some change a comment alone, and so no token.
SOURCES = [
    SOURCE.format(comment=f'description = "{comment}"', head=head)
    for comment, head in (("One.", "Text:"), ("Two.", "Text:"), ("One.", "Article:"))
]
texts = st.sampled_from(["a b c d", "x", "", "é" * 30, "one two three four five six seven", "y z"])
kills = st.none() | st.integers(0, 12) | st.integers(0, 90)


class KilledError(BaseException):
    """Ends a build at a call to the file system."""


class Killer:
    """Lets a call to the file system below a folder fail, and all after it: nothing is tidied."""

    EVENTS = frozenset(
        {
            "open", "os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.truncate",
            "os.chmod", "os.listdir", "os.scandir", "fcntl.flock",
        }
    )  # fmt: skip
    left: int | None = None  # calls until then; None: no kill
    kills = 0  # so far

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.left is None or event not in self.EVENTS:
            return
        path = arguments[0] if arguments else ""
        if isinstance(path, str | os.PathLike):
            path = os.path.abspath(os.fspath(path))  # noqa: PTH100 - the hook must stay simple
            if not path.startswith(str(Path.cwd())):
                return
        self.left -= 1
        if self.left < 0:
            raise KilledError

    @contextmanager
    def after(self, calls: int | None) -> Iterator[None]:
        self.left = calls
        try:
            yield
        except KilledError:
            self.kills += 1
        finally:
            self.left = None


killer = Killer()


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


def build(out: Path) -> Outcome:
    return build_spec(load_spec(file=Path("spec.toml")), out=out, sizes=SIZES)


class AnyOrder(RuleBasedStateMachine):
    """A project whose dataset is built, edited and killed."""

    tokenizer: Path  # set by the test

    def __init__(self) -> None:
        super().__init__()
        self.before = Path.cwd()
        self.home = Path(tempfile.mkdtemp(prefix="any-order-")).resolve()
        self.clean: dict[str, dict[str, Any]] = {}
        self.rows: list[tuple[str, str, str]] = []
        self.next_id = 0
        self.expected: dict[str, Any] | None = None  # of the dataset in `out`

    @initialize()
    def start(self) -> None:
        for name in ("project/templates/news", "cache", "clean"):
            (self.home / name).mkdir(parents=True)
        os.chdir(self.home / "project")
        for number in range(12):
            self.add(0, f"Article {number}.", f"Says {number}.")
        self.edit_template(SOURCES[0])
        self.edit_spec("")

    def teardown(self) -> None:
        os.chdir(self.before)
        shutil.rmtree(self.home)

    def do(self, kill: int | None, action: Callable[[], object]) -> None:
        """The action with the project's cache; killed after so many calls."""
        with environment(XDG_CACHE_HOME=str(self.home / "cache")), killer.after(kill):
            action()

    def undisturbed(self) -> dict[str, Any]:
        """The facts of a build of the project as it is, into a new folder and without a cache."""
        inputs = [Path("rows.jsonl"), Path("spec.toml"), *sorted(Path("templates").rglob("*.*"))]
        key = "\0".join(f"{path}\0{path.read_text()}" for path in inputs if path.is_file())
        if key not in self.clean:
            out = self.home / "clean" / str(len(self.clean))
            with environment(XDG_CACHE_HOME=str(self.home / "clean" / "cache")):
                built = build(out)
                clear_cache()
            self.clean[key] = facts(built.manifest)
            shutil.rmtree(out)
        return self.clean[key]

    def write_rows(self) -> None:
        lines = (dict(zip(("id", "article", "summary"), row, strict=True)) for row in self.rows)
        Path("rows.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))

    @rule(at=st.integers(0, 20), article=texts, summary=texts)
    def add(self, at: int, article: str, summary: str) -> None:
        self.next_id += 1
        self.rows.insert(at, (f"r{self.next_id}", article, summary))
        self.write_rows()

    @rule(at=st.integers(0, 20), article=texts)
    def change(self, at: int, article: str) -> None:
        at %= len(self.rows)
        self.rows[at] = (self.rows[at][0], article, self.rows[at][2])
        self.write_rows()

    @rule(at=st.integers(0, 20), to=st.integers(0, 20))
    def move_or_repeat(self, at: int, to: int) -> None:
        row = self.rows[at % len(self.rows)]
        if to % 2:
            self.rows.remove(row)
        self.rows.insert(to, row)
        self.write_rows()

    @precondition(lambda self: len(self.rows) > 6)
    @rule(at=st.integers(0, 20), number=st.integers(1, 3))
    def remove(self, at: int, number: int) -> None:
        at %= len(self.rows)
        del self.rows[at : at + number]
        self.write_rows()

    @rule(source=st.sampled_from(SOURCES))
    def edit_template(self, source: str) -> None:
        Path("templates/news/short.jinja").write_text(source)

    @rule(more=st.sampled_from(MORE))
    def edit_spec(self, more: str) -> None:
        Path("spec.toml").write_text(SPEC.format(tokenizer=self.tokenizer, more=more))

    @rule(kill=kills)
    def build(self, kill: int | None) -> None:
        new = self.undisturbed()
        old, self.expected = self.expected, new
        self.do(kill, lambda: build(OUT))
        if kill is not None and (not (OUT / "manifest.json").exists() or facts_of(OUT) == old):
            self.expected = old

    @rule(kill=kills)
    def release(self, kill: int | None) -> None:
        try:
            self.do(kill, lambda: release("news/short"))
        except TemplateError as error:  # a release was killed, and the template edited since then
            if "is not in the lock" not in str(error):
                raise
            Path(str(error).split(" is there, but")[0]).unlink()
            release("news/short")
            kill = None
        if kill is None:
            assert [finding for finding in check() if finding.level == "error"] == []

    @precondition(lambda self: self.expected is not None)
    @rule(kill=kills)
    def pack(self, kill: int | None) -> None:
        data = load(OUT)
        plan = plan_packs(data["train"].lengths, 400)
        self.do(kill, lambda: write_plan(data.manifest, "train", plan))

    @precondition(lambda self: self.expected is not None)
    @rule(kill=kills)
    def collect_garbage(self, kill: int | None) -> None:
        self.do(kill, lambda: remove_garbage(OUT, find_garbage(OUT)))
        if kill is None:
            assert find_garbage(OUT) == []

    @precondition(lambda self: self.expected is not None)
    @rule()
    def rebuild(self) -> None:
        """The recorded inputs give the dataset once more, or one of them is named."""
        with_sizes = patch.object(rebuild_module, "build_spec", partial(build_spec, sizes=SIZES))
        try:
            with with_sizes:
                again = rebuild_module.rebuild(OUT, Path("again"))
        except VerificationError:
            assert self.undisturbed() != self.expected
            return
        assert again.difference is None
        assert find_faults(Path("again")) == []

    @rule()
    def clear_cache(self) -> None:
        self.do(None, clear_cache)

    @invariant()
    def the_dataset_is_that_of_a_clean_build(self) -> None:
        if self.expected is None:
            assert not (OUT / "manifest.json").exists()
            return
        assert facts_of(OUT) == self.expected
        assert find_faults(OUT, deep=True) == []


def facts(manifest: Manifest) -> dict[str, Any]:
    """What must not depend on how a dataset came about: the whole manifest."""
    return dict(manifest.content)


def facts_of(directory: Path) -> dict[str, Any]:
    return facts(read_manifest(directory))


def test_in_any_order_every_dataset_is_that_of_a_clean_build(byte_tokenizer: Path) -> None:
    sys.addaudithook(killer)
    AnyOrder.tokenizer = byte_tokenizer
    run_state_machine_as_test(
        AnyOrder,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(f"{RUNS} runs, {killer.kills} kills")
