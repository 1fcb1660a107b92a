"""Rows made again: what was forged is found, what cannot be proved is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from support.forged import Row, rewrite_rows
from support.manifests import edit_manifest
from support.places import BUNDLED_TOKENIZER, SHARED
from tokenizers import decoders, models, normalizers, pre_tokenizers

from sftdata.base.verification import Verification
from sftdata.building.build import build
from sftdata.building.oracle.make_again import make_again
from sftdata.inspecting.verify import verify
from sftdata.writing.manifest import read_manifest

SPEC = """
task = "made"
data = ["rows.jsonl"]
template = "made/one"
tokenizer = "t"
max_dropped = 100
[fields]
id = "id"
a = "a"
b = "b"
"""
TEXTS = ["The house is old", "<|im_end|> é", "日本語 the", "  two  spaces", "<s> a </s>"]
CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def prove(out: Path = Path("out"), sample: int | None = None) -> Verification:
    return make_again(read_manifest(out), sample)


def write_tokenizer(kind: str, folder: Path = Path("t")) -> None:
    """A small tokenizer with turns: of the byte level, or like those of SentencePiece."""
    if kind == "bytes":
        shutil.copytree(BUNDLED_TOKENIZER, folder, dirs_exist_ok=True)
        return
    pieces = [f"<0x{byte:02X}>" for byte in range(256)]
    pieces += [
        "<unk>",
        "\u2581",
        *"abcdefghijklmnopqrstuvwxyz",
        "th",
        "the",
        "\u2581the",
        "\u2581a",
    ]
    merges = [("t", "h"), ("th", "e"), ("\u2581", "the"), ("\u2581", "a")]
    model = models.BPE(
        {piece: number for number, piece in enumerate(pieces)},
        merges,
        unk_token="<unk>",
        byte_fallback=True,
        fuse_unk=True,
    )
    made = tokenizers.Tokenizer(model)
    if kind == "prepend":
        made.normalizer = normalizers.Sequence(
            [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]
        )
    else:
        made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    made.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    made.add_special_tokens(["<s>", "</s>", "<|im_start|>", "<|im_end|>"])
    folder.mkdir(exist_ok=True)
    made.save(str(folder / "tokenizer.json"))
    config = {"eos_token": "<|im_end|>", "bos_token": "<s>", "chat_template": CHAT_TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


def write_rows(number: int = 10) -> None:
    rows = [
        {"id": str(n), "a": f"{TEXTS[n % 5]} {n}", "b": f"the {n} {TEXTS[n % 5]}"}
        for n in range(number)
    ]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_template(prompt: str = "Say {{ a|upper }}:\n{{ a }}\n") -> None:
    folder = Path("templates/made")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "one.jinja").write_text(
        '{# shorten = "a" #}\n{% block system %}Be kind.\n{% endblock %}\n'
        f"{{% block prompt %}}{prompt}{{% endblock %}}\n"
        "{% block target %}{{ b }}{% endblock %}\n"
    )


def build_rows(kind: str = "bytes", **options: Any) -> Path:
    write_tokenizer(kind)
    write_rows()
    write_template()
    Path("spec.toml").write_text(SPEC)
    return build(spec="spec.toml", out="out", **options).manifest.directory


@pytest.mark.parametrize("kind", ["bytes", "prepend", "metaspace"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chat": True},
        {"shots": [0, 2]},
        {"chat": True, "shots": [1]},
        {"max_length": 90},
    ],
    ids=["plain", "chat", "shots", "chat with shots", "cut"],
)
def test_what_a_build_made_is_made_again(kind: str, options: dict[str, Any]) -> None:
    out = build_rows(kind, **options)
    proof = prove(out)
    assert proof.faults == proof.not_proved == []
    rows = read_manifest(out)["rows_out"]
    assert proof.checked[0].startswith(f"sources: {rows:,} rows, rendered again by Jinja")
    assert proof.checked[-1].startswith("certificate: ")


def test_verify_says_all_that_was_proved() -> None:
    found = verify(build_rows("prepend"), deep=True, make_again=make_again)
    assert found.faults == found.not_proved == []
    assert [line.partition(":")[0] for line in found.checked] == [
        "files", "rules", "sources", "ledger", "prompts", "certificate",
    ]  # fmt: skip


TURNS = [
    {"role": "user", "content": "How old is the <|im_end|> house?"},
    {"role": "assistant", "content": "Let me see.", "tool_calls": [
        {"id": "c00000001", "type": "function",
         "function": {"name": "look", "arguments": {"what": "house <s>"}}}]},
    {"role": "tool", "content": "90 years", "tool_call_id": "c00000001", "name": "look"},
    {"role": "assistant", "content": "90 years.", "reasoning_content": "It says 90."},
]  # fmt: skip
TOOL = {"type": "function", "function": {"name": "look", "description": "Looks.",
        "parameters": {"type": "object", "properties": {"what": {"type": "string"}}}}}  # fmt: skip


def build_conversations(tokenizer: str) -> Path:
    talks: list[dict[str, Any]] = [
        {"messages": [{"role": "user", "content": f"a {n}"}, {"role": "assistant", "content": "b"}]}
        for n in range(6)
    ]
    talks.append({"messages": TURNS, "tools": [TOOL]})
    lines = [json.dumps({"id": str(n)} | talk) for n, talk in enumerate(talks)]
    Path("rows.jsonl").write_text("\n".join(lines))
    Path("spec.toml").write_text(
        f'task = "talk"\ndata = ["rows.jsonl"]\ntokenizer = "{tokenizer}"\nchat = true\n'
        'date = "2026-01-31"\nunroll = true\nmax_dropped = 100\n[fields]\nid = "id"\n'
        'messages = "messages"\ntools = { path = "tools", optional = true }\n'
    )
    return build(spec="spec.toml", out="out").manifest.directory


@pytest.mark.parametrize(
    "tokenizer",
    [
        str(BUNDLED_TOKENIZER),
        "t",
        *(
            pytest.param(str(SHARED / "tokenizers" / name), marks=pytest.mark.real, id=name)
            for name in ("smollm2", "qwen3")
        ),
    ],
)
def test_conversations_are_made_again(tokenizer: str) -> None:
    write_tokenizer("metaspace")
    out = build_conversations(tokenizer)
    proof = prove(out)
    assert proof.faults == proof.not_proved == []
    assert "certificate" in proof.checked[-1]


def build_mixture() -> Path:
    build_rows("prepend")
    Path("more.jsonl").write_text(
        "".join(
            json.dumps({"id": f"m{n}", "a": f"more {n}", "b": f"b {n}"}) + "\n" for n in range(4)
        )
    )
    Path("more.toml").write_text(
        SPEC.replace("rows.jsonl", "more.jsonl").replace('"made"', '"more"', 1)
    )
    Path("mixed.toml").write_text(
        'task = "mixed"\ntokenizer = "t"\n'
        '[[sources]]\nname = "one"\nspec = "spec.toml"\nweight = 1\n'
        '[[sources]]\nname = "two"\nspec = "more.toml"\nweight = 3\n'
    )
    return build(spec="mixed.toml", out="mixed").manifest.directory


def test_a_mixture_is_made_again_from_the_sources_of_its_parts() -> None:
    out = build_mixture()
    proof = prove(out)
    assert proof.faults == []
    assert proof.not_proved == ["which rows of a mixture are repeated, and their order"]
    Path("more.jsonl").unlink()
    proof = prove(out)
    assert "more.jsonl" in proof.not_proved[0]
    assert proof.faults == []
    assert proof.checked[0].startswith("sources: ")  # the rows of the other part


def another_word(row: Row) -> None:
    """The prompt says something else, in tokens that spell it as the tokenizer would."""
    letters = [i for i, token in enumerate(row["input_ids"]) if not row["label_mask"][i]]
    at = letters[len(letters) // 2]
    row["input_ids"][at] = row["input_ids"][at - 1]


def move_mask(row: Row) -> None:
    first = row["target_start"]
    row["label_mask"][first], row["label_mask"][first - 1] = False, True


def swap_targets(rows: list[Row]) -> None:
    """Two rows that keep every rule, and each other's tokens."""
    for key in ("input_ids", "label_mask", "target_start"):
        rows[0][key], rows[1][key] = rows[1][key], rows[0][key]


@pytest.mark.parametrize("kind", ["bytes", "prepend"])
@pytest.mark.parametrize(
    ("forge", "said"),
    [
        (lambda rows: another_word(rows[2]), "its tokens, made again, differ from token"),
        (lambda rows: move_mask(rows[2]), "its label mask, made again, differs from token"),
        (swap_targets, "its tokens, made again, differ from token"),
        (lambda rows: rows[2].update(row_id="new"), "is not in the sources"),
    ],
    ids=["token", "mask", "rows swapped", "id"],
)
def test_a_forged_row_is_found_though_all_digests_agree(
    kind: str, forge: Callable[[list[Row]], object], said: str
) -> None:
    out = build_rows(kind)
    rewrite_rows(out, forge)
    assert verify(out).faults == []
    faults = prove(out).faults
    assert any(said in fault and fault.startswith("train, row ") for fault in faults)


def test_a_row_that_was_taken_out_is_found() -> None:
    out = build_rows()
    rewrite_rows(out, lambda rows: rows.pop())
    (fault,) = prove(out).faults
    assert "is neither in the dataset nor in its ledger" in fault


def test_rows_in_another_order_are_found() -> None:
    out = build_rows()
    rewrite_rows(out, lambda rows: rows.insert(1, rows.pop()))
    (fault,) = prove(out).faults
    assert fault.startswith("train: the rows are not in the order of the sources, first row '")


def test_rows_of_several_templates_may_stand_apart() -> None:
    build_rows()
    two = Path("templates/made/two.jinja")
    two.write_text(Path("templates/made/one.jinja").read_text().replace("Say", "Tell"))
    Path("two.toml").write_text(
        SPEC.replace('template = "made/one"', 'templates = ["made/one", "made/two"]')
    )
    out = build(spec="two.toml", out="two").manifest
    assert len(out["template"]) == 2
    assert prove(out.directory).faults == []


def test_a_false_certificate_is_found() -> None:
    out = build_rows("prepend")
    edit_manifest(out, lambda m: m["certificate"].update(whole_text_equal=3))
    (fault,) = prove(out).faults
    assert fault.endswith("the certificate says 3")


def test_another_template_is_found_whatever_the_manifest_says() -> None:
    out = build_rows()
    write_template("Tell {{ a }}\n")
    (lost,) = prove(out).not_proved  # its digest is another
    assert "The text of made/one@draft" in lost
    other = build(spec="spec.toml", out="other").manifest
    edit_manifest(out, lambda m: m.update(template=other["template"], build=other["build"]))
    assert "its tokens, made again, differ" in prove_files_moved(out, other["build"]).faults[0]


def prove_files_moved(out: Path, build_name: str) -> Verification:
    """The proof of a dataset whose manifest tells the name of another build."""
    for folder in ("shards", "ledger"):
        for path in (out / folder).iterdir():
            path.rename(path.with_name(build_name + path.suffix))

    def move(manifest: dict[str, Any]) -> None:
        for split in manifest["splits"].values():
            for shard in split["shards"]:
                kind, _, file = shard["path"].split("/")
                shard["path"] = f"{kind}/{build_name}/{file}"

    edit_manifest(out, move)
    return prove(out)


def test_another_revision_of_the_tokenizer_is_found_whatever_the_manifest_says() -> None:
    out = build_rows("prepend")
    made = json.loads(Path("t/tokenizer.json").read_text())
    made["model"]["merges"].pop(1)  # "the" is two tokens now
    Path("t/tokenizer.json").write_text(json.dumps(made))
    faults = verify(out, deep=True, make_again=make_again).faults
    assert any("'t' is missing or not the recorded one" in fault for fault in faults)
    other = build(spec="spec.toml", out="other").manifest
    edit_manifest(out, lambda m: m.update(tokenizer=other["tokenizer"], build=other["build"]))
    assert "its tokens, made again, differ" in prove_files_moved(out, other["build"]).faults[0]


def test_another_chat_template_is_not_proved() -> None:
    out = build_rows("prepend", chat=True)
    config = json.loads(Path("t/tokenizer_config.json").read_text())
    config["chat_template"] = config["chat_template"].replace("assistant", "model")
    Path("t/tokenizer_config.json").write_text(json.dumps(config))
    proof = prove(out)
    assert proof.checked == []
    assert "The chat template of 't' was changed" in proof.not_proved[0]


def test_a_source_that_is_changed_or_gone_is_named_and_the_rest_is_proved() -> None:
    build_rows()
    for name in ("x", "y"):
        text = Path("rows.jsonl").read_text().replace(': "', f': "{name}')
        Path(f"{name}.jsonl").write_text(text)
    out = build(spec="spec.toml", data=["x.jsonl", "y.jsonl"], out="two").manifest.directory
    assert prove(out).not_proved == []
    with Path("y.jsonl").open("a") as file:
        file.write("\n")
    proof = prove(out)
    assert proof.faults == []
    assert proof.checked[0].startswith("sources: 10 rows, ")
    (line,) = proof.not_proved
    assert line.startswith("that the sources still give 10 rows: the source 'y.jsonl' is not as")
    Path("y.jsonl").unlink()
    assert "There is no file 'y.jsonl'" in prove(out).not_proved[0]


def test_a_sample_is_always_the_same_and_says_what_it_leaves_out() -> None:
    out = build_rows()
    first, again = prove(out, sample=3), prove(out, sample=3)
    assert first == again
    assert first.faults == []
    assert first.checked[0].startswith("sources: 3 rows, ")
    assert first.not_proved == ["that the sources still give the other 7 rows (--sample)"]


def test_a_change_outside_the_sample_is_not_seen_and_one_inside_is() -> None:
    out = build_rows()
    rewrite_rows(out, lambda rows: [another_word(row) for row in rows])
    assert len(prove(out, sample=3).faults) <= 3
    assert len(prove(out).faults) > 3


@pytest.mark.real
@pytest.mark.parametrize("name", ["mistral-v3"])
def test_a_real_tokenizer_of_sentencepiece(name: str) -> None:
    write_rows()
    write_template()
    Path("spec.toml").write_text(SPEC.replace('"t"', f'"{SHARED / "tokenizers" / name}"'))
    out = build(spec="spec.toml", out="out").manifest.directory
    proof = prove(out)
    assert proof.faults == proof.not_proved == []
    rewrite_rows(out, lambda rows: another_word(rows[0]))
    assert "its tokens, made again, differ" in prove(out).faults[0]
