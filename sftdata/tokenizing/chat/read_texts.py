"""Which contents a chat template shows without reading them.

A template may look for texts in a content (`'</think>' in message.content`) and then show it in
another way. These texts stand in its source, in comparisons and in the arguments of methods and
filters. A content without them is shown like any other content.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import jinja2
from jinja2 import nodes

from sftdata.tokenizing.chat.environment import chat_environment

# Arguments of these are no texts to look for in a content.
_FUNCTIONS = {"raise_exception", "strftime_now", "namespace", "dict", "range"}
_FILTERS = {"selectattr", "rejectattr", "map", "default", "d", "tojson", "join", "indent"}
_STRIPS = {"strip", "lstrip", "rstrip", "trim"}


@dataclass(frozen=True)
class ReadTexts:
    """The texts that a template looks for: inside a content, and as a whole content."""

    within: tuple[str, ...]
    whole: frozenset[str]

    @classmethod
    def of(cls, source: str) -> ReadTexts:
        """The texts that the template `source` looks for; all of its texts if in doubt."""
        try:
            tree = chat_environment().parse(source)
        except jinja2.TemplateError:
            return cls((), frozenset())
        within = {text for text in _find_within(tree) if text}
        whole = {
            const.value
            for compare in tree.find_all(nodes.Compare)
            for const in compare.find_all(nodes.Const)
            if isinstance(const.value, str)
        }
        shortest_first = sorted(within, key=lambda text: (len(text), text))
        minimal: list[str] = []
        for text in shortest_first:
            if not any(other in text for other in minimal):
                minimal.append(text)
        return cls(tuple(minimal), frozenset(whole))

    def are_not_in(self, content: str) -> bool:
        """Whether the template shows the content unread: it has text and no space around it."""
        return (
            bool(content)
            and not content[0].isspace()
            and not content[-1].isspace()
            and content not in self.whole
            and not any(text in content for text in self.within)
        )


def _find_within(tree: nodes.Template) -> Iterator[str]:
    for compare in tree.find_all(nodes.Compare):
        if any(operand.op in ("in", "notin") for operand in compare.ops):
            yield from _texts(compare.expr)
    for call in tree.find_all(nodes.Call):
        name = call.node.name if isinstance(call.node, nodes.Name) else None
        method = call.node.attr if isinstance(call.node, nodes.Getattr) else None
        if name in _FUNCTIONS or method == "get":
            continue
        found = [text for arg in call.args for text in _texts(arg)]
        yield from (text for text in found if method not in _STRIPS or text.strip())
    for kind in (nodes.Filter, nodes.Test):
        for node in tree.find_all(kind):
            if node.name not in _FILTERS:
                found = [text for arg in node.args for text in _texts(arg)]
                yield from (text for text in found if node.name not in _STRIPS or text.strip())


def _texts(node: nodes.Node) -> Iterator[str]:
    consts = [node] if isinstance(node, nodes.Const) else node.find_all(nodes.Const)
    for const in consts:
        if isinstance(const.value, str):
            yield const.value
