"""The Python code of a metered template, with the commonest prices written into it.

A call for each price would take longer than most operations. So ticks, and the look at a value
that costs nothing, stand in the code itself; the other prices are calls.
"""

from __future__ import annotations

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame

from sftdata.base.limits.budget import current_budget, exceed
from sftdata.base.limits.metering import PRINTED, TICK, WEIGH, weigh

__all__ = ["NUMBERS", "MeteredCode", "current_budget", "exceed", "weigh"]

NUMBERS = frozenset((int, bool, float))  # their length is checked where they are computed
_NAMES = ("NUMBERS", "current_budget", "exceed", "weigh")
# The test of a value that costs nothing. No name of a template is `held`: all have a prefix.
_IS_FREE = {WEIGH: "in NUMBERS", PRINTED: "is str"}


class MeteredCode(CodeGenerator):
    """Writes ticks, weighing and harmless sums without a call."""

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802
        """The module; the functions that its code calls come first."""
        self.writeline(f"from {__name__} import {', '.join(_NAMES)}")
        super().visit_Template(node, frame)

    def visit_ExprStmt(self, node: nodes.ExprStmt, frame: Frame) -> None:  # noqa: N802
        """A tick takes its price from the budget."""
        tick = node.node
        if not isinstance(tick, nodes.Filter) or tick.name != TICK:
            super().visit_ExprStmt(node, frame)
            return
        assert isinstance(tick.node, nodes.Const)
        self.writeline("held = current_budget()", node)
        self.writeline(f"held.left -= {tick.node.value}")
        self.writeline("if held.left < 0: exceed(held)")

    def visit_Filter(self, node: nodes.Filter, frame: Frame) -> None:  # noqa: N802
        """A price tag that looks at its value first."""
        test = _IS_FREE.get(node.name)
        if test is None or node.node is None:
            super().visit_Filter(node, frame)
            return
        self.write("(held if type(held := ")
        self.visit(node.node, frame)
        self.write(f") {test} else weigh(held))")

    def _visit_sum(self, node: nodes.Add | nodes.Sub, frame: Frame) -> None:
        """With a literal number, a sum is no text, and no longer by more than a digit at a time."""
        operands = (node.left, node.right)
        if not any(isinstance(o, nodes.Const) and type(o.value) is int for o in operands):
            getattr(super(), f"visit_{type(node).__name__}")(node, frame)
            return
        self.write("(")
        self.visit(node.left, frame)
        self.write(f" {node.operator} ")
        self.visit(node.right, frame)
        self.write(")")

    visit_Add = visit_Sub = _visit_sum  # type: ignore[assignment] # noqa: N815
