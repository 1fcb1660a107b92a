"""sftdata env."""

from __future__ import annotations

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import json_option
from sftdata.cli.output import print_json

_GIB = 1024**3


@click.command("env")
@json_option()
def command(as_json: bool) -> None:
    """Show versions, system, cores, memory and cache folder, for a bug report.

    Example: sftdata env
    """
    from sftdata.base.environment import describe_environment

    facts = describe_environment()
    if as_json:
        print_json(facts)
        return
    packages = {name: found or "not installed" for name, found in facts["packages"].items()}
    memory = "unknown" if facts["memory"] is None else f"{facts['memory'] / _GIB:.1f} GiB"
    lines = {"sftdata": facts["sftdata"], "Python": facts["python"], **packages}
    lines |= {"system": facts["system"], "cores": facts["cores"], "memory": memory}
    for name, value in (lines | {"cache": facts["cache"]}).items():
        click.echo(f"{name:12} {escape(str(value))}")
