"""Sentences that are right as a whole, and perplexity."""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np


def exact_match(hypotheses: Sequence[Any], references: Sequence[Any]) -> float:
    """Return the fraction of sentences that are right as a whole.

    On free-running output this is the honest figure: a model that sees the right previous token may score high per
    token and still not write one right sentence.
    """
    check_sizes(hypotheses, references)
    return sum(h == r for h, r in zip(hypotheses, references)) / len(references)


def exact_match_by_length(
    hypotheses: Sequence[Any], references: Sequence[Any], lengths: Sequence[int]
) -> dict[int, tuple[float, int]]:
    """Return, for each length in order, the exact match and the number of sentences of that length."""
    check_sizes(hypotheses, references)
    right = defaultdict(list)
    for h, r, length in zip(hypotheses, references, lengths, strict=True):
        right[length].append(h == r)
    return {length: (sum(hits) / len(hits), len(hits)) for length, hits in sorted(right.items())}


def share(sums: np.ndarray) -> float:
    """Return the fraction that sums (right, all) say; exact match has the statistics (0 or 1, 1)."""
    return float(sums[0] / sums[1])


def perplexity(nll_per_token: float) -> float:
    """Return e^(nats per token): among how many equally likely tokens the model hesitates, teacher-forced."""
    return math.exp(min(nll_per_token, 700.0))  # e^710 is past the largest float64


def check_sizes(hypotheses: Sequence[Any], references: Sequence[Any]) -> None:
    """Raise ValueError unless there is one hypothesis for each of at least one reference."""
    if len(hypotheses) != len(references) or not references:
        raise ValueError(f"{len(hypotheses)} hypotheses for {len(references)} references")
