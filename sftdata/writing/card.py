"""The dataset card: `README.md` in the Hub's format, so that `load_dataset(OUT)` works."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from types import MappingProxyType
from typing import Any

from sftdata.base.conversation import TEMPLATE_LABEL
from sftdata.base.wording import count
from sftdata.spec.model import Mixture, Spec
from sftdata.writing.card_loading import load_from_hub, load_here
from sftdata.writing.card_metadata import render_metadata
from sftdata.writing.markdown import plain, quote, table
from sftdata.writing.plots import as_file, quantile_ranges, token_bars

FILE = "README.md"
LENGTHS_PLOT, TOKENS_PLOT = "plots/lengths.svg", "plots/tokens.svg"
_SHOWN_SOURCES = 5


def render_files(spec: Spec | Mixture, manifest: Mapping[str, Any]) -> dict[str, bytes]:
    """The card and the plots it shows: path relative to the dataset → bytes.

    They depend on the spec and the manifest alone, so they are the same every time.
    """
    stats = manifest["stats"]
    lengths = {
        name: stats[key]
        for name, key in (
            ("prompt", "prompt_length"),
            ("target", "target_length"),
            ("whole", "length"),
        )
    }
    tokens = {
        name: (split["tokens"], split["target_tokens"]) for name, split in stats["splits"].items()
    }
    return {
        FILE: render_card(spec, manifest).encode(),
        LENGTHS_PLOT: as_file(quantile_ranges("Tokens of an example", lengths)),
        TOKENS_PLOT: as_file(token_bars("Tokens of each split", tokens)),
    }


def render_card(
    spec: Spec | Mixture,
    manifest: Mapping[str, Any],
    *,
    repository: str | None = None,
    texts: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """The card of a build: YAML for the Hub, a description, and how to load it.

    `repository`: its name on the Hub, for a card there. `texts`: the file with the texts of each
    split.
    """
    loading = load_here() if repository is None else load_from_hub(repository, texts)
    return f"---\n{render_metadata(spec, manifest)}---\n\n{_text(spec, manifest, loading)}"


def _text(spec: Spec | Mixture, manifest: Mapping[str, Any], loading: str) -> str:
    about = f"\n{plain(spec.description)}\n" if spec.description else ""
    splits = table(
        ("split", "rows", "tokens", "in the loss", "share"),
        _split_rows(manifest),
        numbers=range(1, 5),
    )
    lengths = table(
        ("tokens of", "p50", "p95", "p99", "longest"),
        _length_rows(manifest["stats"]),
        numbers=range(1, 5),
    )
    return f"""# {plain(spec.task)}
{about}
Tokenized examples for supervised fine-tuning: `input_ids`, a `label_mask` that is true where a
token counts in the loss ({_taught(spec)}), and `target_start`, the index of the first such token.

{table(("column", "type", "holds"), _column_rows(spec))}

## Numbers

{splits}

{lengths}

![Lengths of prompt, target and whole example]({LENGTHS_PLOT})

![Tokens of each split, and those in the loss]({TOKENS_PLOT})

Of {manifest["rows_in"]:,} source rows, {manifest["rows_out"]:,} are in the dataset.
Dropped: {_counts(manifest["dropped"])}. Cut to fit: {manifest["cut"]:,}.
Flagged: {_counts(manifest.get("flagged", {}))}. Extra copies: {manifest.get("repeated", 0):,}.
{_mixture(spec, manifest)}
{_examples(spec, manifest)}## Load it

{loading}

## How it was made

{table(("source", "rows", "sha256"), _source_rows(manifest), numbers=[1])}

{table(("field", "read from"), _field_rows(spec))}

{_unread(manifest)}

{_templates(manifest)}{_chat(spec, manifest)}* Tokenizer: {_name_tokenizer(manifest)},
  {manifest["tokenizer"]["vocab_size"]:,} entries, sha256 `{manifest["tokenizer"]["sha256"]}`
* Longest example allowed: {_limit(manifest["spec"])}
* Seed: {manifest["options"].get("seed", 0)}

Built by sftdata as `{manifest["build"]}`; `manifest.json` has the digests of every input and every
shard, and `ledger/` a line for each source row that was dropped or cut.
"""


def _examples(spec: Spec | Mixture, manifest: Mapping[str, Any]) -> str:
    """The first training row; of a mixture that of each source's own dataset."""
    examples = list(manifest.get("examples", {}).items())  # older manifests have none
    parts = [
        f"""### {plain(name)}: row {plain(example["row_id"])}, {plain(example["template"])}

The prompt, as it must be served:

{quote(example["prompt"])}

{"From its first answer on" if example["template"] == TEMPLATE_LABEL else "The target"}:

{quote(example["target"])}

"""
        for name, example in examples[:_SHOWN_SOURCES]
    ]
    if not parts:
        return ""
    if isinstance(spec, Mixture):
        told = "The first training rows of its sources, as `parts/` holds them."
        if len(examples) > len(parts):
            told += f" The first {len(parts)} of {len(examples):,} sources are shown."
    else:
        told = "The first row of the training split."
    return f"## Examples\n\n{told}\n\n{''.join(parts)}"


def _column_rows(spec: Spec | Mixture) -> Iterable[tuple[str, ...]]:
    yield "row\\_id", "string", "the id of the source row"
    yield "template", "string", "the template that rendered the row, with its version"
    yield "input\\_ids", "list of int32", "the tokens of prompt and target"
    yield "label\\_mask", "list of bool", "true for each token in the loss"
    yield "target\\_start", "int32", "the index of the first token in the loss"
    if isinstance(spec, Mixture):
        yield "task", "string", "the task of the row's source"


def _mixture(spec: Spec | Mixture, manifest: Mapping[str, Any]) -> str:
    """The rows of each source of a mixture, and its share of the training split."""
    if not isinstance(spec, Mixture):
        return ""
    unit = spec.by.replace("_", " ")
    head = ("source", "task", "rows", "copies", "tokens", "planned", "share")
    shares = table(head, _share_rows(manifest["stats"]["by_source"]), numbers=range(2, 7))
    return f"\n{shares}\n\nPlanned and share: of the {unit} of the training split.\n"


def _share_rows(by_source: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, ...]]:
    for name, source in by_source.items():
        counts = (f"{source[key]:,}" for key in ("rows", "repeated", "tokens"))
        shares = (source["planned_share"], source["share"])
        yield (
            plain(name),
            plain(source["task"]),
            *counts,
            *("" if share is None else f"{share:.1%}" for share in shares),
        )


def _field_rows(spec: Spec | Mixture) -> Iterable[tuple[str, ...]]:
    """The place in a source row of each field; of a mixture with the name of the source."""
    parts = (
        [(f"{source.name}: ", source.spec) for source in spec.sources]
        if isinstance(spec, Mixture)
        else [("", spec)]
    )
    for name, part in parts:
        for field, rule in part.rules.items():
            yield plain(f"{name}{field}"), plain(", ".join(rule.paths)) or "the spec"


def _unread(manifest: Mapping[str, Any]) -> str:
    """The columns of the sources that nothing reads."""
    unread = {name: columns for name, columns in manifest.get("unread", {}).items() if columns}
    if not unread:
        return "Columns that nothing reads: none."
    lines = [
        f"* Not read from {plain(_public(name))}: {', '.join(map(plain, columns))}."
        for name, columns in list(unread.items())[:_SHOWN_SOURCES]
    ]
    if left := len(unread) - len(lines):
        lines.append(f"* Of {count(left, 'more source')}, too, columns were not read.")
    return "\n".join(lines)


def _split_rows(manifest: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    for name, split in manifest["stats"]["splits"].items():
        share = split["target_tokens"] / split["tokens"] if split["tokens"] else 0.0
        numbers = (f"{split[key]:,}" for key in ("rows", "tokens", "target_tokens"))
        yield (plain(name), *numbers, f"{share:.1%}")


def _length_rows(stats: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    for name, key in (("prompt", "prompt_length"), ("target", "target_length"), ("all", "length")):
        yield (name, *(f"{stats[key][quantile]:,}" for quantile in ("p50", "p95", "p99", "max")))


def _source_rows(manifest: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    for source in manifest["sources"]:
        yield plain(_public(source["path"])), f"{source['rows']:,}", f"`{source['sha256']}`"


def _taught(spec: Spec | Mixture) -> str:
    has_talks = any(part.is_messages for part in _parts(spec))
    return "the target and its end" + (", in a conversation of each taught answer" * has_talks)


def _parts(spec: Spec | Mixture) -> list[Spec]:
    return [spec] if isinstance(spec, Spec) else [source.spec for source in spec.sources]


def _templates(manifest: Mapping[str, Any]) -> str:
    if not manifest["template"]:
        return ""
    return f"{table(('template', 'sha256'), _template_rows(manifest))}\n\n"


def _name_tokenizer(manifest: Mapping[str, Any]) -> str:
    return plain(_public(manifest["tokenizer"]["name"]))


def _chat(spec: Spec | Mixture, manifest: Mapping[str, Any]) -> str:
    """The turns of conversations that are in the loss, and the chat template."""
    chat = manifest.get("chat")
    if not chat:
        return ""
    lines = list(dict.fromkeys(_conversations(p) for p in _parts(spec) if p.is_messages))
    digest = chat.get("template_sha256")  # a part of an older version has none
    told = "".join(
        f", {plain(key)} {plain(str(value))}" for key, value in _chat_settings(chat).items()
    )
    lines.append(f"* Chat template: {f'sha256 `{digest}`' if digest else 'not recorded'}{told}")
    return "\n".join(lines) + "\n"


def _chat_settings(chat: Mapping[str, Any]) -> dict[str, Any]:
    """The options and the date that the chat template gets."""
    return {**chat["options"], **({"date": chat["date"]} if "date" in chat else {})}


def _conversations(spec: Spec) -> str:
    answers = "each answer" if spec.loss == "all" else "the last answer"
    reasoning = "with" if spec.teach_reasoning else "without"
    return (
        f"* Conversations: {answers} of the assistant is in the loss, {reasoning} its reasoning;\n"
        "  turns of the system, the user and tools are not"
    )


def _template_rows(manifest: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    for label, sha256 in manifest["template"].items():
        yield plain(label), f"`{sha256}`"


def _counts(of_reason: Mapping[str, int]) -> str:
    counts = (f"{rows:,} {plain(reason)}" for reason, rows in of_reason.items())
    return ", ".join(counts) or "none"


def _limit(spec: Mapping[str, Any] | None) -> str:
    """In tokens; of a mixture that of each part, where they differ. Older versions record none."""
    if spec is None:
        return "not recorded"
    parts = [part["spec"] for part in spec.get("sources", ())] or [spec]
    limits = {part["max_length"]: None for part in parts}
    return ", ".join("none" if n is None else f"{n:,} tokens" for n in limits)


def _public(name: str) -> str:
    """A name as others may see it: of a file or folder, not where it lies on this machine."""
    path = PurePath(name)
    return path.name if path.is_absolute() else name
