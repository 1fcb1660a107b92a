"""A finding of a check of templates, with the id of the rule that is broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sftdata.base.wording import count
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


def summarize_findings(findings: Sequence[TemplateFinding]) -> str | None:
    """A sentence for the end of a list without errors; None if it has any."""
    levels = [finding.level for finding in findings]
    if "error" in levels:
        return None
    warnings = levels.count("warning")
    return f"No errors, {count(warnings, 'warning')}." if warnings else "No faults."


def finding_of(error: TemplateError, template: str) -> TemplateFinding:
    """An error as a finding."""
    message, _, hint = str(error).partition("\n")
    where, found, what = message.partition(f": {error.rule}: ")
    if not found:
        where, what = "", message
    return TemplateFinding(error.rule, "error", template, where, what, hint)
