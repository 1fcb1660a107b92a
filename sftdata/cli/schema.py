"""sftdata schema."""

from __future__ import annotations

import json

import click


@click.command("schema")
@click.argument("kind", type=click.Choice(["spec", "recipe"]))
def command(kind: str) -> None:
    """Print the JSON schema of a spec (pipelines/TASK.toml) or of a training recipe.

    An editor with TOML support checks and completes a spec whose first line is
    `#:schema PATH`, where PATH is a file with this schema.

    Example: sftdata schema spec > spec.schema.json
    """
    if kind == "spec":
        from sftdata.spec.json_schema import spec_schema

        schema = spec_schema()
    else:
        from sftdata.cli.train import command as train
        from sftdata.spec.json_schema import model_schema
        from sftdata_train.training.recipe import Recipe

        # Each key of a recipe is also an option, whose help describes it.
        helps = {p.name: p.help for p in train.params if isinstance(p, click.Option) and p.help}
        schema = model_schema(Recipe, {str(name): text for name, text in helps.items()})
    click.echo(json.dumps(schema, indent=2))
