"""Metrics of each task with bootstrap confidence intervals, from 0 to 100.

Uses the reference implementation where there is one.
"""

from __future__ import annotations

import difflib
import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from sftdata_train.evaluating.word_segmentation import (
    UnicodeTokenizer,
    group_by_tokenizer,
    is_english,
)

_RESAMPLES = 1000
_SEED = 12345
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_WORDS = re.compile(r"\w+|[^\w\s]")
Texts = Sequence[str]
# For each row the text that is right, or all that are: the best of them counts.
References = Sequence[str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class Score:
    """A metric over all rows, with its 95 % interval from resampled rows."""

    name: str
    value: float
    low: float
    high: float
    signature: str = ""  # version and settings of the metric, to quote with the value
    lower_is_better: bool = False
    # float64[resamples]: its value on each resample; all metrics of the same rows draw the same.
    resamples: npt.NDArray[np.float64] = field(
        default_factory=lambda: np.empty(0), repr=False, compare=False
    )

    def to_json(self) -> dict[str, Any]:
        """The object in `eval --json`."""
        values = {key.name: getattr(self, key.name) for key in fields(self)}
        return {name: value for name, value in values.items() if name != "resamples"}


def score(
    task: str, sources: Sequence[str | None], references: References, answers: Texts
) -> list[Score]:
    """The usual scores for the task, or general ones for other tasks.

    Where a row has several references, the best of them counts.
    `sources` are the texts to correct, for grammar only. Rows whose source is None are left out of
    the score of edits; where no row has a source, so is the score.
    """
    if task == "summarize":
        return rouge(references, answers, ("rouge1", "rouge2", "rougeL", "rougeLsum"))
    if task == "translate":
        return [chrf(references, answers), *bleu(references, answers)]
    if task == "qa":
        rows = [
            [squad(one, a) for one in _all(r)] for r, a in zip(references, answers, strict=True)
        ]
        return [
            _mean("exact match", [max(exact for exact, _ in row) for row in rows]),
            _mean("F1", [max(f1 for _, f1 in row) for row in rows]),
        ]
    exact = _mean("exact match", [float(same) for same in _are_equal(references, answers)])
    if task == "grammar":
        found = [exact, edit_f_half(sources, references, answers), chrf(references, answers)]
        # Without any text to correct there are no edits to count: 0 would say they are wrong.
        return found if any(source is not None for source in sources) else [exact, found[2]]
    return [exact, chrf(references, answers), *rouge(references, answers, ("rougeL",))]


def rouge(references: References, answers: Texts, kinds: Sequence[str]) -> list[Score]:
    """ROUGE F-measures averaged over the rows, on words of any script, stemmed for English.

    rougeLsum treats each line of a text as a sentence.
    """
    from rouge_score.rouge_scorer import RougeScorer

    tokenizer = UnicodeTokenizer(stem=is_english([_all(r)[0] for r in references]))
    scorer = RougeScorer(list(kinds), tokenizer=tokenizer)
    rows = [scorer.score_multi(_all(r), a) for r, a in zip(references, answers, strict=True)]
    signature = f"rouge-score {version('rouge-score')}, tokenizer: {tokenizer.name}"
    same = _are_equal(references, answers)
    return [
        _mean(
            kind,
            [1.0 if equal else row[kind].fmeasure for row, equal in zip(rows, same, strict=True)],
            signature,
        )
        for kind in kinds
    ]


def chrf(references: References, answers: Texts) -> Score:
    """chrF of sacrebleu over the corpus."""
    from sacrebleu.metrics.chrf import CHRF

    return _sacrebleu("chrF", CHRF(), references, answers)


def bleu(references: References, answers: Texts) -> list[Score]:
    """BLEU of sacrebleu over the corpus, with its tokenizer for the language of the references.

    Gives one score for each tokenizer that the references need.
    """
    from sacrebleu.metrics.bleu import BLEU

    groups = group_by_tokenizer([_all(r)[0] for r in references]) or {"13a": []}
    return [
        _sacrebleu(
            "BLEU" if len(groups) == 1 else f"BLEU ({tokenizer})",
            # Without it, texts of fewer than four words score 0, even equal ones.
            BLEU(tokenize=tokenizer, effective_order=True),
            [references[row] for row in rows],
            [answers[row] for row in rows],
        )
        for tokenizer, rows in groups.items()
    ]


def mean_loss(sums: Sequence[float], targets: Sequence[int]) -> Score:
    """The loss per target token, over rows with these sums and numbers of target tokens."""
    rows = np.stack((np.array(sums, np.float64), np.array(targets, np.float64)), axis=1)
    found = _bootstrap(
        "loss", rows, lambda totals: totals[:, 0] / np.maximum(totals[:, 1], 1) / 100
    )
    return replace(found, lower_is_better=True)


def squad(reference: str, answer: str) -> tuple[float, float]:
    """Exact match and word F1 of SQuAD: without case, punctuation and articles."""
    expected, found = _squad_words(reference), _squad_words(answer)
    exact = float(expected == found)
    if not expected or not found:
        return exact, exact
    common = sum((Counter(expected) & Counter(found)).values())
    return exact, 2 * common / (len(expected) + len(found))


def edits(source: str, corrected: str) -> set[tuple[int, int, tuple[str, ...]]]:
    """The edits, word by word: (first word, end, replacement)."""
    before, after = _WORDS.findall(source), _WORDS.findall(corrected)
    found: set[tuple[int, int, tuple[str, ...]]] = set()
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for kind, i, i_end, j, j_end in matcher.get_opcodes():
        if kind == "replace" and i_end - i == j_end - j:  # count each replaced word as an edit
            found |= {(i + k, i + k + 1, (after[j + k],)) for k in range(i_end - i)}
        elif kind != "equal":
            found.add((i, i_end, tuple(after[j:j_end])))
    return found


def edit_f_half(sources: Sequence[str | None], references: References, answers: Texts) -> Score:
    """F0.5 of edits: precision counts twice as much as recall.

    Of several references, the one with the best F0.5 for its row counts.
    """
    counts = []
    for source, reference, answer in zip(sources, references, answers, strict=True):
        if source is None:
            continue
        made = edits(source, answer)
        found = [edits(source, one) for one in _all(reference)]
        rows = np.array([(len(w & made), len(made), len(w)) for w in found], np.float64)
        counts.append(rows[_f_half(rows).argmax()])
    return _bootstrap("F0.5 of edits", np.array(counts, np.float64).reshape(-1, 3), _f_half)


def _f_half(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """F0.5 of (right, made, wanted) edits. No edits made, or wanted, count as all right."""
    right, made, wanted = sums.T
    precision = np.where(made > 0, right / np.maximum(made, 1), 1.0)
    recall = np.where(wanted > 0, right / np.maximum(wanted, 1), 1.0)
    weighed = 0.25 * precision + recall
    return np.where(weighed > 0, 1.25 * precision * recall / np.maximum(weighed, 1e-12), 0.0)


def _all(reference: str | Sequence[str]) -> Sequence[str]:
    return [reference] if isinstance(reference, str) else reference


def _are_equal(references: References, answers: Texts) -> list[bool]:
    return [a in _all(r) for r, a in zip(references, answers, strict=True)]


def _squad_words(text: str) -> list[str]:
    plain = "".join(char for char in text.lower() if char not in set(string.punctuation))
    return _ARTICLES.sub(" ", plain).split()


def _mean(name: str, rows: Sequence[float], signature: str = "") -> Score:
    values = np.stack((np.array(rows, np.float64), np.ones(len(rows))), axis=1)
    found = _bootstrap(name, values, lambda sums: sums[:, 0] / np.maximum(sums[:, 1], 1))
    return replace(found, signature=signature)


def _bootstrap(
    name: str,
    rows: npt.NDArray[np.float64],
    value: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]],
) -> Score:
    """The value of the rows' sums, with the interval from resampled rows."""
    if not len(rows):
        return Score(name, 0.0, 0.0, 0.0)
    draws = np.random.default_rng(_SEED).integers(0, len(rows), (_RESAMPLES, len(rows)))
    sums = np.stack([rows[draw].sum(axis=0) for draw in draws])
    values = 100 * value(sums)
    low, high = np.quantile(values, (0.025, 0.975))
    found = float(value(rows.sum(axis=0)[None])[0])
    return Score(name, 100 * found, float(low), float(high), resamples=values)


def _sacrebleu(name: str, metric: Any, references: References, answers: Texts) -> Score:
    if not answers:
        return Score(name, 0.0, 0.0, 0.0)
    most = max(len(_all(r)) for r in references)
    streams = [[_all(r)[i] if i < len(_all(r)) else None for r in references] for i in range(most)]
    found = metric.corpus_score(list(answers), streams)
    signature = str(metric.get_signature())
    if all(_are_equal(references, answers)):  # sacrebleu gives 0 for texts without words
        return Score(name, 100.0, 100.0, 100.0, signature, resamples=np.full(_RESAMPLES, 100.0))
    # sacrebleu's bootstrap fails when a sample scores 0, and its interval is private.
    counts = np.array(metric._extract_corpus_statistics(list(answers), streams))

    def scores(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        one_by_one = (metric._compute_score_from_stats(row.tolist()).score for row in sums)
        return np.fromiter(one_by_one, np.float64, len(sums)) / 100

    interval = _bootstrap(name, counts, scores)
    return replace(interval, value=float(found.score), signature=signature)
