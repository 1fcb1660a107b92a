"""A folder of wrong and damaged files, and the table of wrong usages that name them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from support.manifests import write_manifest

HEAD = """task = "t"
data = ["rows.jsonl"]
tokenizer = "tokenizers/small"
template = "summarize/article"
"""
FIELDS = """
[fields]
id = "id"
article = "article"
summary = "summary"
"""
_MIX = 'task = "m"\ntokenizer = "tokenizers/small"\n'

SPECS = {
    "broken": "task = \n",
    "twice": f"{HEAD}seed = 1\nseed = 2\n{FIELDS}",
    "unknown": f"{HEAD}max_lenght = 5\n{FIELDS}",
    "types": f'{HEAD}max_length = "long"\nseed = 1.5\nchat = "maybe"\n{FIELDS}',
    "ranges": f"{HEAD}max_length = 1\nmax_dropped = 200\nnear_duplicates = 2\n{FIELDS}",
    "choices": f'{HEAD}keep = "middel"\nduplicates = "no"\n{FIELDS}',
    "empty_text": f'{HEAD}id_prefix = ""\n{FIELDS}',
    "date": f'{HEAD}chat = true\ndate = "soon"\n{FIELDS}',
    "incomplete": 'task = "t"\n',
    "no_template": HEAD.replace('template = "summarize/article"\n', "") + FIELDS,
    "both_templates": f'{HEAD}templates = ["qa/plain"]\n{FIELDS}',
    "fields_text": f'{HEAD}fields = "x"\n',
    "field_key": f'{HEAD}[fields]\narticle = {{ pth = "a" }}\nsummary = "summary"\n',
    "field_two": f'{HEAD}[fields]\narticle = {{ path = "a", first = ["b"] }}\nsummary = 3\n',
    "field_path": f'{HEAD}[fields]\narticle = "a..b"\nsummary = "s[x]"\n',
    "field_type": f'{HEAD}[fields]\narticle = {{ path = "a", type = "number" }}\nsummary = "b"\n',
    "field_missing": f'{HEAD}[fields]\narticle = "article"\n',
    "field_unread": f'{HEAD}{FIELDS}author = "author"\n',
    "column": f'{HEAD}[fields]\narticle = "txt"\nsummary = "smry"\n',
    "shares": f"{HEAD}{FIELDS}[split]\ntrain = -1\n",
    "split_name": f'{HEAD}{FIELDS}[split]\n"tr ain" = 1\n',
    "check_name": f'{HEAD}{FIELDS}[checks]\nplaceholdr = "flag"\n',
    "check_action": f'{HEAD}source_field = "article"\ntarget_field = "summary"\n{FIELDS}'
    '[checks]\nplaceholder = "flg"\n',
    "check_fields": f'{HEAD}{FIELDS}[checks]\nplaceholder = "flag"\n',
    "target": f'{HEAD}target_field = "sumary"\n{FIELDS}',
    "template": HEAD.replace("article", "artcle") + FIELDS,
    "new_template": HEAD.replace("summarize/article", "labels/plain") + FIELDS,
    "data": HEAD.replace("rows.", "rosw.") + FIELDS,
    "tokenizer": HEAD.replace("tokenizers/small", "./smal") + FIELDS,
    "shots": f"{HEAD}shots = [100]\n{FIELDS}",
    "idle": f'{HEAD}keep = "end"\n{FIELDS}',
    "swap": f'{HEAD}swap = [["article"]]\n{FIELDS}',
    "where": f'{HEAD}{FIELDS}[where]\nlang = "en"\n',
    "preset": f'{HEAD}preset = "squd"\n',
    "messages": 'task = "t"\ndata = ["rows.jsonl"]\ntokenizer = "x"\n[fields]\nmessages = "m"\n',
    "nested": f"[spec]\n{HEAD}{FIELDS}",
    "choice_key": HEAD.replace('template = "summarize/article"', 'templates = [{ name = "a" }]')
    + FIELDS,
    "weight": HEAD.replace(
        'template = "summarize/article"', 'templates = [{ id = "summarize/article", weight = 0 }]'
    )
    + FIELDS,
    "mix_task": f'{_MIX}[[sources]]\nspec = "sumarize"\n',
    "mix_text": f'{_MIX}sources = "qa"\n',
    "mix_key": f'{_MIX}[[sources]]\nspec = "qa"\nweigth = 1\n',
    "mix_by": f'{_MIX}[mixture]\nby = "words"\ntemprature = 1\n[[sources]]\nspec = "qa"\n',
    "mix_weight": f'{_MIX}[[sources]]\nspec = "qa"\nweight = 0\n',
    "mix_some": f'{_MIX}[[sources]]\nspec = "qa"\nweight = 1\n[[sources]]\nspec = "grammar"\n',
}

_PROMPT = "{% block prompt %}\n{{ article }}\n{% endblock %}\n"
_TARGET = "{% block target %}\n{{ summary }}\n{%- endblock %}\n"
TEMPLATES = {
    "syntax": "{% block prompt %}{{ article {% endblock %}",
    "no_block": "hello",
    "loop": "{% block prompt %}{% for x in %}{% endblock %}",
    "filter": "{% block prompt %}\n{{ article|upcase }}\n{% endblock %}\n" + _TARGET,
    "metadata": "{#\ndescription = \n#}\n" + _PROMPT + _TARGET,
    "space": "{% block prompt %}{{ article }} {% endblock %}" + _TARGET,
    "outside": "x" + _PROMPT + _TARGET,
    "no_target": _PROMPT,
}


def write_world() -> None:
    """Writes rows, and files with something wrong in them, into the working directory."""
    rows = [
        {"id": f"n{i}", "article": f"Article {i} says it.", "summary": f"Sum {i}."}
        for i in range(20)
    ]
    files: dict[str, str | bytes] = {
        "rows.jsonl": "".join(json.dumps(row) + "\n" for row in rows),
        "other.jsonl": '{"title": "a", "words": "b"}\n',
        "empty.jsonl": "",
        "broken.jsonl": '{"id": 1,\n',
        "image.jsonl": b"\x89PNG\r\n\x1a\n" + bytes(200),
        "list.jsonl": "[1, 2]\n[3, 4]\n",
        "notes.md": "# Notes\n",
        "foreign/keep.txt": "mine",
        "no_tokenizer/readme": "x",
        "cut_tokenizer/tokenizer.json": "{",
        "other_tokenizer/tokenizer.json": '{"a": 1}',
        "recipe.toml": "rnk = 8\nrank = 0\n",
        "latin.toml": HEAD.encode() + b"# caf\xe9\n" + FIELDS.encode(),
        **{f"{name}.toml": text for name, text in SPECS.items()},
        **{f"templates/summarize/{name}.jinja": text for name, text in TEMPLATES.items()},
    }
    for name, content in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(content.encode() if isinstance(content, str) else content)


def damage_copies(dataset: Path) -> None:
    """Copies of a dataset beside it, each with one thing broken."""
    for name, harm in _HARMS.items():
        copy = dataset.parent / name
        shutil.copytree(dataset, copy)
        harm(copy)


def _shard(dataset: Path) -> Path:
    return next(dataset.glob("shards/*/train-00000.arrow"))


def _flip(dataset: Path) -> None:
    content = bytearray(_shard(dataset).read_bytes())
    content[len(content) // 2] ^= 1
    _shard(dataset).write_bytes(content)


def _of_the_future(dataset: Path) -> None:
    manifest = json.loads((dataset / "manifest.json").read_text())
    write_manifest(dataset, manifest | {"version": 99})


_HARMS: dict[str, Callable[[Path], object]] = {
    "no_manifest": lambda copy: (copy / "manifest.json").unlink(),
    "cut_manifest": lambda copy: (copy / "manifest.json").write_text("{"),
    "list_manifest": lambda copy: (copy / "manifest.json").write_text("[]"),
    "newer": _of_the_future,
    "flipped": _flip,
    "no_shard": lambda copy: _shard(copy).unlink(),
    "cut_shard": lambda copy: _shard(copy).write_bytes(_shard(copy).read_bytes()[:100]),
    "no_ledger": lambda copy: next(copy.glob("ledger/*.arrow")).unlink(),
}
