"""Does a template give the same text in every run? Two processes with other hash seeds say it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from sftdata.errors import SftdataError
from sftdata.rendering.template import Template
from sftdata.versioning.findings import TemplateFinding

_SEEDS = ("1", "20")
_SECONDS = 60
_PROGRAM = "from sftdata.versioning.determinism import print_behaviours; print_behaviours()"


def find_nondeterministic(templates: Sequence[Template]) -> list[TemplateFinding]:
    """A finding for each template that renders its probes in another way in another process.

    One of text and bare fields only cannot, and is not tried.
    """
    templates = [t for t in templates if any(b.parts is None for b in t.blocks.values())]
    if not templates:
        return []
    with ThreadPoolExecutor(len(_SEEDS)) as pool:
        first, second = pool.map(partial(_behaviours, templates), _SEEDS)
    return [
        TemplateFinding(
            "NONDETERMINISTIC", "error", template.label, "",
            fault or "it renders differently from run to run",
            "Sort what has no order of its own, for example with |sort.",
        )
        for template, one, other in zip(templates, first, second, strict=True)
        if (fault := one if one.startswith("Template ") else "") or one != other
    ]  # fmt: skip


def _behaviours(templates: Sequence[Template], seed: str) -> list[str]:
    sources = [
        [t.id, t.source, None if t.root is None else str(t.root.resolve())] for t in templates
    ]
    folder = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (folder, os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, "-P", "-c", _PROGRAM],
        input=json.dumps(sources),
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": path, "PYTHONUTF8": "1"},
        timeout=_SECONDS + len(templates),
    )
    if done.returncode != 0:
        raise SftdataError(
            f"A process that renders templates ended: {done.stderr.strip()[-500:]}", code="E804"
        )
    found: list[str] = json.loads(done.stdout)
    return found


def print_behaviours() -> None:
    """Reads sources from standard input and prints a digest, or the fault, for each: the child."""
    from sftdata.errors import TemplateError
    from sftdata.rendering.template import parse_template
    from sftdata.versioning.probes import behaviour_sha256

    found = []
    for template_id, source, root in json.load(sys.stdin):
        try:
            template = parse_template(template_id, source, root=root and Path(root))
            found.append(behaviour_sha256(template))
        except TemplateError as error:
            found.append(str(error).split("\n")[0])
    print(json.dumps(found))
