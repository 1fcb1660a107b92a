"""Compile a block that works on text alone to one Python function.

Jinja asks the sandbox at every attribute, call and filter, because a value could have any type, and
counts the cost of each. If the syntax tree shows the kind of every value (a field is a text or a
number, the result of `split` a list of texts), nothing has to be asked, and the highest possible
cost of a loop is paid before its first turn. Jinja renders all other blocks, and each row that
might cost too much.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from jinja2 import nodes

from sftdata.base.limits.budget import STEP, allowance
from sftdata.base.limits.metering import price_of_nodes
from sftdata.base.typed_text import FieldType
from sftdata.rendering.compiled.expressions import ExpressionCompiler
from sftdata.rendering.compiled.operations import FUNCTIONS
from sftdata.rendering.compiled.values import (
    LISTS,
    PRINTED,
    Kind,
    NotCompilableError,
    sum_code,
    times,
)

# From the fields of a row to the text of the block, or None where Jinja has to render it.
CompiledBlock = Callable[[Mapping[str, Any]], str | None]


_CLASSES = {"text": str, "int": int, "float": float, "bool": bool}


def compile_block(
    body: Sequence[nodes.Node],
    fields: Iterable[str],
    types: Mapping[str, FieldType] | None = None,
) -> CompiledBlock | None:
    """The function of a block with this body that reads `fields`; None where Jinja must render it.

    Fields that are not in `types` are text. Where the function raises an error, Jinja renders
    the block again and names the fault.
    """
    names, types = sorted(fields), types or {}
    classes = [_CLASSES[types.get(name, "text")] for name in names]
    compiler = _BlockCompiler(names, types)
    try:
        code = compile(compiler.function(body), "<template>", "exec")
    except (NotCompilableError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    builtins = {"len": len, "str": str, "list": list, "enumerate": enumerate}
    namespace = {"__builtins__": builtins, "join": "".join, **FUNCTIONS, **compiler.constants}
    exec(code, namespace)
    function: Callable[..., str | None] = namespace["render"]

    def render(row: Mapping[str, Any]) -> str | None:
        values = [row.get(name) for name in names]
        fits = all(type(v) is class_ for v, class_ in zip(values, classes, strict=True))
        return function(*values, allowance(row)) if fits else None

    return render


class _BlockCompiler(ExpressionCompiler):
    """Compiles the statements of a block: each visitor adds lines of Python code."""

    def __init__(self, fields: Sequence[str], types: Mapping[str, FieldType]) -> None:
        super().__init__(fields, types)
        self._arguments = [value.code for value in self._names.values()]
        self._lines: list[str] = []
        self._indent = 1
        self._pieces: list[str] = []  # of what is printed next, for an f-string

    def function(self, body: Sequence[nodes.Node]) -> str:
        """Source of a function of the fields, in order, and the limit of its price."""
        self._statements(body)
        head = [
            f"def render({', '.join([*self._arguments, 'limit'])}):",
            f"    price = {sum_code(self._price)}",
            "    if price > limit: return None",
            "    out = []",
            "    add = out.append",
        ]
        return "\n".join([*head, *self._lines, "    return join(out)"])

    def _statements(self, body: Sequence[nodes.Node]) -> None:
        for node in body:
            if not isinstance(node, nodes.Output):
                self._print()
            self.visit(node)
        self._print()

    def _print(self) -> None:
        if self._pieces:
            self._add(f"add(f'{''.join(self._pieces)}')")
            self._pieces = []

    def _add(self, line: str) -> None:
        self._lines.append("    " * self._indent + line)

    @contextmanager
    def _indented(self, head: str) -> Iterator[None]:
        self._add(head)
        self._indent += 1
        self._add("pass")
        yield
        self._indent -= 1

    def visit_Output(self, node: nodes.Output) -> None:  # noqa: N802 - named by the node
        """Literal text, and expressions that are printed."""
        for part in node.nodes:
            if isinstance(part, nodes.TemplateData):
                self._pieces.append(f"{{{self._constant(part.data)}}}")
                continue
            if isinstance(part, nodes.CondExpr) and part.expr2 is None:  # prints nothing
                part = nodes.CondExpr(part.test, part.expr1, nodes.Const(""))
            self._pieces.append(f"{{({self._paid(self._one_of(PRINTED, part)).code})}}")

    def visit_If(self, node: nodes.If) -> None:  # noqa: N802
        """Branches. All are paid for."""
        self._branch(f"if {self._condition(node.test)}:", node.body)
        for other in node.elif_:
            self._branch(f"elif {self._condition(other.test)}:", other.body)
        if node.else_:
            self._branch("else:", node.else_)

    def _branch(self, head: str, body: Sequence[nodes.Node]) -> None:
        names = dict(self._names)
        with self._indented(head):
            self._statements(body)
        if self._names != names:
            raise NotCompilableError("a name that is set in some rows only")

    def visit_Assign(self, node: nodes.Assign) -> None:  # noqa: N802
        """A new name. Setting one again depends on Jinja's scopes, so Jinja does it."""
        if not isinstance(node.target, nodes.Name) or node.target.name in (*self._names, "loop"):
            raise NotCompilableError("Assign")
        value = self._one_of(PRINTED | {Kind.TEXTS}, node.node)
        variable = self._variable()
        self._add(f"{variable} = {value.code}")
        self._names[node.target.name] = replace(value, code=variable)

    def visit_For(self, node: nodes.For) -> None:  # noqa: N802
        """A loop over texts."""
        if node.recursive or not isinstance(node.target, nodes.Name) or node.target.name == "loop":
            raise NotCompilableError("For")
        given, items, index = self._one_of(LISTS, node.iter), self._variable(), self._variable()
        item = self._item()
        outside = self._names, self._price, self._lines, self._loop
        self._names = {**self._names, node.target.name: item}
        self._price, self._lines, self._loop = Counter(), [], None
        test = None if node.test is None else self._condition(node.test)
        self._loop = {"index": index, "items": items}
        self._loops += 1
        with self._indented(f"for {index}, {item.code} in enumerate({items}, 1):"):
            self._statements(node.body)
        self._loops -= 1
        parts = node.body if node.test is None else [*node.body, node.test]
        turn = self._price + Counter({"": 2 * STEP + price_of_nodes(parts)})
        body = self._lines
        self._names, self._price, self._lines, self._loop = outside
        self._add(f"{items} = {given.code}")
        on_items = times(given.size, turn.pop(item.code, 0))
        self._add(f"price += len({items}) * ({sum_code(turn)}) + {sum_code(on_items)}")
        self._add("if price > limit: return None")
        if test is not None:
            self._add(f"{items} = [{item.code} for {item.code} in {items} if {test}]")
        self._lines += body
        if node.else_:
            self._loop = None  # Jinja knows best which loop is meant there
            self._branch(f"if not {items}:", node.else_)
            self._loop = outside[-1]
