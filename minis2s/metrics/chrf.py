"""chrF: how many runs of characters the translations and the references share."""

from collections.abc import Sequence

import numpy as np

from minis2s.metrics.bleu import ngrams
from minis2s.metrics.sentences import check_sizes

ORDER = 6  # longest run of characters
BETA = 2  # recall counts twice as much as precision


def chrf(sums: np.ndarray) -> float:
    """Return chrF2, 0 to 100, of sums (3 ORDER,) of ``chrf_statistics``: of a data set or, from one row, a sentence.

    P, R = mean over n of matches / runs of the hypotheses, and matches / runs of the references    (1)
    chrF = 100 (1 + beta^2) P R / (beta^2 P + R)                                                    (2)

    Only those n count that both sides have runs of (sacreBLEU's effective order). No smoothing.

    References
    ----------
    Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation", section 2, equation (1); beta = 2:
    Popović 2016, "chrF deconstructed". The means before (2) and the order 6 are those of sacreBLEU's default, chrF2.
    """
    said, wanted, matched = np.asarray(sums, float).reshape(3, ORDER)
    if not matched.any():
        return 0.0
    both = said > 0  # said counts only runs that the reference is long enough for
    P, R = (matched[both] / said[both]).mean(), (matched[both] / wanted[both]).mean()  # (1)
    return float(100 * (1 + BETA**2) * P * R / (BETA**2 * P + R))  # (2)


def chrf_statistics(hypotheses: Sequence[str], references: Sequence[str]) -> np.ndarray:
    """Return the counts of texts, one reference each, (sentences, 3 ORDER) int; white space is taken out first.

    The columns, each for n = 1 to 6: runs of n characters in the hypothesis, in the reference, matches. Runs longer
    than the whole reference are not held against the hypothesis, as in sacreBLEU.
    """
    check_sizes(hypotheses, references)
    rows = []
    for pair in zip(hypotheses, references):
        hypothesis, reference = ("".join(text.split()) for text in pair)
        orders = range(1, ORDER + 1)
        said, wanted = ([ngrams(text, n) for n in orders] for text in (hypothesis, reference))
        matched = [(one & other).total() for one, other in zip(said, wanted)]
        counted = [one.total() if other else 0 for one, other in zip(said, wanted)]
        rows.append([*counted, *(other.total() for other in wanted), *matched])
    return np.array(rows)
