"""A template: three blocks of text with fields, read from `templates/<task>/<name>.jinja`.

The blocks are parsed once. What fields they need comes from the syntax tree, so a missing column
is found before the first row; a block of text and bare `{{ field }}` keeps its parts, so it can be
rendered by column.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import meta, nodes

from sftdata.content import content_folders, find_content, list_content
from sftdata.errors import TemplateError, did_you_mean
from sftdata.sandbox import MAX_RENDERED_CHARS, TemplateEnvironment

BLOCK_NAMES = ("system", "prompt", "target")
# What a template can do to itself; anything else that is raised is a fault of ours.
_FAULTS_OF_A_TEMPLATE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Field:
    """A bare `{{ name }}` in a block."""

    name: str


@dataclass(frozen=True)
class Block:
    """One block of a template.

    `parts` is the whole block when it is only text and bare fields, else None: then Jinja renders
    it row by row.
    """

    name: str
    fields: frozenset[str]
    parts: tuple[str | Field, ...] | None
    head: str | None  # the literal text it starts with, "" for a field; None where not known
    tail: str | None  # the same for its end


@dataclass(frozen=True)
class Template:
    """A parsed template. `id` is `<task>/<name>`; `version` is "draft" until it is released."""

    id: str
    version: str
    source: str
    description: str
    shorten: str | None  # the one field that may be cut to fit max_length
    blocks: Mapping[str, Block]
    root: Path | None  # the templates root, for includes

    @property
    def label(self) -> str:
        """`id@version`, as the shards' `template` column and the manifest write it."""
        return f"{self.id}@{self.version}"

    @property
    def is_draft(self) -> bool:
        """Whether the template was never released."""
        return self.version == "draft"

    @cached_property
    def source_sha256(self) -> str:
        """Digest of the template's text and of every file it includes or imports."""
        environment = TemplateEnvironment(self.root)
        digest = hashlib.sha256(self.source.encode("utf-8"))
        included = _included(self.id, environment, environment.parse(self.source))
        for name, text in sorted(included.items()):
            digest.update(f"\0{name}\0{text}".encode())
        return digest.hexdigest()

    @property
    def semantics_sha256(self) -> str:
        """Digest of what decides the text of every row."""
        return self.source_sha256

    @property
    def fields(self) -> frozenset[str]:
        """Every field the template reads."""
        return frozenset().union(*(block.fields for block in self.blocks.values()))

    @property
    def target_fields(self) -> frozenset[str]:
        """The fields that reach the target."""
        return self.blocks["target"].fields

    @cached_property
    def _compiled(self) -> jinja2.Template:
        return TemplateEnvironment(self.root).from_string(self.source)

    def render_block(self, name: str, row: Mapping[str, Any]) -> str:
        """Text of the block `name` for one row; "" where the template has no such block.

        Raises `TemplateError` when the template fails on the row or its output passes the limit.
        """
        if name not in self.blocks:
            return ""
        pieces: list[str] = []
        size = 0
        try:
            for piece in self._compiled.blocks[name](self._compiled.new_context(dict(row))):
                size += len(piece)
                if size > MAX_RENDERED_CHARS:
                    raise TemplateError(
                        f"Template '{self.id}': the {name} block renders to more than "
                        f"{MAX_RENDERED_CHARS:,} characters.",
                        "Look for a loop that multiplies text.",
                    )
                pieces.append(piece)
        except (*_FAULTS_OF_A_TEMPLATE, jinja2.TemplateError) as error:
            what = str(error) or type(error).__name__
            raise TemplateError(f"Template '{self.id}': the {name} block fails: {what}") from error
        return "".join(pieces)


def parse_template(
    template_id: str, source: str, *, version: str = "draft", root: Path | None = None
) -> Template:
    """The template in `source`, checked against the rules of the format.

    Raises `TemplateError` with the line for a syntax error, text outside the blocks, a missing
    block, metadata that is not TOML, or a prompt that does not end with exactly one newline.
    """
    metadata = _metadata(template_id, source)
    environment = TemplateEnvironment(root)
    try:
        tree = environment.parse(source)
        environment.from_string(source)  # finds what parsing does not
        _check_names(environment, tree)
        blocks = _blocks(template_id, environment, tree)
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(f"Template '{template_id}', line {error.lineno}: {error}") from error
    except jinja2.TemplateNotFound as error:
        raise TemplateError(
            f"Template '{template_id}' includes '{error.name}', which is not in its root.",
            f"Only files under {root} can be included." if root else "It has no templates root.",
        ) from error
    except RecursionError as error:
        raise TemplateError(f"Template '{template_id}' is nested too deeply.") from error
    for name in ("prompt", "target"):
        if name not in blocks:
            raise TemplateError(
                f"Template '{template_id}' has no block '{name}'.",
                f"Add it: {{% block {name} %}} … {{% endblock %}}",
            )
    template = Template(
        id=template_id,
        version=version,
        source=source,
        description=str(metadata.get("description", "")),
        shorten=metadata.get("shorten"),
        blocks=blocks,
        root=root,
    )
    _check_shorten(template)
    _check_seam(template)
    return template


def load_template(template_id: str) -> Template:
    """The working copy of `<task>/<name>` in the user's templates, or else the bundled one."""
    path = find_content("templates", f"{template_id}.jinja")
    if path is None:
        known = list_content("templates", "*/*.jinja")
        raise TemplateError(
            f"There is no template '{template_id}'.", did_you_mean(template_id, known)
        )
    root = next(f for f in content_folders("templates") if path.is_relative_to(f))
    try:
        source = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise TemplateError(f"{path}: not UTF-8 at byte {error.start}.") from error
    return parse_template(template_id, source, root=root)


def _metadata(template_id: str, source: str) -> dict[str, Any]:
    start = source.lstrip()
    if not start.startswith("{#"):
        return {}
    text = start[2:].partition("#}")[0].strip("-+")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TemplateError(
            f"Template '{template_id}': its first comment is not TOML: {error}",
            'Write metadata as key = "value", or put prose in a second comment.',
        ) from error


def _is_blank(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Output) and all(
        isinstance(part, nodes.TemplateData) and not part.data.strip() for part in node.nodes
    )


def _blocks(
    template_id: str, environment: TemplateEnvironment, tree: nodes.Template
) -> dict[str, Block]:
    blocks: dict[str, Block] = {}
    for node in tree.body:
        if isinstance(node, nodes.Block) and node.name in BLOCK_NAMES:
            body = nodes.Template(node.body, lineno=node.lineno)
            body.set_environment(environment)
            blocks[node.name] = Block(
                name=node.name,
                fields=_fields(template_id, environment, body),
                parts=_plain_parts(node),
                head=_literal(node, 0),
                tail=_literal(node, -1),
            )
        elif not _is_blank(node):
            raise TemplateError(
                f"Template '{template_id}', line {node.lineno}: something stands outside the "
                f"blocks {', '.join(BLOCK_NAMES)}; it would not reach the model.",
                "Move it into a block.",
            )
    return blocks


def _check_names(environment: TemplateEnvironment, tree: nodes.Template) -> None:
    """Unknown filters and tests; in a branch, Jinja finds them only when that is rendered."""
    for kind, known in ((nodes.Filter, environment.filters), (nodes.Test, environment.tests)):
        for node in tree.find_all(kind):
            if node.name not in known:
                what = kind.__name__.lower()
                raise jinja2.TemplateSyntaxError(f"No {what} named '{node.name}'.", node.lineno)


def _literal(block: nodes.Block, at: int) -> str | None:
    """The literal text at the start (0) or the end (-1) of a block."""
    output = block.body[at] if block.body else None
    if not isinstance(output, nodes.Output) or not output.nodes:
        return None if block.body else ""
    part = output.nodes[at]
    return part.data if isinstance(part, nodes.TemplateData) else ""


def _fields(
    template_id: str, environment: TemplateEnvironment, tree: nodes.Template
) -> frozenset[str]:
    """Names the tree and what it includes read and do not set themselves."""
    included = _included(template_id, environment, tree).values()
    names: set[str] = set()
    for part in (tree, *map(environment.parse, included)):
        names |= meta.find_undeclared_variables(part)
        # Jinja's own functions are declared; one that is not called is a field of that name.
        called = {id(call.node) for call in part.find_all(nodes.Call)}
        read = [n for n in part.find_all(nodes.Name) if n.ctx == "load" and id(n) not in called]
        names |= {n.name for n in read} & environment.globals.keys()
    return frozenset(names)


def _included(
    template_id: str, environment: TemplateEnvironment, tree: nodes.Template
) -> dict[str, str]:
    """Texts of the files the tree includes or imports, directly or through another, by name."""
    found: dict[str, str] = {}
    waiting = [tree]
    while waiting:
        for name in meta.find_referenced_templates(waiting.pop()):
            if name is None:
                raise TemplateError(
                    f"Template '{template_id}' includes a file whose name is computed.",
                    "Write the name as a literal, so that its text is part of the digest.",
                )
            if name not in found:
                if environment.loader is None:
                    raise jinja2.TemplateNotFound(name)
                found[name] = environment.loader.get_source(environment, name)[0]
                waiting.append(environment.parse(found[name]))
    return found


def _plain_parts(block: nodes.Block) -> tuple[str | Field, ...] | None:
    parts: list[str | Field] = []
    for node in block.body:
        if not isinstance(node, nodes.Output):
            return None
        for part in node.nodes:
            if isinstance(part, nodes.TemplateData):
                parts.append(part.data)
            elif isinstance(part, nodes.Name):
                parts.append(Field(part.name))
            else:
                return None
    return tuple(parts)


def _check_shorten(template: Template) -> None:
    prompt_fields = template.blocks["prompt"].fields
    if template.shorten is None or (
        isinstance(template.shorten, str)  # metadata can hold anything
        and template.shorten in prompt_fields - template.target_fields
    ):
        return
    raise TemplateError(
        f"Template '{template.id}': shorten = {json.dumps(template.shorten)}, which is not a field "
        "of the prompt alone.",
        f"The prompt reads: {', '.join(sorted(prompt_fields)) or 'no field'}.",
    )


def _check_seam(template: Template) -> None:
    """The prompt's last characters are part of every token boundary: one newline, no space.

    Measured on six tokenizers, one trailing newline keeps the prompt's ids a prefix of the whole
    text's on all of them, and a trailing space on none.
    """
    tail = template.blocks["prompt"].tail
    if tail is not None and (not tail.endswith("\n") or tail.endswith("\n\n")):
        raise TemplateError(
            f"Template '{template.id}': the prompt must end with exactly one newline.",
            "Put {% endblock %} on a line of its own after the prompt's last line.",
        )
    head = template.blocks["target"].head
    if head is not None and head[:1].isspace():
        raise TemplateError(
            f"Template '{template.id}': the target starts with white space.",
            "Start the target block with a visible character.",
        )
