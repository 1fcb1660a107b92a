"""Text that looks like a control token is text: wherever it stands, it never becomes the token."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from support import oracle

from sftdata import build
from sftdata.loading.dataset import load
from sftdata.tokenizing.load import load_tokenizer

TOKENIZERS = ("gpt2", "smollm2", "qwen3", "mistral-v3")
# Of gemma3, whose 6,000 other added tokens, such as line breaks and HTML tags, are ordinary text.
GEMMA = {
    "<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>", "<start_of_image>",
    "<end_of_image>", "<image_soft_token>",
}  # fmt: skip
SPEC = """
task = "echo"
data = ["golden.jsonl"]
template = "echo/one"
tokenizer = "unset"
[fields]
id = "id"
a = "a"
b = "b"
[split]
train = 1.0
"""

pytestmark = pytest.mark.real

Row = dict[str, str]


def template(prompt: str, target: str, system: str = "") -> str:
    """A template of these blocks; the prompt gets the newline that it must end with."""
    head = f"{{% block system %}}{system}{{% endblock %}}\n" if system else ""
    return (
        f"{head}{{% block prompt %}}{prompt}\n{{% endblock %}}\n"
        f"{{% block target %}}{target}{{% endblock %}}"
    )


def assert_only_text(source: str, rows: Iterable[tuple[str, str]], folder: Path) -> None:
    """Builds (a, b) rows with a template; ids inside the text are no control tokens, and decode."""
    golden = [{"id": str(i), "a": a, "b": b} for i, (a, b) in enumerate(rows)]
    write_build(source, golden)
    manifest = build(spec="spec.toml", tokenizer=folder, out="out").manifest
    assert manifest["dropped"] == {}
    assert manifest["rows_out"] == len(golden)
    tokenizer = oracle.OracleTokenizer(folder)
    control = set(tokenizer.control.values())
    first = 0 if tokenizer.bos_id is None else 1
    texts = oracle.render_rows(source, golden)
    for example in load("out")["train"]:
        expected = tuple(tokenizer.as_stored(t) for t in texts[int(example.row_id)])
        assert not control & set(example.input_ids[first:-1].tolist()), expected
        assert tokenizer.decode_parts(example.input_ids, example.target_start) == expected


def write_build(source: str, golden: Iterable[Row]) -> None:
    """Writes the template, the spec and the rows."""
    home = Path("templates") / "echo"
    home.mkdir(parents=True, exist_ok=True)
    (home / "one.jinja").write_text(source, encoding="utf-8")
    Path("spec.toml").write_text(SPEC)
    Path("golden.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in golden), encoding="utf-8"
    )


def shared_start(tokens: list[str]) -> str:
    """The longest text that all of them start with."""
    first, last = min(tokens), max(tokens)
    length = next((i for i in range(len(first)) if first[i] != last[i]), len(first))
    return first[:length]


@pytest.fixture(params=TOKENIZERS)
def folder(request: pytest.FixtureRequest, shared: Path) -> Path:
    return shared / "tokenizers" / request.param


@pytest.fixture
def tokens(folder: Path) -> list[str]:
    """Every added token that is special or the chat template's."""
    return list(oracle.OracleTokenizer(folder).control)


def test_in_each_field_at_the_start_in_the_middle_at_the_end_and_alone(
    folder: Path, tokens: list[str]
) -> None:
    rows = []
    for token in tokens:
        for text in (token, f"{token} after", f"be{token}tween", f"before {token}", token * 3):
            rows += [(text, "plain"), ("plain", text)]
    assert_only_text(template("Text:\n{{ a }}\n\nEcho:", "{{ b }}"), rows, folder)


def test_split_at_each_point_over_the_seam_of_two_fields(folder: Path, tokens: list[str]) -> None:
    splits = [(t[:i], t[i:]) for t in tokens for i in range(1, len(t))]
    source = template("{{ a }}{{ b }}", "{{ a }}{{ b }}", system="{{ a }}{{ b }}")
    assert_only_text(source, splits, folder)


def test_whole_in_the_template_on_either_side_of_a_field(folder: Path, tokens: list[str]) -> None:
    text = "".join(f"{token}{{{{ a }}}}" for token in tokens) + "{{ b }}" + "".join(tokens)
    rows = [("text", "text"), (tokens[0], tokens[-1])]
    assert_only_text(template(text, text, system=text), rows, folder)


def test_its_start_is_the_templates_and_its_rest_the_fields(
    folder: Path, tokens: list[str]
) -> None:
    for start in sorted({token[0] for token in tokens}):
        rests = [t.removeprefix(start) for t in tokens if t.startswith(start)]
        assert_only_text(
            template(f"x{start}{{{{ a }}}}", f"{start}{{{{ b }}}}", system=f"{start}{{{{ a }}}}"),
            [(rest, rest) for rest in rests],
            folder,
        )


def test_its_start_is_the_fields_and_its_rest_the_templates(
    folder: Path, tokens: list[str]
) -> None:
    ends = {"|>", ">", "]"}
    for end in sorted(e for e in ends if any(t.endswith(e) for t in tokens)):
        starts = [t.removesuffix(end) for t in tokens if t.endswith(end)]
        assert_only_text(
            template(f"{{{{ a }}}}{end}", f"{{{{ b }}}}{end}", system=f"{{{{ a }}}}{end}"),
            [(start, start) for start in starts],
            folder,
        )


def test_its_start_ends_the_system_block_and_its_rest_starts_the_prompt(
    folder: Path, tokens: list[str]
) -> None:
    for character in sorted({token[0] for token in tokens}):
        group = [token for token in tokens if token[0] == character]
        start = shared_start(group) if len(group) > 1 else group[0][:-1]
        rests = [token.removeprefix(start) for token in group if token != start]
        source = template("{{ a }}", "{{ b }}", system=f"Be kind. {start}")
        assert_only_text(source, [(rest, rest) for rest in rests], folder)


def test_of_a_large_tokenizer_whole_and_split_at_each_point_over_a_seam(shared: Path) -> None:
    """All cases in one build: this tokenizer takes seconds to load."""
    folder = shared / "tokenizers" / "gemma3"
    tokenizer = load_tokenizer(str(folder))
    assert set(tokenizer.control_tokens) == GEMMA
    pairs = [(t[:at], t[at:]) for t in sorted(GEMMA) for at in range(1, len(t))]
    pairs += [(f"{token} a", f"b {token}") for token in sorted(GEMMA)]
    write_build(
        template("{{ a }}{{ b }}<{{ b }}", "{{ a }}{{ b }}", system="{{ a }}{{ b }}"),
        [{"id": str(i), "a": a, "b": b} for i, (a, b) in enumerate(pairs)],
    )
    manifest = build(spec="spec.toml", tokenizer=folder, out="out").manifest
    assert (manifest["rows_out"], manifest["dropped"]) == (len(pairs), {})
    for example in load("out")["train"]:
        first, *ids, last = example.input_ids.tolist()
        assert (first, last) == (tokenizer.control_tokens["<bos>"], tokenizer.eos_id)
        assert not tokenizer.control_ids & set(ids), pairs[int(example.row_id)]
