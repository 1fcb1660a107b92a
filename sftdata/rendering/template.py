"""A template: three blocks of text with fields, read from `templates/<task>/<name>.jinja`.

The blocks are parsed once. What fields they need comes from the syntax tree, so a missing column
is found before the first row; a block of text and bare `{{ field }}` keeps its parts, so it can be
rendered by column.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import nodes

from sftdata.base.limits.budget import limited
from sftdata.base.pickling import PicklesFieldsOnly
from sftdata.base.toml import parse_toml
from sftdata.base.typed_text import FieldType
from sftdata.errors import TemplateError
from sftdata.rendering.blocks import (
    BLOCK_NAMES,
    Block,
    Field,
    check_names,
    read_blocks,
    read_included,
)
from sftdata.rendering.compiled.compiler import CompiledBlock, compile_block
from sftdata.rendering.sandbox import MAX_RENDERED_CHARS, TemplateEnvironment
from sftdata.rendering.semantics import semantics_digest
from sftdata.rendering.source import MAX_SOURCE_BYTES, canonical

__all__ = ["BLOCK_NAMES", "DRAFT", "Block", "Field", "Template", "parse_template"]

DRAFT = "draft"

# Errors that a template can cause. Any other error is a bug of ours.
_TEMPLATE_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    NameError,  # Jinja writes 1e400 as Python's `inf`, which is no name there
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
)


_ANY = "any"
_MAX_MESSAGE = 500  # characters: an error may quote a text of any length
_MAX_METADATA = 8192  # characters: reading a key of many parts takes quadratic time


@dataclass(frozen=True)
class Template(PicklesFieldsOnly):
    """A parsed template. `id` is `<task>/<name>`; `version` is "draft" until it is released."""

    id: str
    version: str
    source: str  # canonical, see template_source
    description: str
    shorten: str | None  # the one field that may be cut to fit max_length
    metadata: Mapping[str, Any]  # the whole first comment
    blocks: Mapping[str, Block]
    root: Path | None  # the templates root, for includes
    note: str | None = None  # for the user who builds with it
    types: Mapping[str, FieldType] = field(default_factory=dict)  # of fields that are not text
    is_compiled: bool = True  # whether blocks are compiled where that is possible

    @property
    def label(self) -> str:
        """`id@version`, as the shards' `template` column and the manifest write it."""
        return f"{self.id}@{self.version}"

    @property
    def is_draft(self) -> bool:
        """Whether this text of the template is not a release."""
        return self.version == DRAFT

    @property
    def has_any_seam(self) -> bool:
        """Whether prompt and target meet as the data do, without a newline between them."""
        return self.metadata.get("seam") == _ANY

    def with_types(self, types: Mapping[str, FieldType]) -> Template:
        """The template for rows whose fields have these types; the others are text."""
        read = {name: type_ for name, type_ in types.items() if name in self.fields}
        return replace(self, types=read) if read != self.types else self

    def without_shortcuts(self) -> Template:
        """The template whose rows are all rendered by Jinja, one by one: the slow, plain way."""
        blocks = {name: replace(block, parts=None) for name, block in self.blocks.items()}
        return replace(self, blocks=blocks, is_compiled=False)

    @cached_property
    def included(self) -> Mapping[str, str]:
        """Canonical texts of the files it includes or imports, by the name it uses for them."""
        environment = TemplateEnvironment(self.root)
        return read_included(self.id, environment, environment.parse(self.source))

    @cached_property
    def source_sha256(self) -> str:
        """Digest of the template's canonical text and of every file it includes or imports."""
        digest = hashlib.sha256(self.source.encode("utf-8"))
        for name, text in sorted(self.included.items()):
            digest.update(f"\0{name}\0{text}".encode())
        return digest.hexdigest()

    @cached_property
    def semantics_sha256(self) -> str:
        """Digest of what the template does, without comments, spelling, id and version.

        Templates that share it render every row alike and shorten the same field.
        """
        environment = TemplateEnvironment(self.root)
        tree = environment.parse(self.source)
        blocks = {node.name: node for node in tree.body if isinstance(node, nodes.Block)}
        included = {name: environment.parse(text) for name, text in self.included.items()}
        return semantics_digest(blocks, included, self.shorten)

    @property
    def fields(self) -> frozenset[str]:
        """Every field the template reads."""
        return frozenset().union(*(block.fields for block in self.blocks.values()))

    @property
    def system_fields(self) -> frozenset[str]:
        """The fields that the system text depends on."""
        return self.blocks["system"].fields if "system" in self.blocks else frozenset()

    @property
    def target_fields(self) -> frozenset[str]:
        """The fields that reach the target."""
        return self.blocks["target"].fields

    @cached_property
    def _jinja_template(self) -> jinja2.Template:
        return TemplateEnvironment(self.root).from_string(self.source)

    @cached_property
    def _compiled_blocks(self) -> Mapping[str, CompiledBlock | None]:
        """The compiled function of each block; None where only Jinja can render it."""
        if not self.is_compiled:
            return dict.fromkeys(self.blocks)
        tree = TemplateEnvironment(self.root).parse(self.source)
        return {
            block.name: compile_block(block.body, self.blocks[block.name].fields, self.types)
            for block in tree.find_all(nodes.Block)
            if block.name in self.blocks
        }

    def render_block(self, name: str, row: Mapping[str, Any]) -> str:
        """Text of the block `name` for one row; "" where the template has no such block.

        Raises `TemplateError` when the template fails on the row or costs more than it may.
        """
        if name not in self.blocks:
            return ""
        compiled = self._compiled_blocks[name]
        if compiled is not None:
            try:
                text = compiled(row)
            except _TEMPLATE_FAULTS:
                text = None
            if text is not None and len(text) <= MAX_RENDERED_CHARS:
                return text
        return self._render_with_jinja(name, row)

    def _render_with_jinja(self, name: str, row: Mapping[str, Any]) -> str:
        pieces: list[str] = []
        size = 0
        try:
            with limited(row):
                for piece in self._jinja_template.blocks[name](
                    self._jinja_template.new_context(dict(row))
                ):
                    size += len(piece)
                    if size > MAX_RENDERED_CHARS:
                        raise TemplateError(
                            f"Template '{self.id}': the {name} block renders to more than "
                            f"{MAX_RENDERED_CHARS:,} characters.",
                            "Look for a loop that multiplies text.",
                            rule="LINT_RENDER",
                        )
                    pieces.append(piece)
        except (*_TEMPLATE_FAULTS, jinja2.TemplateError) as error:
            what = (str(error) or type(error).__name__)[:_MAX_MESSAGE]
            raise TemplateError(
                f"Template '{self.id}': the {name} block fails: {what}",
                rule=getattr(error, "rule", "LINT_RENDER"),
            ) from error
        return "".join(pieces)


def parse_template(
    template_id: str, source: str, *, version: str = DRAFT, root: Path | None = None
) -> Template:
    """The template in `source`, checked against the rules of the format.

    Raises `TemplateError` with the line for a syntax error, text outside the blocks, a missing
    block, metadata that is not TOML, or a prompt that does not end with exactly one newline.
    """
    source = canonical(source)
    if len(source) > MAX_SOURCE_BYTES:
        raise TemplateError(f"Template '{template_id}': more than {MAX_SOURCE_BYTES:,} characters.")
    metadata = _metadata(template_id, source)
    environment = TemplateEnvironment(root)
    with _explain_faults(template_id, root):
        tree = environment.parse(source)
        environment.from_string(tree)  # finds what parsing does not
        check_names(environment, tree)
        blocks = read_blocks(template_id, environment, tree)
    for name in ("prompt", "target"):
        if name not in blocks:
            raise TemplateError(
                f"Template '{template_id}' has no block '{name}'.",
                f"Add it: {{% block {name} %}} … {{% endblock %}}",
                rule="LINT_NO_BLOCK",
            )
    template = Template(
        id=template_id,
        version=version,
        source=source,
        description=str(metadata.get("description", "")),
        shorten=metadata.get("shorten"),
        metadata=metadata,
        blocks=blocks,
        root=root,
    )
    _check_shorten(template)
    _check_seam(template)
    return template


@contextmanager
def _explain_faults(template_id: str, root: Path | None) -> Iterator[None]:
    """Turns errors of Jinja and Python on a bad source into one that names template and line."""
    name = f"Template '{template_id}'"
    try:
        yield
    except jinja2.TemplateSyntaxError as error:
        where = f"{error.name}, line {error.lineno}" if error.name else f"line {error.lineno}"
        raise TemplateError(
            f"{name}, {where}: {error.message}",
            "Fields stand in {{ field }}, logic in {% if … %} … {% endif %}; each filter and test "
            "is one of Jinja's.",
        ) from error
    except jinja2.TemplateNotFound as error:
        raise TemplateError(
            f"{name} includes '{error.name}', which is not in its root.",
            f"Only files under {root} can be included." if root else "It has no templates root.",
            rule="LINT_INCLUDE",
        ) from error
    except (RecursionError, MemoryError) as error:
        raise TemplateError(f"{name} is nested too deeply.") from error
    # Too many loops or digits; constants that Jinja folds and that are undefined: 'x'[5] and 1.
    except (SyntaxError, ValueError, OverflowError, jinja2.TemplateError) as error:
        raise TemplateError(f"{name} cannot be compiled: {error}") from error


def _metadata(template_id: str, source: str) -> dict[str, Any]:
    start = source.lstrip()
    if not start.startswith("{#"):
        return {}
    text = start[2:].partition("#}")[0].strip("-+")
    if len(text) > _MAX_METADATA:
        raise TemplateError(
            f"Template '{template_id}': its first comment has {len(text):,} characters; at most "
            f"{_MAX_METADATA:,} are read as metadata.",
            "Put prose in a second comment.",
            rule="LINT_METADATA",
        )
    try:
        return parse_toml(text)
    except ValueError as error:
        raise TemplateError(
            f"Template '{template_id}': its first comment is not TOML: {error}",
            'Write metadata as key = "value", or put prose in a second comment.',
            rule="LINT_METADATA",
        ) from error


def _check_shorten(template: Template) -> None:
    prompt_fields = template.blocks["prompt"].fields
    if template.shorten is None or (
        isinstance(template.shorten, str)  # metadata can hold anything
        and template.shorten in prompt_fields - template.target_fields
    ):
        return
    raise TemplateError(
        f"Template '{template.id}': shorten = {json.dumps(template.shorten, default=str)}, which "
        "is not a field of the prompt alone.",
        f"The prompt reads: {', '.join(sorted(prompt_fields)) or 'no field'}.",
        rule="LINT_SHORTEN",
    )


def _check_seam(template: Template) -> None:
    """The prompt's last characters are part of every token boundary: one newline, no space.

    Measured on six tokenizers, one trailing newline keeps the prompt's ids a prefix of the whole
    text's on all of them, and a trailing space on none. `seam = "any"` leaves both texts alone.
    """
    if template.metadata.get("seam", _ANY) != _ANY:
        raise TemplateError(
            f"Template '{template.id}': seam = {json.dumps(template.metadata['seam'], default=str)}"
            f"; it can only be '{_ANY}'.",
            "Remove it: then the prompt ends with exactly one newline.",
            rule="LINT_METADATA",
        )
    if template.has_any_seam:
        return
    tail = template.blocks["prompt"].tail
    if tail is not None and (not tail.endswith("\n") or tail.endswith("\n\n")):
        raise TemplateError(
            f"Template '{template.id}': the prompt must end with exactly one newline.",
            "Put {% endblock %} on a line of its own after the prompt's last line.",
            rule="LINT_PROMPT_END",
        )
    head = template.blocks["target"].head
    if head is not None and head[:1].isspace():
        raise TemplateError(
            f"Template '{template.id}': the target starts with white space.",
            "Start the target block with a visible character.",
            rule="LINT_TARGET_START",
        )
