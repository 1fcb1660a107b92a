"""The dataset card: `README.md` in the Hub's format, so that `load_dataset(OUT)` works."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

from sftdata.base.escaping import escape
from sftdata.spec.model import Mixture, Spec
from sftdata.writing.plots import as_file, quantile_ranges, token_bars

FILE = "README.md"
LENGTHS_PLOT, TOKENS_PLOT = "plots/lengths.svg", "plots/tokens.svg"

_CATEGORIES = {
    "summarize": "summarization",
    "translate": "translation",
    "qa": "question-answering",
}
_SIZES = {
    10**3: "n<1K",
    10**4: "1K<n<10K",
    10**5: "10K<n<100K",
    10**6: "100K<n<1M",
    10**7: "1M<n<10M",
    10**8: "10M<n<100M",
    10**9: "100M<n<1B",
}
# Marks of Markdown anywhere, of links that need none, and of lists and rules at a line's start.
_MARKUP = re.compile(r"[\\`*_{}\[\]()#!|~$@:]|(?<=www)\.|^[-+=]|(?<=^\d)[.)]", re.IGNORECASE)


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


def render_card(spec: Spec | Mixture, manifest: Mapping[str, Any]) -> str:
    """The card of a build: YAML for the Hub, then what it is and how to load it."""
    return f"---\n{_metadata(spec, manifest)}---\n\n{_text(spec, manifest)}"


def size_category(rows: int) -> str:
    """The Hub's name for a number of rows."""
    return next((name for most, name in _SIZES.items() if rows < most), "n>1B")


def _metadata(spec: Spec | Mixture, manifest: Mapping[str, Any]) -> str:
    rows = sum(split["rows"] for split in manifest["stats"]["splits"].values())
    # JSON strings are YAML strings, so nothing a spec says can break out of its place.
    lines = []
    if spec.license:
        lines.append(f"license: {json.dumps(spec.license.lower())}")
    if spec.language:
        lines.append("language:")
        lines += [f"- {json.dumps(code)}" for code in spec.language]
    lines += ["task_categories:", f"- {_CATEGORIES.get(spec.task, 'text-generation')}"]
    lines += ["size_categories:", f"- {size_category(rows)}"]
    lines += ["configs:", "- config_name: default", "  data_files:"]
    for name, split in manifest["splits"].items():
        if split["shards"]:
            lines += [f"  - split: {json.dumps(name)}", "    path:"]
            lines += [f"    - {json.dumps(shard['path'])}" for shard in split["shards"]]
    return "\n".join(lines) + "\n"


def _text(spec: Spec | Mixture, manifest: Mapping[str, Any]) -> str:
    return f"""# {_plain(spec.task)}

{_plain(spec.description)}

Tokenized examples for supervised fine-tuning: `input_ids`, a `label_mask` that is true where a
token counts in the loss ({_taught(spec)}), and `target_start`, the index of the first such token.

## Numbers

{_table(("split", "rows", "tokens", "in the loss", "share"), _split_rows(manifest))}

{_table(("tokens of", "p50", "p95", "p99", "longest"), _length_rows(manifest["stats"]))}

![Lengths of prompt, target and whole example]({LENGTHS_PLOT})

![Tokens of each split, and those in the loss]({TOKENS_PLOT})

Of {manifest["rows_in"]:,} source rows, {manifest["rows_out"]:,} are in the dataset.
Dropped: {_counts(manifest["dropped"])}. Cut to fit: {manifest["cut"]:,}.
Flagged: {_counts(manifest.get("flagged", {}))}. Extra copies: {manifest.get("repeated", 0):,}.

## Load it

```python
from datasets import load_dataset

data = load_dataset("DIRECTORY")  # row_id, template, input_ids, label_mask, target_start
```

```python
import sftdata

train = sftdata.load("DIRECTORY")["train"]
train[0].input_ids, train[0].labels  # labels are -100 outside the loss
```

## How it was made

{_table(("source", "rows", "sha256"), _source_rows(manifest))}

{_templates(manifest)}{_chat(spec, manifest)}* Tokenizer: {_name_tokenizer(manifest)},
  {manifest["tokenizer"]["vocab_size"]:,} entries, sha256 `{manifest["tokenizer"]["sha256"]}`
* Longest example allowed: {_limit(manifest["spec"])}
* Seed: {manifest["options"].get("seed", 0)}

Built by sftdata as `{manifest["build"]}`; `manifest.json` has the digests of every input and every
shard, and `ledger/` a line for each source row that was dropped or cut.
"""


def _split_rows(manifest: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    for name, split in manifest["stats"]["splits"].items():
        share = split["target_tokens"] / split["tokens"] if split["tokens"] else 0.0
        numbers = (f"{split[key]:,}" for key in ("rows", "tokens", "target_tokens"))
        yield (_plain(name), *numbers, f"{share:.1%}")


def _length_rows(stats: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    for name, key in (("prompt", "prompt_length"), ("target", "target_length"), ("all", "length")):
        yield (name, *(f"{stats[key][quantile]:,}" for quantile in ("p50", "p95", "p99", "max")))


def _source_rows(manifest: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    for source in manifest["sources"]:
        yield _plain(_public(source["path"])), f"{source['rows']:,}", f"`{source['sha256']}`"


def _taught(spec: Spec | Mixture) -> str:
    has_talks = any(part.is_messages for part in _parts(spec))
    return "the target and its end" + (", in a conversation of each taught answer" * has_talks)


def _parts(spec: Spec | Mixture) -> list[Spec]:
    return [spec] if isinstance(spec, Spec) else [source.spec for source in spec.sources]


def _templates(manifest: Mapping[str, Any]) -> str:
    if not manifest["template"]:
        return ""
    return f"{_table(('template', 'sha256'), _template_rows(manifest))}\n\n"


def _name_tokenizer(manifest: Mapping[str, Any]) -> str:
    return _plain(_public(manifest["tokenizer"]["name"]))


def _chat(spec: Spec | Mixture, manifest: Mapping[str, Any]) -> str:
    """What of conversations is taught, and the chat template that shows them."""
    chat = manifest.get("chat")
    if not chat:
        return ""
    lines = list(dict.fromkeys(_conversations(p) for p in _parts(spec) if p.is_messages))
    digest = chat.get("template_sha256")  # a part of an older version has none
    told = "".join(f", {_plain(key)} {_plain(str(value))}" for key, value in _told(chat).items())
    lines.append(f"* Chat template: {f'sha256 `{digest}`' if digest else 'not recorded'}{told}")
    return "\n".join(lines) + "\n"


def _told(chat: Mapping[str, Any]) -> dict[str, Any]:
    """What the chat template is told."""
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
        yield _plain(label), f"`{sha256}`"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    number = ("rows", "tokens", "in the loss", "share", "p50", "p95", "p99", "longest")
    rule = ("---:" if name in number else "---" for name in head)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


def _counts(of_reason: Mapping[str, int]) -> str:
    counts = (f"{rows:,} {_plain(reason)}" for reason, rows in of_reason.items())
    return ", ".join(counts) or "none"


def _limit(spec: Mapping[str, Any]) -> str:
    """In tokens; of a mixture that of each part, where they differ."""
    parts = [part["spec"] for part in spec.get("sources", ())] or [spec]
    limits = {part["max_length"]: None for part in parts}
    return ", ".join("none" if n is None else f"{n:,} tokens" for n in limits)


def _public(name: str) -> str:
    """A name as others may see it: of a file or folder, not where it lies on this machine."""
    path = PurePath(name)
    return path.name if path.is_absolute() else name


def _plain(text: str) -> str:
    """`text` as Markdown that shows it: no markup, HTML, link or hidden character is left."""
    return _MARKUP.sub(r"\\\g<0>", html.escape(escape(text), quote=False))
