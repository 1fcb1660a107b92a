"""sftdata stats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from sftdata.base.escaping import escape
from sftdata.cli.layout import format_table, print_lines, terminal_width
from sftdata.cli.options import DATASET, json_option
from sftdata.cli.output import print_json

_PARTS = (("prompt", "prompt_length"), ("target", "target_length"), ("all", "length"))
_LEVELS = ("p50", "p90", "p95", "p99", "max")
_BAR_WIDTH, _BAR_START = 40, 34


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
    print_lines(describe_stats(numbers, terminal_width()))


def describe_stats(numbers: Mapping[str, Any], width: int | None) -> list[str]:
    """The lines of the command. Tables and bars fit into `width` columns."""
    by = numbers["by"]
    parts = [
        _counts("split", {**numbers["stats"]["splits"], "all": numbers}, width),
        _lengths(numbers, width),
        _histograms(numbers, width),
        _fit(numbers, width),
    ]
    if by is not None and by != "split":
        show = {"source": _sources, "role": _roles}.get(by, _groups)
        parts.append(show(numbers, width))
    parts.append(_facts(numbers))
    return [line for part in parts for line in (*part, "")][:-1]


def _groups(numbers: Mapping[str, Any], width: int | None) -> list[str]:
    groups = numbers["groups"]
    head = [f"{part} {level}" for part in ("prompt", "target") for level in ("p50", "p99")]
    rows = [
        [escape(name), *(f"{group[key][q]:,}" for _, key in _PARTS[:2] for q in ("p50", "p99"))]
        for name, group in groups.items()
    ]
    lengths = format_table([numbers["by"], *head], rows, (12, 15, 15, 15, 15), width)
    lines = [*_counts(numbers["by"], groups, width), "", *lengths]
    if numbers["by"] == "turns":
        taught = sum(group["taught_turns"] for group in groups.values())
        number = sum(group["rows"] for group in groups.values())
        lines.append(f"{taught:,} turns in the loss, {taught / max(number, 1):.1f} a row")
    return lines


def _counts(title: str, groups: Mapping[str, Mapping[str, Any]], width: int | None) -> list[str]:
    rows = [
        [
            escape(name),
            *(f"{group[key]:,}" for key in ("rows", "tokens", "target_tokens")),
            f"{_share(group['target_tokens'], group['tokens']):.1%}",
        ]
        for name, group in groups.items()
    ]
    head = (title, "rows", "tokens", "target tokens", "share")
    return format_table(head, rows, (12, 10, 14, 14, 7), width)


def _sources(numbers: Mapping[str, Any], width: int | None) -> list[str]:
    names = ("rows_in", "rows", "dropped", "cut", "flagged")
    rows = [
        [escape(path), *(f"{source[name]:,}" for name in names)]
        for path, source in numbers["groups"].items()
    ]
    return format_table(("source", *names), rows, (12, *[10] * len(names)), width)


def _roles(numbers: Mapping[str, Any], width: int | None) -> list[str]:
    roles = numbers["groups"]
    whole = sum(role["tokens"] for role in roles.values())
    rows = [
        [
            name,
            f"{role['turns']:,}",
            f"{role['tokens']:,}",
            f"{_share(role['tokens'], whole):.1%}",
        ]
        for name, role in roles.items()
    ]
    lines = format_table(("text of", "turns", "tokens", "share"), rows, (12, 10, 14, 7), width)
    return [*lines, "each text encoded alone, without what the chat template writes around it"]


def _lengths(numbers: Mapping[str, Any], width: int | None) -> list[str]:
    rows = [[label, *(f"{numbers[key][q]:,}" for q in _LEVELS)] for label, key in _PARTS]
    return format_table(("tokens", *_LEVELS), rows, (12, *[10] * len(_LEVELS)), width)


def _histograms(numbers: Mapping[str, Any], width: int | None) -> list[str]:
    lines = []
    for label, key in _PARTS[:2]:
        bars = _fold_empty(numbers["histograms"][key])
        lines.append(f"{label} tokens")
        lines += _draw_bars(bars, width)
    return lines


def _draw_bars(bars: Sequence[tuple[int, int, int]], width: int | None) -> list[str]:
    most = max((rows for _, _, rows in bars), default=0)
    narrow = width is not None and width < _BAR_START + _BAR_WIDTH
    ends = [[f"{end:,}" for end in bar[:2]] for bar in bars]
    sizes = [max([*(len(own[side]) for own in ends), 0 if narrow else 9]) for side in (0, 1)]
    of_rows = max(len(f"{most:,}"), 0 if narrow else 10)
    start = sum(sizes) + of_rows + 5
    room = _BAR_WIDTH if width is None else min(_BAR_WIDTH, max(width - start, 1))
    return [
        f"{low:>{sizes[0]}} - {high:<{sizes[1]}} {rows:>{of_rows},} "
        f"{'█' * round(room * rows / most) or ('▏' if rows else '')}".rstrip()
        for (low, high), (_, _, rows) in zip(ends, bars, strict=True)
    ]


def _fold_empty(bars: Sequence[Mapping[str, int]]) -> list[tuple[int, int, int]]:
    """First and last length, and rows, of each bar; neighbours without rows are one bar.

    Those before the first row are left out.
    """
    folded: list[tuple[int, int, int]] = []
    for bar in bars:
        low, high, rows = bar["from"], bar["to"], bar["rows"]
        if not rows and not folded:
            continue
        if not rows and not folded[-1][2]:
            low = folded.pop()[0]
        folded.append((low, high, rows))
    return folded


def _fit(numbers: Mapping[str, Any], width: int | None) -> list[str]:
    fit = numbers["fit"]
    head, least = ["split", "too long", "padding", "packs", "packed full"], [12, 10, 8, 10, 12]
    with_steps = fit["batch_size"] is not None
    if with_steps:
        head += ["batch padding", "steps", "packed steps"]
        least += [14, 9, 13]
    rows = []
    for name, split in fit["splits"].items():
        row = [
            escape(name),
            f"{split['too_long']:,}",
            f"{split['padding_waste']:.1%}",
            f"{split['packs']:,}",
            f"{split['packing_efficiency']:.1%}",
        ]
        if with_steps:
            row += [
                f"{split['batch_padding']:.1%}",
                f"{split['steps_per_epoch']:,}",
                f"{split['packed_steps_per_epoch']:,}",
            ]
        rows.append(row)
    return [f"at {fit['max_length']:,} tokens a row", *format_table(head, rows, least, width)]


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _facts(numbers: Mapping[str, Any]) -> list[str]:
    lines = [f"{numbers['rows_in']:,} rows in, {numbers['cut']:,} cut"]
    for status in ("dropped", "flagged"):
        lines += [f"{n:,} {status}: {escape(reason)}" for reason, n in numbers[status].items()]
    repeated = f" ({n:,} repeated for the shares)" if (n := numbers["repeated"]) else ""
    lines.append(f"{numbers['duplicates']:,} exact duplicates{repeated}")
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
