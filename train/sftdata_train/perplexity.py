"""Perplexity: a loss per token as a number of equally likely tokens."""

from __future__ import annotations

import math


def perplexity(loss: float) -> float:
    """`exp(loss)`, infinite where that overflows."""
    return math.exp(loss) if loss < 700 else math.inf
