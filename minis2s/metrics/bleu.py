"""BLEU: how many n-grams of the translations stand in the references."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from minis2s.metrics.sentences import check_sizes

ORDER = 4  # longest n-gram
SMOOTHINGS = {"none": None, "exp": None, "floor": 0.1, "add-k": 1.0}  # and the value it takes


def bleu(sums: np.ndarray, smoothing: str = "exp", value: float | None = None, effective_order: bool = False) -> float:
    """Return BLEU, 0 to 100, of the sums of ``bleu_statistics``: of a data set or, being one row, of a sentence.

    p_n  = matched n-grams / n-grams of the hypotheses          (1)
    BP   = 1 if c >= r, else e^(1 - r / c)                      (2) c, r: lengths of hypotheses and references
    BLEU = 100 BP exp(1/N sum_n log p_n), N = 4                 (3)

    If a p_n is 0, so is BLEU; the smoothings give such a p_n something instead:
    ``none``: nothing. ``floor``: ``value`` matches. ``exp``: half a match, and half as much for each further such n.
    ``add-k``: ``value`` is added to both counts of every n > 1, zero or not.

    Parameters
    ----------
    sums : (2 + 2 ORDER,) numbers, see ``bleu_statistics``
    smoothing : one of ``SMOOTHINGS``
    value : of floor and add-k; None: 0.1 and 1
    effective_order : N is the longest n that a hypothesis has any n-grams of. For sentences, and for data sets whose
        translations are all shorter than four tokens; other data sets score the same either way.

    References
    ----------
    Papineni, Roukos, Ward & Zhu 2002, "BLEU: a method for automatic evaluation of machine translation", section 2.3.
    Smoothings: Chen & Cherry 2014, "A systematic comparison of smoothing techniques for sentence-level BLEU", methods 1
    (floor), 2 (add-k) and 3 (exp). All choices are those of sacreBLEU (Post 2018, arXiv 1804.08771).
    """
    if smoothing not in SMOOTHINGS:
        raise ValueError(f"smoothing is {smoothing!r}; choose one of {', '.join(SMOOTHINGS)}")
    value = SMOOTHINGS[smoothing] if value is None else value
    c, r = (float(length) for length in sums[:2])
    matched, total = np.asarray(sums[2:], float).reshape(2, ORDER).tolist()
    if not any(matched):
        return 0.0
    logs, zeros = [], 0
    for n in range(ORDER):
        k = value if smoothing == "add-k" and n > 0 else 0.0
        if total[n] + k == 0:  # all hypotheses are shorter
            break
        matches = matched[n] + k
        if matches == 0:
            zeros += 1
            matches = {"exp": 0.5**zeros, "floor": value, "none": 0.0}.get(smoothing, 0.0)
        logs.append(math.log(matches / (total[n] + k)) if matches else -math.inf)  # (1)
    if not effective_order and len(logs) < ORDER:
        return 0.0
    penalty = 1.0 if c >= r else math.exp(1 - r / c)  # (2); c > 0, since something matched
    return 100 * penalty * math.exp(sum(logs) / len(logs))  # (3)


def bleu_statistics(hypotheses: Sequence[Sequence[str]], references: Sequence[Sequence[str]]) -> np.ndarray:
    """Return the counts of tokenised sentences, one reference each, (sentences, 2 + 2 ORDER) int.

    The columns: tokens of the hypothesis, tokens of the reference, matched n-grams for n = 1 to 4, n-grams of the
    hypothesis for n = 1 to 4. An n-gram matches as often as it stands in the reference, no more.
    """
    check_sizes(hypotheses, references)
    rows = []
    for hypothesis, reference in zip(hypotheses, references):
        said = [ngrams(hypothesis, n) for n in range(1, ORDER + 1)]
        wanted = [ngrams(reference, n) for n in range(1, ORDER + 1)]
        matched = [(one & other).total() for one, other in zip(said, wanted)]  # &: the smaller of two counts
        rows.append([len(hypothesis), len(reference), *matched, *(counts.total() for counts in said)])
    return np.array(rows)


def ngrams(tokens: Sequence[str], n: int) -> Counter:
    """Count the runs of n tokens; in a text, of n characters."""
    return Counter(zip(*(tokens[start:] for start in range(n))))
