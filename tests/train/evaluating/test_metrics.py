"""Metrics against values known from elsewhere or worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftdata_train.evaluating.metrics import bleu, chrf, edit_f_half, edits, rouge, score, squad


def test_edits_are_word_by_word() -> None:
    assert edits("he go to school .", "he goes to the school .") == {
        (1, 2, ("goes",)),
        (3, 3, ("the",)),
    }
    assert edits("same", "same") == set()


def test_f_half_by_hand() -> None:
    # Two edits wanted; two made, one of them right: P = R = F = 1/2.
    found = edit_f_half(["a b c d"], ["a x c y"], ["a x z d"])
    assert found.value == pytest.approx(50.0)
    # Three made, one right; one wanted: P = 1/3, R = 1, F0.5 = 1.25/3 / (0.25/3 + 1).
    found = edit_f_half(["a b c d e f"], ["x b c d e f"], ["x b y d z f"])
    assert found.value == pytest.approx(100 * (1.25 / 3) / (0.25 / 3 + 1))


@pytest.mark.parametrize(
    ("reference", "answer", "value"),
    [("a b", "a b", 100.0), ("a x", "a b", 0.0), ("a b", "a x", 0.0), ("a x", "a x", 100.0)],
)
def test_f_half_at_its_ends(reference: str, answer: str, value: float) -> None:
    assert edit_f_half(["a b"], [reference], [answer]).value == pytest.approx(value)


def test_rows_without_a_source_are_left_out_of_the_edits() -> None:
    assert edit_f_half([None, "a b"], ["q", "a x"], ["r", "a x"]).value == pytest.approx(100.0)
    assert edit_f_half([None], ["q"], ["r"]).value == 0.0


@pytest.mark.parametrize(
    ("reference", "answer", "exact", "f1"),
    [
        ("The Eiffel Tower", "eiffel tower!", 1, 1),
        ("in the year 1889", "1889", 0, 0.5),
        ("a cat", "dog", 0, 0),
        ("the", "", 1, 1),
        ("x", "", 0, 0),
    ],
)
def test_squad_normalization(reference: str, answer: str, exact: int, f1: float) -> None:
    assert squad(reference, answer) == (exact, pytest.approx(f1))


def test_corpus_metrics_are_the_libraries_and_signed() -> None:
    import sacrebleu

    references, answers = ["the cat sat on the mat", "hello"], ["the cat sat on a mat", "hello"]
    assert chrf(references, answers).value == sacrebleu.corpus_chrf(answers, [references]).score
    (found,) = bleu(references, answers)
    assert found.value == sacrebleu.corpus_bleu(answers, [references]).score
    assert f"version:{sacrebleu.__version__}" in found.signature
    assert found.low <= found.value <= found.high


def test_rouge_by_hand() -> None:
    rouge_1, rouge_l = rouge(["the cat sat"], ["the dog sat"], ("rouge1", "rougeL"))
    assert (rouge_1.value, rouge_l.value) == (pytest.approx(200 / 3), pytest.approx(200 / 3))


def test_an_interval_narrows_with_more_rows_and_holds_the_value() -> None:
    few, many = (
        score("grammar", [None] * n, ["a", "b"] * (n // 2), ["a", "c"] * (n // 2))[0]
        for n in (10, 1000)
    )
    assert few.value == many.value == 50.0
    assert few.low < many.low < 50 < many.high < few.high
    again = score("grammar", [None] * 10, ["a", "b"] * 5, ["a", "c"] * 5)[0]
    assert again == few


@pytest.mark.parametrize(
    ("task", "names"),
    [
        ("summarize", ["rouge1", "rouge2", "rougeL", "rougeLsum"]),
        ("translate", ["chrF", "BLEU"]),
        ("qa", ["exact match", "F1"]),
        ("grammar", ["exact match", "F0.5 of edits", "chrF"]),
        ("poems", ["exact match", "chrF", "rougeL"]),
    ],
)
def test_each_task_has_its_metrics(task: str, names: list[str]) -> None:
    found = score(task, ["a b"] * 3, ["a b c d"] * 3, ["a b c d"] * 3)
    assert [s.name for s in found] == names
    assert all(s.value == pytest.approx(100) for s in found)


@pytest.mark.parametrize(
    ("text", "tokenizer"),
    [
        ("猫がマットの上に座っている。", "char"),  # MeCab is not among the dependencies
        ("猫坐在垫子上，狗在门口。", "zh"),
        ("แมวนั่งบนเสื่อ", "char"),
        ("고양이가 매트 위에 앉아 있다", "13a"),
        ("Кошка сидит на коврике.", "13a"),
        ("The sign said 猫 and nothing else at all.", "13a"),
    ],
)
def test_bleu_counts_the_units_of_the_language(text: str, tokenizer: str) -> None:
    (found,) = bleu([text, text], [text, text[:-2]])
    assert f"tok:{tokenizer}" in found.signature
    assert 30 < found.value < 100


def test_languages_that_need_other_tokenizers_are_scored_apart() -> None:
    texts = ["the cat sat on the mat", "猫坐在垫子上", "it is raining again"]
    assert [score.name for score in bleu(texts, texts)] == ["BLEU (13a)", "BLEU (zh)"]


@pytest.mark.parametrize("text", ["Кошка сидит.", "猫坐在垫子上", "แมวนั่งบนเสื่อ", "قط على سجادة"])
def test_rouge_knows_words_of_any_script(text: str) -> None:
    same, other = (rouge([text], [a], ("rouge1", "rougeLsum")) for a in (text, text[:-2] + " z"))
    assert [s.value for s in same] == [100, 100]
    assert all(0 < s.value < 100 for s in other)


def test_only_english_is_stemmed() -> None:
    english = rouge(["The cats were running home"], ["The cat was run home"], ("rouge1",))[0]
    assert "English stemmer" in english.signature
    assert english.value == pytest.approx(80)
    german = rouge(
        ["Die Katzen laufen nach Hause zurück"], ["Die Katze lief nach Haus"], ("rouge1",)
    )
    assert "stemmer" not in german[0].signature


@given(text=st.text(), others=st.lists(st.text(), max_size=3))
def test_no_metric_gives_nothing_for_equal_texts(text: str, others: list[str]) -> None:
    texts = [text, *others]
    for task in ("summarize", "translate", "qa", "grammar", "other"):
        for sources in (texts, [None] * len(texts)):
            for found in score(task, sources, texts, texts):
                assert found.value == pytest.approx(100), (task, found)
