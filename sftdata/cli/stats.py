"""sftdata stats."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from sftdata.base.escaping import escape
from sftdata.cli.options import DATASET, json_option
from sftdata.cli.output import print_json

_PARTS = (("prompt", "prompt_length"), ("target", "target_length"), ("all", "length"))
_LEVELS = ("p50", "p90", "p95", "p99", "max")
_BAR_WIDTH = 40


@click.command("stats")
@click.argument("dataset", type=DATASET)
@click.option(
    "--by",
    type=click.Choice(["split", "task", "template", "source", "role", "turns"]),
    help="Show the numbers of each split, task, template or source, too; of conversations, those "
    "of each role or number of turns. Roles and turns are read again from the sources.",
)
@click.option(
    "--max-length",
    type=click.IntRange(min=1),
    metavar="N",
    help="Pad and pack to N tokens. Default: the max_length of the build, else the longest row.",
)
@click.option(
    "--batch-size", type=click.IntRange(min=1), metavar="N", help="Rows in a training step."
)
@json_option()
def command(
    dataset: Path, by: str | None, max_length: int | None, batch_size: int | None, as_json: bool
) -> None:
    """Show lengths, target share, drops, padding, vocabulary and languages of DATASET.

    Example: sftdata stats data/summarize --by split --max-length 2048 --batch-size 8
    """
    from sftdata.inspecting.stats.compute import compute_stats
    from sftdata.loading.dataset import load

    numbers = compute_stats(load(dataset), by=by, max_length=max_length, batch_size=batch_size)
    if as_json:
        print_json(numbers)
        return
    parts = [_splits(numbers), _lengths(numbers), _histograms(numbers), _fit(numbers)]
    if by is not None and by != "split":
        show = {"source": _sources, "role": _roles}.get(by, _groups)
        parts.append(show(numbers))
    parts.append(_facts(numbers))
    click.echo("\n\n".join("\n".join(part) for part in parts))


def _splits(numbers: Mapping[str, Any]) -> list[str]:
    return _counts("split", {**numbers["stats"]["splits"], "all": numbers})


def _groups(numbers: Mapping[str, Any]) -> list[str]:
    groups = numbers["groups"]
    lines = [*_counts(numbers["by"], groups), ""]
    head = " ".join(
        f"{part + ' ' + q:>15}" for part in ("prompt", "target") for q in ("p50", "p99")
    )
    width = _width(groups)
    lines.append(f"{numbers['by']:{width}} {head}")
    for name, group in groups.items():
        cells = " ".join(f"{group[key][q]:>15,}" for _, key in _PARTS[:2] for q in ("p50", "p99"))
        lines.append(f"{escape(name):{width}} {cells}")
    if numbers["by"] == "turns":
        taught = sum(group["taught_turns"] for group in groups.values())
        rows = sum(group["rows"] for group in groups.values())
        lines.append(f"{taught:,} turns in the loss, {taught / max(rows, 1):.1f} a row")
    return lines


def _counts(title: str, groups: Mapping[str, Mapping[str, Any]]) -> list[str]:
    width = _width(groups)
    lines = [f"{title:{width}} {'rows':>10} {'tokens':>14} {'target tokens':>14} {'share':>7}"]
    for name, group in groups.items():
        share = group["target_tokens"] / group["tokens"] if group["tokens"] else 0.0
        lines.append(
            f"{escape(name):{width}} {group['rows']:>10,} {group['tokens']:>14,} "
            f"{group['target_tokens']:>14,} {share:>7.1%}"
        )
    return lines


def _sources(numbers: Mapping[str, Any]) -> list[str]:
    sources = numbers["groups"]
    width, names = _width(sources), ("rows_in", "rows", "dropped", "cut", "flagged")
    lines = [f"{'source':{width}} " + " ".join(f"{name:>10}" for name in names)]
    for path, source in sources.items():
        lines.append(f"{escape(path):{width}} " + " ".join(f"{source[n]:>10,}" for n in names))
    return lines


def _roles(numbers: Mapping[str, Any]) -> list[str]:
    roles = numbers["groups"]
    width, whole = _width(roles), sum(role["tokens"] for role in roles.values())
    lines = [f"{'text of':{width}} {'turns':>10} {'tokens':>14} {'share':>7}"]
    for name, role in roles.items():
        share = role["tokens"] / whole if whole else 0.0
        lines.append(f"{name:{width}} {role['turns']:>10,} {role['tokens']:>14,} {share:>7.1%}")
    return [*lines, "each text encoded alone, without what the chat template writes around it"]


def _lengths(numbers: Mapping[str, Any]) -> list[str]:
    lines = [f"{'tokens':12} " + " ".join(f"{level:>10}" for level in _LEVELS)]
    for label, key in _PARTS:
        lines.append(f"{label:12} " + " ".join(f"{numbers[key][q]:>10,}" for q in _LEVELS))
    return lines


def _histograms(numbers: Mapping[str, Any]) -> list[str]:
    lines = []
    for label, key in _PARTS[:2]:
        bars = numbers["histograms"][key]
        most = max((bar["rows"] for bar in bars), default=0)
        lines.append(f"{label} tokens")
        for bar in bars:
            blocks = "█" * round(_BAR_WIDTH * bar["rows"] / most) or ("▏" if bar["rows"] else "")
            lines.append(
                f"{bar['from']:>9,} - {bar['to']:<9,} {bar['rows']:>10,} {blocks}".rstrip()
            )
    return lines


def _fit(numbers: Mapping[str, Any]) -> list[str]:
    fit = numbers["fit"]
    steps = fit["batch_size"] is not None
    head = f"{'split':12} {'too long':>10} {'padding':>8} {'packs':>10} {'packed full':>12}"
    lines = [f"at {fit['max_length']:,} tokens a row", head]
    if steps:
        lines[1] += f" {'batch padding':>14} {'steps':>9} {'packed steps':>13}"
    for name, split in fit["splits"].items():
        line = (
            f"{escape(name):12} {split['too_long']:>10,} {split['padding_waste']:>8.1%} "
            f"{split['packs']:>10,} {split['packing_efficiency']:>12.1%}"
        )
        if steps:
            line += (
                f" {split['batch_padding']:>14.1%} {split['steps_per_epoch']:>9,} "
                f"{split['packed_steps_per_epoch']:>13,}"
            )
        lines.append(line)
    return lines


def _facts(numbers: Mapping[str, Any]) -> list[str]:
    lines = [f"{numbers['rows_in']:,} rows in, {numbers['cut']:,} cut"]
    for status in ("dropped", "flagged"):
        lines += [f"{n:,} {status}: {escape(reason)}" for reason, n in numbers[status].items()]
    lines.append(f"{numbers['duplicates']:,} exact duplicates")
    certificate = numbers["certificate"]
    lines.append(
        f"same ids if prompt and target are encoded as one text: "
        f"{certificate['whole_text_equal']:,} of {certificate['rows']:,} rows"
    )
    text, languages = numbers["text"], numbers["languages"]
    if text is None or languages is None:
        return [
            *lines,
            "vocabulary and languages: unknown, the tokenizer of the build is missing",
        ]
    lines.append(
        f"{text['chars_per_token']:.2f} characters a token; {text['vocabulary_used']:,} entries "
        f"({text['vocabulary_coverage']:.1%}) of the vocabulary are used; "
        f"{text['unknown_share']:.2%} unknown tokens, {text['byte_fallback_share']:.2%} byte tokens"
    )
    rows = languages["sampled_rows"]
    shares = ", ".join(f"{name} {n / rows:.0%}" for name, n in [*languages["rows"].items()][:6])
    return [*lines, f"languages of the targets, in a sample of {rows:,} rows: {shares or 'none'}"]


def _width(names: Mapping[str, Any]) -> int:
    return max(12, *(len(escape(name)) for name in names)) if names else 12
