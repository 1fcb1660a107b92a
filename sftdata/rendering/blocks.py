"""Read a template's syntax tree: its blocks, their fields, and the files they include."""

from __future__ import annotations

from dataclasses import dataclass

import jinja2
from jinja2 import meta, nodes

from sftdata.errors import TemplateError
from sftdata.rendering.sandbox import TemplateEnvironment
from sftdata.rendering.source import MAX_SOURCE_BYTES

BLOCK_NAMES = ("system", "prompt", "target")


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
    line: int  # where it starts in the source


def _is_blank(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Output) and all(
        isinstance(part, nodes.TemplateData) and not part.data.strip() for part in node.nodes
    )


def read_blocks(
    template_id: str, environment: TemplateEnvironment, tree: nodes.Template
) -> dict[str, Block]:
    """The blocks of a template, by name.

    Raises `TemplateError` for anything that stands outside of them.
    """
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
                line=node.lineno,
            )
        elif not _is_blank(node):
            raise TemplateError(
                f"Template '{template_id}', line {node.lineno}: something stands outside the "
                f"blocks {', '.join(BLOCK_NAMES)}; it would not reach the model.",
                "Move it into a block.",
                rule="LINT_OUTSIDE_BLOCKS",
            )
    return blocks


def check_names(environment: TemplateEnvironment, tree: nodes.Template) -> None:
    """Unknown filters and tests, which Jinja finds in a branch only when that is rendered.

    And `self`: a block that prints another one would have its fields without reading them.
    """
    for kind, known in ((nodes.Filter, environment.filters), (nodes.Test, environment.tests)):
        for node in tree.find_all(kind):
            if node.name not in known:
                what = kind.__name__.lower()
                raise jinja2.TemplateSyntaxError(f"No {what} named '{node.name}'.", node.lineno)
    for name in tree.find_all(nodes.Name):
        if name.name == "self":
            raise jinja2.TemplateSyntaxError("A block cannot print another one.", name.lineno)


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
    """The names that the tree and its includes read and do not set themselves."""
    included = read_included(template_id, environment, tree).values()
    names: set[str] = set()
    for part in (tree, *map(environment.parse, included)):
        names |= meta.find_undeclared_variables(part)
        # Jinja's own functions are declared; one that is not called is a field of that name.
        called = {id(call.node) for call in part.find_all(nodes.Call)}
        read = [n for n in part.find_all(nodes.Name) if n.ctx == "load" and id(n) not in called]
        names |= {n.name for n in read} & environment.globals.keys()
    return frozenset(names)


def read_included(
    template_id: str, environment: TemplateEnvironment, tree: nodes.Template
) -> dict[str, str]:
    """Canonical texts of the files the tree includes or imports, also through another, by name."""
    found: dict[str, str] = {}
    waiting = [tree]
    while waiting:
        for name in meta.find_referenced_templates(waiting.pop()):
            if name is None:
                raise TemplateError(
                    f"Template '{template_id}' includes a file whose name is computed.",
                    "Write the name as a literal, so that its text is part of the digest.",
                    rule="LINT_INCLUDE",
                )
            if name not in found:
                if environment.loader is None:
                    raise jinja2.TemplateNotFound(name)
                found[name] = environment.loader.get_source(environment, name)[0]
                if sum(map(len, found.values())) > MAX_SOURCE_BYTES:
                    raise TemplateError(
                        f"Template '{template_id}' includes more than {MAX_SOURCE_BYTES:,} "
                        "characters.",
                        "Put text that belongs to the rows into the golden set.",
                        rule="LINT_INCLUDE",
                    )
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
