"""Every bundled template: it parses, fits the spec of its task, and renders as reviewed."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from support.places import REAL_TOKENIZERS
from syrupy.assertion import SnapshotAssertion

from sftdata.base.content import bundled_root
from sftdata.examples.tokens import joined_equal
from sftdata.rendering.render import render_row
from sftdata.rendering.template import BLOCK_NAMES, Template
from sftdata.spec.load import load_spec
from sftdata.spec.model import Spec
from sftdata.tokenizing.encoder import REFERENCE, load_encoder
from sftdata.tokenizing.load import load_tokenizer
from sftdata.versioning.determinism import find_nondeterministic
from sftdata.versioning.lint import lint
from sftdata.versioning.releases import TemplatesFolder, load_template

FOLDER = bundled_root() / "templates"
IDS = sorted(p.relative_to(FOLDER).with_suffix("").as_posix() for p in FOLDER.glob("*/*.jinja"))


@pytest.fixture(params=IDS)
def template(request: pytest.FixtureRequest) -> Template:
    return load_template(f"{request.param}@draft")


def test_every_release_is_as_it_was_released() -> None:
    shelf = TemplatesFolder(FOLDER)
    assert [shelf.fault(release) for release in shelf.releases] == [None] * len(shelf.releases)


def spec_of(template: Template) -> Spec:
    spec = load_spec(task=template.id.partition("/")[0])
    assert isinstance(spec, Spec)
    return spec


def sample_rows(template: Template) -> list[dict[str, str]]:
    """The rows of the sample golden set of the template's task, by the names of their fields."""
    spec = spec_of(template)
    rows = []
    for name in spec.data:
        for line in (bundled_root() / "pipelines" / name).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            rows.append(
                {name: row[rule.path] for name, rule in spec.fields.items() if rule.path in row}
            )
    return rows


def test_there_are_templates_to_walk() -> None:
    assert "summarize/article" in IDS


def test_it_has_a_description_and_only_known_blocks(template: Template) -> None:
    assert template.description.endswith(".")
    assert {"prompt", "target"} <= set(template.blocks) <= set(BLOCK_NAMES)
    assert template.fields
    assert template.target_fields
    assert template.shorten is None or template.shorten not in template.target_fields


def test_the_spec_of_its_task_has_all_its_fields(template: Template) -> None:
    spec = spec_of(template)
    assert template.fields <= set(spec.fields)


def test_the_source_is_clean_text(template: Template) -> None:
    path: Path = FOLDER / f"{template.id}.jinja"
    source = path.read_bytes().decode("utf-8")
    assert source == template.source
    assert source.isprintable() or set(source) <= {c for c in source if c.isprintable()} | {"\n"}
    assert not any(line != line.rstrip() for line in source.split("\n"))


def test_each_sample_row_has_a_clean_seam(template: Template) -> None:
    for row in sample_rows(template):
        prompt, target = render_row(template, row)
        if template.has_any_seam:
            assert (prompt, target) == (row["prompt"], row["completion"])
            continue
        assert prompt.endswith("\n")
        assert not prompt.endswith("\n\n")
        assert target == target.strip()
        assert target


def test_lint_has_nothing_to_say(template: Template) -> None:
    assert lint(template) == []


def test_it_renders_alike_in_every_process(template: Template) -> None:
    assert find_nondeterministic([template]) == []


def test_the_boundary_is_stable_on_the_bundled_tokenizer(template: Template) -> None:
    check_boundary(template, "tokenizers/small")


@pytest.mark.real
@pytest.mark.parametrize("name", REAL_TOKENIZERS)
def test_the_boundary_is_stable_on_real_tokenizers(
    template: Template, name: str, shared: Path
) -> None:
    check_boundary(template, str(shared / "tokenizers" / name))


def check_boundary(template: Template, tokenizer: str) -> None:
    """On every sample row, encoding prompt and target at once gives the ids encoded apart."""
    if template.has_any_seam:
        return  # the certificate of a build counts the rows whose boundary merges
    encoder = load_encoder(load_tokenizer(tokenizer), REFERENCE)
    texts = [render_row(template, row) for row in sample_rows(template)]
    assert texts
    prompt, target, whole = (
        pa.array(column, pa.large_string())
        for column in ([p for p, _ in texts], [t for _, t in texts], [p + t for p, t in texts])
    )
    equal = joined_equal(
        encoder.encode_prompts(prompt),
        encoder.encode_targets(target),
        encoder.encode_prompts(whole),
    )
    assert equal.all()


def test_it_renders_as_reviewed(template: Template, snapshot: SnapshotAssertion) -> None:
    row = {name: f"[the {name}]" for name in template.fields}
    blocks = {name: template.render_block(name, row) for name in BLOCK_NAMES}
    assert blocks == snapshot
