"""Small files as people have them, with the right outcome of a build of each.

The files lie beside the checkout (see `places.SHARED`) and are not part of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Pairs = list[tuple[str, str]]  # a text of the prompt and the target, of each row


@dataclass(frozen=True)
class Case:
    """A build, and its outcome: the rows that arrive, or the words of an error."""

    files: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    pairs: Pairs = field(default_factory=list)
    dropped: Mapping[str, int] = field(default_factory=dict)
    words: tuple[str, ...] = ()  # of the error; none: the build succeeds
    notes: tuple[str, ...] = ()  # words of what is reported

    @property
    def name(self) -> str:
        """The files, for the name of the test."""
        return " ".join(self.files)


def _pairs(count: int, prompt: str, target: str, first: int = 0) -> Pairs:
    return [(prompt.format(i), target.format(i)) for i in range(first, first + count)]


SHOPS = _pairs(8, "The shop number {} in Köln sells apples and pears.", "Shop {} sells fruit.", 1)
TOWN = _pairs(8, "The shop number {} in town sells apples and pears.", "Shop {} sells fruit.")
PLAIN = _pairs(8, "Text number {} is here", "short {}")
GERMAN = _pairs(
    8,
    'Der Händler Nr. {0} in Köln verkauft Äpfel, Birnen; und "Nüsse".\nZweite Zeile {0}.',
    "Händler {} verkauft Obst \u2013 frisch.",
    1,
)


def _json() -> Iterator[Case]:
    built = (
        "array.json array.jsonl data_key.json pretty_objects.json pretty_objects.jsonl "
        "columns.json columns_list.json concat_noeol.jsonl bom.jsonl utf16.jsonl cr.jsonl "
        "blank_lines.jsonl d.jsonl.bz2 d.jsonl.xz gz_without_name.jsonl"
    )
    for name in built.split():
        yield Case((f"json/{name}",), pairs=SHOPS)
    yield Case(("json/nan.jsonl",), pairs=SHOPS, notes=("score",))
    # Neither U+2028 nor U+0085 ends a line.
    yield Case(("json/u2028.jsonl",), pairs=_pairs(8, "line one\u2028line two {}", "s\x85 {}"))
    refused = {
        "array_then_eol_lines": ("array", ":1"),
        "trailing_comma_lines": ("comma", ":1"),
        "comment": ("comment", ":1"),
        "single_quotes": ("single quot", ":1"),
        "last_cut": ("cut", ":8"),
        "html": ("HTML",),
        "lfs": ("Git LFS", "git lfs pull"),
        "zip_named": ("zip",),
    }
    for name, words in refused.items():
        yield Case((f"json/{name}.jsonl",), words=words)


def _tables() -> Iterator[Case]:
    german = (
        "utf8_bom.csv semicolon_bom.csv tab_in_csv.csv sep_line.csv "
        "unicode_text.csv unicode_text.tsv unicode_text.txt"
    )
    for name in german.split():
        yield Case((f"tables/{name}",), pairs=GERMAN)
    one_line = [(prompt.replace("\n", " "), target) for prompt, target in GERMAN]
    yield Case(("tables/cr_only.csv",), pairs=one_line)
    plain = "semicolon_simple pipe trailing_comma two_unnamed unnamed_index"
    for name in plain.split():
        yield Case((f"tables/{name}.csv",), pairs=PLAIN)
    spaced = [(prompt, f" {target}") for prompt, target in PLAIN]
    yield Case(("tables/header_space.csv",), pairs=spaced)
    commas = _pairs(8, "Text number {}, which is here", "short {}")
    yield Case(("tables/semicolon_commas.csv",), pairs=commas)
    one_comma = [*PLAIN[:3], ("Text, here", "short"), *PLAIN[4:]]
    yield Case(("tables/semicolon_one_comma.csv",), pairs=one_comma)
    yield Case(("tables/blank_trailing_rows.csv",), pairs=PLAIN, dropped={"blank_row": 5})
    yield Case(("tables/Header_Case.csv",), words=("article", "Article", "--map article=Article"))
    mapped = {"fields": {"article": "Article", "summary": "Summary"}}
    yield Case(("tables/Header_Case.csv",), mapped, PLAIN)
    refused = {
        "cp1252": (":2", "0xe4", "UTF-8"),
        "cp1252_semicolon": (":2", "0xe4", "UTF-8"),
        "latin_one_cell": (":7", "0xe9", "UTF-8"),
        "nul": (":5", "NUL"),
        "backslash_quote": (":2", "backslash"),
        "extra_header": (":1", "header"),
        "empty": ("empty",),
        "only_header": ("no rows",),
    }
    for name, words in refused.items():
        yield Case((f"tables/{name}.csv",), words=words)


def _columns() -> Iterator[Case]:
    built = (
        "dictionary.parquet string_view.parquet large_string.parquet pandas_index.parquet "
        "json_ext.parquet extra_types.parquet extra_oob_timestamp.parquet ts_ns.parquet "
        "ts_badtz.arrow dur_big.arrow dup_struct.parquet id_float.parquet id_uint64.parquet "
        "id_uuid.parquet"
    )
    for name in built.split():
        yield Case((f"columns/{name}",), pairs=TOWN)
    # What nothing reads may hold anything; what is read must be text.
    summary = {"fields": {"article": "summary", "summary": "summary"}, "checks": {}}
    shops = [(target, target) for _, target in TOWN]
    yield Case(("columns/binary.parquet",), summary, shops)
    # Many programs write texts as bytes.
    yield Case(("columns/binary.parquet",), pairs=TOWN)
    scalars = {
        "int": [str(i) for i in range(8)],
        "float": [repr(i / 3) for i in range(8)],
        "bool": ["true" if i % 2 == 0 else "false" for i in range(8)],
        "date": [f"2020-01-{i + 1:02}" for i in range(8)],
        "decimal": [f"{i + 1}.50" for i in range(8)],
    }
    for name, targets in scalars.items():
        pairs = [(prompt, target) for (prompt, _), target in zip(TOWN, targets, strict=True)]
        yield Case((f"columns/{name}_summary.parquet",), pairs=pairs, notes=("summary",))


def _ids() -> Iterator[Case]:
    def pairs(letter: str) -> Pairs:
        article = letter + " article number {0} about apples and pears from village {0}."
        return _pairs(20, article, letter + " summary {}.")

    yield Case(("ids/float.jsonl",), pairs=pairs("F"))
    yield Case(("ids/oid.jsonl",), pairs=pairs("O"))
    yield Case(("ids/other.jsonl",), {"fields": {"id": "uid"}}, pairs("X"))
    villages = _pairs(20, "Text number {} of a village", "Short {}")
    yield Case(("ids/uuid.csv",), pairs=villages)
    both = ("ids/a.jsonl", "ids/b.jsonl")
    yield Case(both, words=("a.jsonl", "b.jsonl", "id"))
    yield Case(both, {"fields": {"id": "none"}}, pairs("A") + pairs("B"))
    yield Case(("ids/const.jsonl",), words=("train", "--map id=none"))
    yield Case(("ids/const.jsonl",), {"fields": {"id": "none"}}, pairs("C"))


def _repeats() -> Iterator[Case]:
    # Case and white space are what these rows are about.
    right = "I like apples from the village."
    wrong = (
        "i like apples from the village",
        "I like apples from the village",
        "I  like apples  from the village",
        "I LIKE apples from the village",
    )
    towns = _pairs(20, "he go to town {} yesterday", "He went to town {} yesterday.")
    rows = [(text, right) for text in wrong] + towns
    yield Case(("repeats/grammar.jsonl",), {"task": "grammar"}, rows)
    code = "if x:\n    y = 1"
    rows = [(text, code) for text in ("if x:\ny = 1", "if x:\n  y = 1", "if x: y = 1")]
    rows += _pairs(20, "a{0} = {0}", "A{0} = {0}")
    yield Case(("repeats/code.jsonl",), {"task": "rewrite"}, rows)


def _instruct() -> Iterator[Case]:
    fields = {"article": "instruction", "summary": "output"}
    twelve = [
        (f"Name item number {i} of the list.", f"The item numbered {i} is colour {7 * i}.")
        for i in range(1, 13)
    ]
    for name in ("alpaca.json", "alpaca.jsonl"):
        yield Case((f"instruct/{name}",), {"fields": fields}, twelve, notes=("input",))
    eight = _pairs(8, "Second question {}?", "Answer {}.")
    notes = ("system", "history", "input")
    yield Case(("instruct/alpaca_system_history.jsonl",), {"fields": fields}, eight, notes=notes)
    dolly = {"article": "instruction", "summary": "response"}
    things = _pairs(20, "Name thing {}.", "Thing {}.")
    notes = ("context", "category")
    yield Case(("instruct/dolly.jsonl",), {"fields": dolly}, things, notes=notes)
    orca = {"article": "question", "summary": "response"}
    asked = _pairs(20, "Q {}?", "A {}.")
    yield Case(("instruct/orca.jsonl",), {"fields": orca}, asked, notes=("system_prompt",))
    completion = {"article": "prompt", "summary": "completion"}
    classes = [(f"Classify: item {i} ->", f" class {i % 3}\n") for i in range(20)]
    yield Case(("instruct/prompt_completion.jsonl",), {"fields": completion}, classes)


def _others() -> Iterator[Case]:
    yield Case(
        ("splits/splitcol.jsonl",),
        {"split_column": "split"},
        _pairs(
            40,
            "X article number {0} about apples, pears and plums from village {0}.",
            "X summary {}.",
        ),
    )
    yield Case(
        ("new_tokens/loc.jsonl",),
        pairs=_pairs(30, "Article number {} about <loc> things.", "Short {}."),
    )


def all_cases() -> list[Case]:
    """Every case, folder by folder."""
    folders = (_json, _tables, _columns, _ids, _repeats, _instruct, _others)
    return [case for folder in folders for case in folder()]
