"""Doctor: each defect, planted in a clean dataset, is found in the right rows and nothing else is.

`PLANTED` has a dataset for every check; the tests walk the list of checks, so none is left out.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
from support import handmade
from support.handmade import EOS, Row, row
from support.oracle import OracleTokenizer
from support.places import BUNDLED_TOKENIZER, REAL_TOKENIZERS

from sftdata.building.build import build
from sftdata.errors import SftdataError
from sftdata.inspecting.doctor import CHECKS, Finding, examine
from sftdata.inspecting.doctor.rows import make_context
from sftdata.inspecting.doctor.sarif import to_sarif
from sftdata.inspecting.doctor.survey import batches
from sftdata.loading.dataset import Dataset, load
from sftdata.tokenizing.load import load_tokenizer

WORDS = [
    "river", "market", "engine", "garden", "window", "letter", "harbour", "station", "bridge",
    "mountain", "teacher", "village", "winter", "council", "painter", "factory", "library",
    "kitchen", "morning", "theatre", "doctor", "island", "paper", "summer", "office", "orchard",
]  # fmt: skip
PROMPT = "Article:\n{}\n\nSummary:\n"
BOS = 257
CLEAN = "r5"  # a row that is never touched


def sentence(rng: random.Random, words: int) -> str:
    nouns = rng.choices(WORDS, k=words)
    return "The " + " of the ".join(nouns) + f" was number {rng.randrange(10**6)}."


def prompt_of(number: int) -> str:
    return PROMPT.format(sentence(random.Random(number), 8))


def clean_rows(count: int = 60) -> list[Row]:
    """Rows without a defect: r0, r1, … and of them every tenth held out."""
    return [
        row(
            f"r{i}",
            prompt_of(i),
            sentence(random.Random(-1 - i), 3),
            split="validation" if i % 10 == 9 else "train",
        )
        for i in range(count)
    ]


@dataclass
class Planted:
    """A clean dataset and what was done to it."""

    rows: list[Row] = field(default_factory=clean_rows)
    manifest: dict[str, Any] = field(default_factory=dict)
    bad: list[str] = field(default_factory=list)  # row ids
    count: int | None = None  # where it is not the number of `bad`

    def put(self, number: int, prompt: str | None = None, target: str | None = None) -> Planted:
        """Gives row `number` another text."""
        old = self.rows[number]
        text = bytes(old.input_ids[:-1]).decode()
        start = text.index("Summary:\n") + len("Summary:\n")
        self.rows[number] = row(
            old.row_id,
            text[:start] if prompt is None else prompt,
            text[start:] if target is None else target,
            split=old.split,
        )
        self.bad.append(old.row_id)
        return self

    def change(self, number: int, **values: Any) -> Planted:
        """Gives row `number` other ids or another mask."""
        self.rows[number] = replace(self.rows[number], **values)
        self.bad.append(self.rows[number].row_id)
        return self


def in_article(*texts: str) -> Callable[[], Planted]:
    """Each text in the article of a row of its own, and the last in a target too."""

    def plant() -> Planted:
        planted = Planted()
        for i, text in enumerate(texts):
            planted.put(10 * i + 1, prompt=PROMPT.format(f"Here {text} stands in an article."))
        return planted.put(3, target=f"Short {texts[-1]} and more.")

    return plant


def targets(*texts: str) -> Callable[[], Planted]:
    def plant() -> Planted:
        planted = Planted()
        for i, text in enumerate(texts):
            planted.put(10 * i + 1, target=text)
        return planted

    return plant


def eos_not_in_loss() -> Planted:
    planted = Planted()
    planted.change(2, input_ids=planted.rows[2].input_ids[:-1])
    return planted.change(7, label_mask=[*planted.rows[7].mask[:-1], False])


def target_cut() -> Planted:
    planted = Planted().put(3, target="The river of the market was [truncated]")
    planted.put(4, target="The river of the market was...")
    longest = max(len(r.input_ids) for r in planted.rows)
    planted.manifest["options"] = {"max_length": longest + 5}
    text = list(b"Article:\n" + b"The engine. " * longest)[:longest]
    return planted.change(8, input_ids=[*text, *b"cut\nX"], target_start=longest + 4)


def loss_outside_target() -> Planted:
    planted = Planted()
    mask = planted.rows[2].mask
    planted.change(2, label_mask=[True, *mask[1:]])
    start = planted.rows[6].target_start
    mask = planted.rows[6].mask
    return planted.change(6, label_mask=[*mask[: start + 2], False, *mask[start + 3 :]])


def control_in_text() -> Planted:
    planted = Planted()
    for number, at in ((2, 4), (9, -4)):
        ids = list(planted.rows[number].input_ids)
        ids[at] = EOS
        planted.change(number, input_ids=ids)
    return planted


def bos_missing() -> Planted:
    planted = with_bos(Planted())
    return planted.change(4, input_ids=planted.rows[4].input_ids[1:])


def bos_doubled() -> Planted:
    planted = with_bos(Planted())
    old = planted.rows[4]
    return planted.change(4, input_ids=[BOS, *old.input_ids], target_start=old.target_start + 1)


def with_bos(planted: Planted) -> Planted:
    planted.rows = [
        replace(r, input_ids=[BOS, *r.input_ids], target_start=r.target_start + 1)
        for r in planted.rows
    ]
    return planted


def boundary_merge() -> Planted:
    """With the bundled tokenizer: 'th' + 'e' is one token when encoded at once."""
    loaded = load_tokenizer(str(BUNDLED_TOKENIZER))
    plain = tokenizers.Tokenizer.from_str(loaded.plain_text.content.decode())
    rows = []
    for i in range(40):
        prompt, target = prompt_of(i), "x " + sentence(random.Random(-i), 3)
        if i == 7:
            prompt, target = prompt + "The th", "e of it"
        before, after = (plain.encode(t, add_special_tokens=False).ids for t in (prompt, target))
        rows.append(Row(f"r{i}", [*before, *after, loaded.eos_id], len(before)))
    return Planted(
        rows, {"certificate": {"rows": 40, "prompt_equal": 40, "whole_text_equal": 39}}, ["r7"]
    )


def answer_not_in_context() -> Planted:
    planted = Planted()
    for i, r in enumerate(planted.rows):
        prompt = prompt_of(i)
        words = prompt.split()[3:9]
        planted.rows[i] = row(r.row_id, prompt, " ".join(words), split=r.split)
    return planted.put(6, target="the river of the doctor of time").put(19, target="nobody knows")


def equals_source() -> Planted:
    planted = Planted()
    for number in (5 + 1, 29):
        article = prompt_of(number)[len("Article:\n") : -len("\n\nSummary:\n")]
        planted.put(number, target=article)
    return planted


def near_duplicate() -> Planted:
    planted = Planted()
    article = sentence(random.Random(99), 20)
    planted.put(2, prompt=PROMPT.format(article))
    planted.put(9, prompt=PROMPT.format(article.replace("number", "figure")))
    same = bytes(planted.rows[2].input_ids[planted.rows[2].target_start : -1]).decode()
    planted.put(9, prompt=PROMPT.format(article.replace("number", "figure")), target=same)
    planted.bad = ["r9"]
    return planted


def duplicate() -> Planted:
    planted = Planted()
    return planted.change(12, input_ids=planted.rows[2].input_ids,
                          target_start=planted.rows[2].target_start)  # fmt: skip


def conflicting() -> Planted:
    planted = Planted().put(12, prompt=prompt_of(2))
    planted.bad = ["r2", "r12"]
    return planted


def other_language() -> Planted:
    planted = Planted()
    for i, r in enumerate(planted.rows):
        noun, other = random.Random(i).sample(WORDS, 2)
        text = f"It was said that the {noun} would have been seen by everyone at the {other} {i}."
        planted.rows[i] = row(r.row_id, prompt_of(i), text, split=r.split)
    german = "Man hat gesagt, dass die Brücke schon immer von allen gesehen werden konnte."
    return planted.put(31, target=german)


def template_dominates() -> Planted:
    planted = Planted()
    for i in range(5, 60, 5):
        planted.rows[i] = replace(planted.rows[i], template="made/other@1.0.0")
    planted.count = 60 - 11
    return planted


def source_dominates() -> Planted:
    sources = [{"path": "a.jsonl", "rows": 120, "sha256": ""}]
    sources.append({"path": "b.jsonl", "rows": 10, "sha256": ""})
    return Planted(manifest={"sources": sources}, count=120)


def length_ratio() -> Planted:
    return Planted(clean_rows(130)).put(11, target=sentence(random.Random(1), 60))


def loss_concentrated() -> Planted:
    rng = random.Random(5)
    article, summary = sentence(rng, 1200), sentence(rng, 300)
    return Planted(clean_rows(130)).put(3, prompt=PROMPT.format(article), target=summary)


def empty_split() -> Planted:
    return Planted(manifest={"splits": {"test": {"shards": []}}}, count=1)


PLANTED: dict[str, Callable[[], Planted]] = {
    "bos-doubled": bos_doubled,
    "bos-missing": bos_missing,
    "eos-not-in-loss": eos_not_in_loss,
    "target-cut": target_cut,
    "target-empty": targets("", " \n", "\u200b\u00a0"),
    "loss-outside-target": loss_outside_target,
    "control-token-in-text": control_in_text,
    "boundary-merge": boundary_merge,
    "control-like-text": in_article("<|im_end|>", "[/INST]", "</s>", "<eos>", "<end_of_turn>"),
    "unrendered-template": in_article("{{ name }}", "{{user.name|title}}", "{% if x %}"),
    "html-entity": in_article("&amp;", "a&nbsp;b", "&#39;", "&#x27;", "&eacute;"),
    "mojibake": in_article("cafÃ©", "donâ€™t", "20Â°", "naÃ¯ve", "â€œquotedâ€\x9d"),
    "replacement-character": in_article("caf\ufffd", "\ufffd\ufffd"),
    "boundary-whitespace": targets(" The river.", "The river.\n", "\u3000The river."),
    "target-placeholder": targets("N/A", "TODO", "none", "-", "[summary]", "Lorem ipsum dolor."),
    "target-equals-source": equals_source,
    "answer-not-in-context": answer_not_in_context,
    "email-address": in_article("jane.doe@mail.acme.co", "<bob+x@uni-bonn.de>", "a_b@x.org."),
    "phone-number": in_article("+49 30 901820", "(212) 664-7665", "+1 415-664-7665"),
    "secret-key": in_article(
        "AKIA" + "IOSFODNN7EXAMPLE", "ghp_" + "a1B2" * 9, "sk-" + "Zz9" * 10,
        "-----BEGIN RSA " + "PRIVATE KEY-----", "xoxb-" + "1234567890-abc", "AIza" + "b" * 35,
    ),
    "card-number": in_article("4111 1111 1111 1111", "5500-0055-5555-5559", "371449635398431"),
    "duplicate-example": duplicate,
    "conflicting-targets": conflicting,
    "near-duplicate-across-splits": near_duplicate,
    "language-mismatch": other_language,
    "length-ratio": length_ratio,
    "template-dominates": template_dominates,
    "source-dominates": source_dominates,
    "loss-concentrated": loss_concentrated,
    "empty-split": empty_split,
}  # fmt: skip

# What looks like a defect and is none.
HARMLESS = (
    "a < b && c > d; x <= y, 1 << 3 and R&D", "f(x) = {x: {y: 1}} and {0}, {name}, {}",
    "Âge, Ãrvore, NÃO, â la carte, Ýmir, naïve café Zürich, 20 °C, £5",
    "mail user@example.com or root@localhost, logo@2x.png and getty@tty1.service",
    "the SSH extension fsync@openssh.com, the host doorbell@mysite.mydomain",
    "call 555-0199, version 1.2.3.4, 2023-11-05, 192.168.100.200, ISBN 978-3-16-148410-0",
    "serial 4111 1111 1111 1112, sum 1234567890123456, pi 3.14159265358979323846",
    "sk-learn, AKIAshort, ghp_abc, the BEGIN of a PRIVATE KEY, [INFO], <b>bold</b>, a|b",
    "emoji 👩‍👩‍👧 Привет 日本語, tabs\tand \"quotes\" – dashes… in the middle",
)  # fmt: skip


@pytest.fixture(scope="session")
def bos_tokenizer(byte_tokenizer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The byte tokenizer with a BOS that it puts before each text."""
    folder = tmp_path_factory.mktemp("bos") / "tokenizer"
    shutil.copytree(byte_tokenizer, folder)
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.add_special_tokens(["<bos>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"eos_token": "<eos>", "bos_token": "<bos>", "add_bos_token": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture
def write(tmp_path: Path, byte_tokenizer: Path, bos_tokenizer: Path) -> Callable[..., Dataset]:
    def write_planted(check: str, planted: Planted) -> Dataset:
        folder = bos_tokenizer if check.startswith("bos") else byte_tokenizer
        folder = BUNDLED_TOKENIZER if check == "boundary-merge" else folder
        manifest = dict(planted.manifest)
        more = manifest.pop("splits", {})
        data = handmade.write(tmp_path, folder, planted.rows, **manifest)
        if more:
            content = {**data.manifest.content, "splits": {**data.manifest["splits"], **more}}
            (tmp_path / "manifest.json").write_text(json.dumps(content))
        return load(tmp_path)

    return write_planted


@pytest.mark.parametrize("check", [check.id for check in CHECKS])
def test_a_planted_defect_is_found_where_it_is_and_nothing_else(
    check: str, write: Callable[..., Dataset]
) -> None:
    planted = PLANTED[check]()
    findings = examine(write(check, planted))
    assert [finding.id for finding in findings] == [check]
    finding = findings[0]
    assert set(finding.row_ids) == set(planted.bad)
    assert finding.count == (len(planted.bad) if planted.count is None else planted.count)
    assert CLEAN not in finding.row_ids
    assert finding.way_out.endswith(".")


def test_a_clean_data_set_has_no_finding(write: Callable[..., Dataset]) -> None:
    assert examine(write("", Planted())) == []


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_a_defect_is_none(text: str, write: Callable[..., Dataset]) -> None:
    planted = Planted().put(3, prompt=PROMPT.format(f"{text} in an article of some length."))
    planted.put(4, target=f"So {text} it is.")
    assert examine(write("", planted)) == []


def test_every_check_is_planted_and_has_an_id_of_its_own() -> None:
    ids = [check.id for check in CHECKS]
    assert len(set(ids)) == len(ids) >= 25
    assert set(PLANTED) == set(ids)


def test_a_conversation_is_not_taken_for_a_broken_mask(write: Callable[..., Dataset]) -> None:
    end = EOS
    planted = Planted(manifest={"chat": {"end_id": end}})
    for i, r in enumerate(planted.rows):
        turns = [*r.input_ids, *b"\nAnd then?\n", *b"The end of part %d." % i, end]
        mask = [*r.mask, *[False] * 11, *[True] * (len(turns) - len(r.input_ids) - 11)]
        planted.rows[i] = replace(r, input_ids=turns, label_mask=mask)
    assert examine(write("", planted)) == []


@pytest.mark.parametrize(("shots", "found"), [([0], 1), ([0, 2], 0)])
def test_shots_are_not_taken_for_near_duplicates(
    shots: list[int], found: int, write: Callable[..., Dataset]
) -> None:
    planted = Planted(manifest={"options": {"max_length": None, "shots": shots}})
    shot = sentence(random.Random(99), 60)
    for number in (2, 9):
        own = sentence(random.Random(number), 2)
        planted.put(number, prompt=PROMPT.format(f"{shot}\n{own}"), target=f"Of {own}")
    assert len(examine(write("", planted), only=["near-duplicate-across-splits"])) == found


def test_a_row_that_a_mixture_repeats_is_no_duplicate(write: Callable[..., Dataset]) -> None:
    planted = Planted()
    planted.rows[12:12] = [planted.rows[2], planted.rows[7], planted.rows[2]]
    assert examine(write("", planted)) == []


def test_only_the_checks_asked_for_are_run(write: Callable[..., Dataset]) -> None:
    data = write("", targets("N/A", "", " x")())
    assert [f.id for f in examine(data)] == [
        "target-empty", "boundary-whitespace", "target-placeholder",
    ]  # fmt: skip
    assert [f.id for f in examine(data, only=["target-empty"])] == ["target-empty"]
    with pytest.raises(SftdataError, match="Did you mean 'target-empty'"):
        examine(data, only=["target-emtpy"])


def test_the_count_goes_on_where_the_examples_stop(write: Callable[..., Dataset]) -> None:
    planted = Planted()
    for number in range(20, 60):
        planted.put(number, prompt=PROMPT.format(f"{prompt_of(number)} jane{number}@mail.acme.co"))
    (finding,) = examine(write("", planted))
    assert finding.count == 40
    assert len(finding.row_ids) == 10


def test_sarif_has_a_rule_for_each_check_and_a_result_for_each_finding(
    write: Callable[..., Dataset],
) -> None:
    data = write("", targets("N/A", "")())
    findings = examine(data)
    sarif = json.loads(json.dumps(to_sarif(findings, data.manifest)))
    (run,) = sarif["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert sarif["version"] == "2.1.0"
    assert [rule["id"] for rule in rules] == [check.id for check in CHECKS]
    assert [result["ruleId"] for result in run["results"]] == [f.id for f in findings]
    for result, finding in zip(run["results"], findings, strict=True):
        assert rules[result["ruleIndex"]]["id"] == finding.id
        assert result["level"] in ("error", "warning", "note")
        names = [p["name"] for p in result["locations"][0]["logicalLocations"]]
        assert names == list(finding.row_ids)


def test_a_finding_as_json_has_its_fields(write: Callable[..., Dataset]) -> None:
    (finding,) = examine(write("", targets("N/A")()))
    assert isinstance(finding, Finding)
    assert json.loads(json.dumps(finding.to_json())) == {
        "id": "target-placeholder",
        "severity": "warning",
        "title": finding.title,
        "count": 1,
        "row_ids": ["r1"],
        "way_out": finding.way_out,
        "detail": "",
    }


@pytest.mark.real
@pytest.mark.parametrize("name", REAL_TOKENIZERS)
def test_the_text_that_is_checked_is_that_of_the_rows(
    shared: Path, name: str, tmp_path: Path
) -> None:
    tokenizer = shared / "tokenizers" / name
    lines = (shared / "golden" / "summarize.jsonl").read_text().splitlines()[:400]
    Path("rows.jsonl").write_text("\n".join(lines))
    build("summarize", data="rows.jsonl", tokenizer=tokenizer, out="out", fields={"id": "none"})
    data, oracle = load("out"), OracleTokenizer(tokenizer)
    end = oracle.full.id_to_token(oracle.eos_id)
    for rows in batches(data, make_context(data), {}):
        examples = data[rows.split]
        for place, *texts in rows.pairs(np.ones(len(rows), np.bool_)):
            example = examples[place]
            parts = oracle.decode_parts(example.input_ids.tolist(), example.target_start)
            assert tuple(texts) == parts
            assert end not in texts[1]
    damaging = {"bos-doubled", "bos-missing", "eos-not-in-loss", "loss-outside-target"}
    assert damaging.isdisjoint(finding.id for finding in examine(data))
