"""Hostile names of tasks, columns, tools, sources, rows and models: shown by every view as text."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from markdown_it import MarkdownIt
from support.fake_hub import logged_in
from support.injection import raw
from support.made_chats import make_tokenizer
from support.passports import EVALUATION, SOURCE, write_adapter
from support.places import BUNDLED_TOKENIZER

from sftdata.cli import main

# huggingface_hub sends files in a way that its HTTP library calls old.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

NAME = (
    "x\x1b]0;PWNED\x07\x9b31m\u202e\u200b<script>alert(1)</script><img src=x onerror=alert(1)>"
    "[a](http://127.0.0.1:9/a)![b](http://127.0.0.1:9/b)|`c`|[bold]\nFORGED: line\n```\n# FORGED\r"
)
FILE_NAME = NAME.replace("/", "∕")
CHAT = (
    "{%- if tools %}<|im_start|>system\n{{ tools | tojson }}<|im_end|>\n{% endif -%}"
    "{%- for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}"
    "{%- for call in m.tool_calls or [] %}<call>{{ call.function.name }}"
    "{{ call.function.arguments | tojson }}</call>{% endfor -%}<|im_end|>\n{% endfor -%}"
    "{%- if add_generation_prompt %}<|im_start|>assistant\n{% endif -%}"
)
TOOL = {
    "type": "function",
    "function": {"name": NAME, "description": NAME, "parameters": {"type": "object"}},
}
CALL = {"id": "call00001", "type": "function", "function": {"name": NAME, "arguments": {NAME: 1}}}


def quoted(text: str) -> str:
    """A string of TOML."""
    return json.dumps(text)


def write_sources(tokenizer: Path) -> None:
    """Rows of a template and of conversations, a spec for each, and mixtures of the first."""
    plain = [
        {"id": f"{n} {NAME}", NAME: f"text {n} of them", "b": f"word {n}", f"unread {NAME}": "u"}
        for n in range(4)
    ]
    plain.append({"id": f"dropped {NAME}", NAME: "", "b": "c", f"unread {NAME}": "u"})
    talks = [
        {
            "id": f"{n} talk {NAME}",
            "messages": [
                {"role": "user", "content": f"ask {n}"},
                {"role": "assistant", "content": "", "tool_calls": [CALL]},
                {"role": "tool", "content": "1", "tool_call_id": "call00001", "name": NAME},
                {"role": "assistant", "content": f"answer {n}"},
            ],
            "tools": [TOOL],
        }
        for n in range(4)
    ]
    column = quoted(f'"{NAME}"')
    fields = {
        "plain": f"a = {column}\nb = 'b'",
        "talks": "messages = 'messages'\ntools = { path = 'tools', optional = true }",
    }
    for kind, rows in (("plain", plain), ("talks", talks)):
        file = f"{kind} {FILE_NAME}.jsonl"
        Path(file).write_text("".join(json.dumps(row) + "\n" for row in rows))
        shape = "template = 'echo/one'" if kind == "plain" else "chat = true"
        Path(f"{kind} {FILE_NAME}.toml").write_text(
            f"task = {quoted(NAME)}\ndescription = {quoted(NAME)}\nlicense = {quoted(NAME)}\n"
            f"data = [{quoted(file)}]\n{shape}\ntokenizer = {quoted(str(tokenizer))}\n"
            f"max_dropped = 50\n[fields]\nid = 'id'\n{fields[kind]}\n[split]\ntrain = 1\n"
        )
    for name, source in (("mix", "plain"), ("refused", NAME)):
        Path(f"{name}.toml").write_text(
            f"task = {quoted(NAME)}\nsplit = {{ train = 1 }}\n[[sources]]\nname = "
            f"{quoted(source)}\nspec = {quoted(f'plain {FILE_NAME}.toml')}\nmax_dropped = 50\n"
        )
    home = Path("templates") / "echo"
    home.mkdir(parents=True)
    (home / "one.jinja").write_text(
        "{% block prompt %}{{ a }}\n{% endblock %}{% block target %}{{ b }}{% endblock %}"
    )


def sftdata(*arguments: str | Path, code: int | None = 0) -> str:
    """What a command of this process prints, on both streams."""
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
    ):
        patch.setattr(sys, "argv", ["sftdata", *map(str, arguments)])
        ended: Any = 0
        try:
            main()
        except SystemExit as end:
            ended = end.code or 0
    printed.seek(0)
    text = printed.read()
    assert code is None or ended == code, text
    return text


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Each view by its name; a page's ends in .html, a card's in .md."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("views"))
        tokenizer = make_tokenizer(BUNDLED_TOKENIZER, CHAT, Path(f"tokenizer {FILE_NAME}"))
        write_sources(tokenizer)
        yield dict([*views_of_datasets(), *views_of_models(tokenizer), *views_of_runs()])


def views_of_datasets() -> Iterator[tuple[str, str]]:
    plain, talks, mix = (Path(f"{kind} {FILE_NAME}") for kind in ("plain", "talks", "mix"))
    for kind, out in (("plain", plain), ("talks", talks)):
        spec = f"{kind} {FILE_NAME}.toml"
        yield f"build {kind}", sftdata("build", "--spec", spec, "--out", out)
    yield "build mix", sftdata("build", "--spec", "mix.toml", "--out", mix)
    for kind, out in (("plain", plain), ("talks", talks), ("mix", mix)):
        yield f"card {kind}.md", (out / "README.md").read_text()
        every = ("--view", "text", "--view", "tokens", "--view", "labels")
        yield f"inspect {kind}", sftdata("inspect", out, *every)
        yield f"inspect {kind} json", sftdata("inspect", out, "--json")
        sftdata("inspect", out, "--html", "rows.html")
        yield f"inspect {kind}.html", Path("rows.html").read_text()
        yield f"stats {kind}", sftdata("stats", out)
        yield f"doctor {kind}", sftdata("doctor", out, "--sarif", "doctor.sarif", code=None)
        yield f"sarif {kind}", Path("doctor.sarif").read_text()
        yield f"ledger {kind}", sftdata("ledger", out)
        yield f"verify {kind}", sftdata("verify", out)
        sftdata("report", out, "-o", "report.html", "--against", plain)
        yield f"report {kind}.html", Path("report.html").read_text()
    yield "build again", sftdata("build", "--spec", "mix.toml", "--out", mix)
    yield "diff", sftdata("diff", plain, mix, "--html", "diff.html")
    yield "diff.html", Path("diff.html").read_text()
    yield "export", sftdata("export", mix, "--to", "jsonl", "--out", "e", "--allow-draft")
    yield "export card.md", (Path("e") / "README.md").read_text()
    with logged_in() as hub:
        yield "push", sftdata("push", mix, "hf:me/made", "--allow-draft", "--with-text")
        (repo,) = hub.repos.values()
        yield "pushed card.md", repo.files["README.md"].decode()
    shard = next(plain.glob("shards/*/*.arrow"))
    shard.write_bytes(shard.read_bytes()[:-9])
    yield "verify damaged", sftdata("verify", plain, code=3)
    yield "error mix", sftdata("build", "--spec", "refused.toml", "--out", "o", code=1)
    yield "error usage", sftdata("stats", plain, NAME, code=2)
    yield "error inspect", sftdata("inspect", mix, "--row", NAME, code=1)
    Path("plain.jsonl").write_text(json.dumps({NAME: 1}) + "\n")
    spec = f"plain {FILE_NAME}.toml"
    yield "error build", sftdata("build", "--spec", spec, "--data", "plain.jsonl", code=1)
    yield "error json", sftdata("build", "--spec", NAME, "--json", code=1)


def views_of_models(tokenizer: Path) -> Iterator[tuple[str, str]]:
    """The card of a model whose passport is hostile, pushed and on disk."""
    adapter = write_adapter(
        Path(f"adapter {FILE_NAME}"),
        tokenizer,
        base_model={"name": NAME, "files": {}},
        templates={
            f"made/{name}@1.0.0": {"sha256": NAME, "source": SOURCE.replace("Say:", NAME)}
            for name in "ab"
        },
        recipe={NAME: NAME, "method": "lora"},
        libraries={NAME: NAME},
        data={
            "build": NAME, "task": NAME, "draft": False, "shots": [0], "split": NAME,
            "manifest_sha256": NAME, "rows": 4, "target_tokens": 9, "shards": [],
        },
    )  # fmt: skip
    found = json.loads(json.dumps(EVALUATION).replace('"made"', quoted(NAME)))
    found |= {"split": NAME, "build": NAME}
    for result in found["results"]:
        result["system"] = result["scores"][NAME][0]["name"] = NAME
    Path("eval.json").write_text(json.dumps(found))
    with logged_in() as hub:
        yield "push model", sftdata("push", adapter, "hf:me/a", "--evaluation", "eval.json")
        (repo,) = hub.repos.values()
        yield "model card.md", repo.files["README.md"].decode()


def views_of_runs() -> Iterator[tuple[str, str]]:
    """The pages of evaluations, and their tables in a terminal."""
    from sftdata.cli.eval import _tables
    from sftdata_train.evaluating.comparison import compare_scores
    from sftdata_train.evaluating.page import render_evaluation
    from sftdata_train.evaluating.rows import EvaluatedRow, measure
    from sftdata_train.evaluating.run_record import save_evaluation

    rows = [
        EvaluatedRow(
            row_id=f"{n} {NAME}", task=NAME, shots=0, prompt=NAME, source=None,
            references=["right"], targets=4, losses={"base": 9.0, "tuned": 2.0},
            answers={"base": NAME, "tuned": f"right {NAME}"},
        )
        for n in range(3)
    ]  # fmt: skip
    results = [measure(rows, system, 0) for system in ("base", "tuned")]
    # The attributes of an Evaluation, whose class loads torch.
    evaluation: Any = SimpleNamespace(
        **dict.fromkeys(("dataset", "build", "split", "model", "adapter"), NAME),
        decoding=SimpleNamespace(describe=lambda: NAME.replace("\n", " ")),
        rows_left_out=0,
        results=results,
        comparisons=compare_scores(NAME, 0, *(result.scores[NAME] for result in results)),
        gallery=[
            SimpleNamespace(row_id=NAME, prompt=NAME, reference=NAME, answers={NAME: f"a {NAME}"})
        ],
    )
    yield "evaluation.html", render_evaluation(evaluation)
    yield "evaluation", _tables(evaluation)
    runs = [Path(f"{name} {FILE_NAME}.json") for name in "ab"]
    for run in runs:
        save_evaluation(run, {NAME: run.name, "templates": {NAME: run.name}}, rows)
    yield "compare-runs", sftdata("compare-runs", *runs, "--html", "runs.html")
    yield "runs.html", Path("runs.html").read_text()


class Elements(HTMLParser):
    """The elements of a page, and the attributes that name an address or run code."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.active: set[tuple[str, str | None]] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.active |= {(n, v) for n, v in attrs if n in ("href", "src") or n.startswith("on")}


def test_no_view_holds_what_a_terminal_acts_on_or_nobody_sees(views: dict[str, str]) -> None:
    found = {name: raw(text) for name, text in views.items()}
    assert {name: characters for name, characters in found.items() if characters} == {}


def test_in_a_terminal_no_name_forges_a_line(views: dict[str, str]) -> None:
    """The text of a conversation, where a template may write a tool's name, has its own lines."""
    skipped = (".html", ".md", "inspect talks")
    terminal = {name: text for name, text in views.items() if not name.endswith(skipped)}
    assert len(terminal) > 25
    lines = [(name, line) for name, text in terminal.items() for line in text.splitlines()]
    assert [(name, line) for name, line in lines if line.startswith(("FORGED", "# FORGED"))] == []


def test_a_page_has_no_element_or_address_of_a_name(views: dict[str, str]) -> None:
    pages = {name: Elements(text) for name, text in views.items() if name.endswith(".html")}
    assert len(pages) == 9
    for name, page in pages.items():
        assert not page.elements & {"script", "img", "iframe", "object", "form"}, name
        assert all(n == "href" and str(v).startswith(("#", "data:,")) for n, v in page.active), name
        assert "&lt;script&gt;" in views[name], f"{name} shows the names"


def test_a_card_has_no_link_image_html_or_cell_of_a_name(views: dict[str, str]) -> None:
    cards = {name: text for name, text in views.items() if name.endswith(".md")}
    assert len(cards) == 6
    for name, text in cards.items():
        body = text.partition("\n---\n")[2] if text.startswith("---\n") else text
        tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(body)
        inline = [child for token in tokens for child in token.children or []]
        kinds = {token.type for token in (*tokens, *inline)}
        assert not [kind for kind in kinds if kind.startswith(("html", "link"))], name
        images = {str(token.attrs["src"]) for token in inline if token.type == "image"}
        assert images <= {"plots/lengths.svg", "plots/tokens.svg"}, name
        lines = body.splitlines()
        titles = [lines[t.map[0]] for t in tokens if t.type == "heading_open" and t.map]
        assert not [line for line in titles if line.startswith("# FORGED")], name
        for table in tables(tokens):
            assert len(set(table)) == 1, f"{name}: rows of a table have as many cells as its head"


def tables(tokens: list[Any]) -> Iterator[list[int]]:
    """The cells of each row of each table, counted."""
    cells: list[int] = []
    for token in tokens:
        if token.type == "table_open":
            cells = []
        elif token.type == "tr_open":
            cells.append(0)
        elif token.type in ("td_open", "th_open"):
            cells[-1] += 1
        elif token.type == "table_close":
            yield cells
