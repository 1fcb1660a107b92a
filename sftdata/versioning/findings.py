"""A finding: what a check of templates has to say, under the id of a rule."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from sftdata.errors import TemplateError

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class TemplateFinding:
    """An "error" fails the check, a "warning" should be looked at, a "note" is for information."""

    rule: str
    level: Level
    template: str  # its id, or id@version
    where: str
    message: str
    hint: str = ""

    def to_line(self) -> str:
        """For a person: level, rule, where, what and the way out."""
        where = f"{self.template}, {self.where}" if self.where else self.template
        return (
            f"{self.level}: {self.rule}: {where}: {self.message.rstrip('.')}. {self.hint}".rstrip()
        )

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def finding_of(error: TemplateError, template: str) -> TemplateFinding:
    """An error as a finding."""
    message, _, hint = str(error).partition("\n")
    where, found, what = message.partition(f": {error.rule}: ")
    if not found:
        where, what = "", message
    return TemplateFinding(error.rule, "error", template, where, what, hint)
