"""Parsers of templates, chat templates, the lock and imported templates."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from shutil import rmtree
from typing import Any

from sftdata.errors import SftdataError
from sftdata.rendering.template import parse_template
from sftdata.tokenizing.chat.template import ChatTemplate, RefusedError
from sftdata.versioning.importers import Collection, import_templates
from sftdata.versioning.lockfile import Release, parse_lock
from support.mutated import to_toml
from support.parsers.parser import Parser, encode_toml
from support.releases import LOCK, release_edits

FRONT = {"description": "Short.", "shorten": "article", "seam": "any"}
BODY = (
    "{% block system %}{{ a | trim }}{% endblock %}\n"
    "{% block prompt %}\n{% for x in article.split() if x %}{{ loop.index }}{{ x }}{% endfor %}\n"
    "{% endblock %}\n{% block target %}\n{{ summary if a is defined else '' }}\n{%- endblock %}\n"
)
CHATML = """\
{%- if tools %}{{ tools | tojson(indent=2) }}{% endif %}
{%- for message in messages %}
    {%- set content = message['content'] if message.content is string else '' %}
    {{- '<|im_start|>' + message.role + '\\n' + content | trim }}
    {%- for call in message.tool_calls or [] %}{{ call.function.arguments | tojson }}{% endfor %}
    {{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
"""
RELEASE = {
    "id": "t/t", "version": "1.0.0", "previous": "", "bump": "first", "rules": ["x"],
    "source_sha256": "0" * 64, "semantics_sha256": "0" * 64, "behaviour_sha256": "0" * 64,
    "fields": ["a"], "target_fields": ["a"], "shorten": "", "includes": ["part"],
}  # fmt: skip
PROMPTSOURCE = b"""\
dataset: ag_news
subset: null
templates:
  24e44a81: !Template
    answer_choices: World ||| Sports
    id: 24e44a81
    jinja: "What is {{text}} about?\\n|||\\n{{answer_choices[label]}}"
    metadata: !TemplateMetadata {languages: [en], metrics: [Accuracy], original_task: true}
    name: classify
    reference: ''
"""
FLAN = b'PATTERNS = {"rte": [("{premise}\\n\\nTrue?", "{answer}"), ("{a}", "{b}")]}\n'


def _template() -> Parser:
    def read(data: bytes) -> None:
        template = parse_template("t/t", data.decode(errors="replace"))
        assert len(template.source_sha256 + template.semantics_sha256) == 128
        template.render_block("prompt", {"article": "a b", "summary": "s", "a": ""})

    def encode(front: dict[str, Any]) -> bytes:
        return b"{# " + encode_toml(front) + b"#}\n" + BODY.encode()

    return Parser(read, [FRONT], encode, [f"{{##}}{BODY}".encode()])


def _chat_template() -> Parser:
    turns = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]

    def read(data: bytes) -> None:
        source = data.decode(errors="replace")
        template = ChatTemplate(source, "made", {"eos_token": "</s>"}, {}, date(2026, 1, 31))
        _ = template.uses_date
        template.check_options()
        with suppress(RefusedError):
            template.render(turns, tools=[{"type": "function"}], generate=True)

    return Parser(read, files=[CHATML.encode()])


def _lock() -> Parser:
    def read(data: bytes) -> None:
        text = _with_seals(data.decode(errors="replace"))
        for release in parse_lock(text, LOCK):
            assert release.number

    def encode(entry: dict[str, Any]) -> bytes:
        return encode_toml({f"{entry.get('id')}@{entry.get('version')}": entry})

    release_edits(("Article", "Text"), ("Text", "News"))
    return Parser(read, [RELEASE], encode, [LOCK.read_bytes()])


def _with_seals(text: str) -> str:
    """The lock with the right seal in each of its entries that can have one."""
    with suppress(ValueError, TypeError, RecursionError):
        entries = tomllib.loads(text)
        for entry in entries.values():
            values = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
            values.pop("seal", None)
            entry["seal"] = Release(**values).seal
        return to_toml(entries)
    return text


def _imported_templates() -> Parser:
    kinds: dict[str, Collection] = {"a.yaml": "promptsource", "a.py": "flan", "a.json": "flan"}

    def read(data: bytes) -> None:
        """Reads the file as each kind; it may be of one of them."""
        refusals = []
        for name, collection in kinds.items():
            rmtree("templates", ignore_errors=True)
            Path(name).write_bytes(data)
            try:
                import_templates(collection, Path(name))
            except SftdataError as error:
                refusals.append(error)
        if len(refusals) == len(kinds):
            raise refusals[0]

    return Parser(read, [{"rte": [["{premise} True?", "{answer}"]]}], files=[PROMPTSOURCE, FLAN])


PARSERS: dict[str, Callable[[], Parser]] = {
    "template": _template,
    "chat-template": _chat_template,
    "lock": _lock,
    "imported-templates": _imported_templates,
}
