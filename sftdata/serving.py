"""The text a model is to be asked with: the same as it was trained with, without the target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sftdata.errors import TemplateError
from sftdata.template import Template


def render_prompt_text(template: Template, row: Mapping[str, Any]) -> dict[str, str]:
    """`template`, `text` (system + prompt), `system` and `prompt` for one row.

    The fields of the target are not needed. Raises `TemplateError` for a field that is missing.
    """
    blocks = [b for name, b in template.blocks.items() if name != "target"]
    needed = frozenset[str]().union(*(block.fields for block in blocks))
    missing = sorted(needed - row.keys())
    if missing:
        raise TemplateError(
            f"Template '{template.label}' needs the field '{missing[0]}'; the row has: "
            f"{', '.join(sorted(row)) or 'none'}.",
            "Add it to the row.",
        )
    system, prompt = (template.render_block(name, row) for name in ("system", "prompt"))
    return {"template": template.label, "text": system + prompt, "system": system, "prompt": prompt}
