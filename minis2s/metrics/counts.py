"""Length, and words said too often or not at all."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from minis2s.metrics.sentences import check_sizes


def count_statistics(hypotheses: Sequence[Sequence[str]], references: Sequence[Sequence[str]]) -> np.ndarray:
    """Return four counts of tokenised sentences, one reference each, (sentences, 4) int.

    The columns: tokens of the hypothesis, tokens of the reference, repeated, dropped. With h(w) and r(w) the times that
    a word stands in the hypothesis and in its reference:

    repeated = sum_w max(0, h(w) - max(1, r(w)))   (1) said again, and oftener than wanted
    dropped  = sum_w max(0, r(w) - h(w))           (2) wanted and not said

    A wrong word said once is not repeated, but the word that should stand in its place is dropped. The order of words
    makes no difference.

    References
    ----------
    The two faults, over-translation and under-translation: Tu et al. 2016, arXiv 1601.04811, who had people count them.
    (1) and (2), which need a reference and no reader, are this library's own.
    """
    check_sizes(hypotheses, references)
    rows = []
    for hypothesis, reference in zip(hypotheses, references):
        h, r = Counter(hypothesis), Counter(reference)
        again = sum(max(0, count - max(1, r[word])) for word, count in h.items())  # (1)
        rows.append([len(hypothesis), len(reference), again, (r - h).total()])  # (2); - stops at 0
    return np.array(rows)


def brevity_ratio(sums: np.ndarray) -> float:
    """Return the length of all hypotheses over that of all references from sums (4,); below 1 they are too short."""
    return float(sums[0] / sums[1])


def repeated(sums: np.ndarray) -> float:
    """Return the repeated tokens for each 100 of the references from sums (4,)."""
    return float(100 * sums[2] / sums[1])


def dropped(sums: np.ndarray) -> float:
    """Return the dropped tokens for each 100 of the references from sums (4,)."""
    return float(100 * sums[3] / sums[1])
