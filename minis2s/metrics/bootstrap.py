"""How sure a score is, and how it changes with the length of a sentence."""

from collections.abc import Callable, Sequence

import numpy as np

BOOTSTRAP_STREAM = 7  # keeps these random numbers apart from others drawn with the same seed

Score = Callable[[np.ndarray], float]  # of the sums of statistics


def interval(
    statistics: np.ndarray, score: Score, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Return the bootstrap confidence interval of a score: what it might be on other data of the same kind and size.

    A resample draws as many sentences as there are, with replacement, and is scored like the data set. The interval
    leaves out equal shares of the resamples' scores at both ends. It says nothing of other trainings or other kinds of
    data, and where all sentences are right it has no width.

    Parameters
    ----------
    statistics : (sentences, k) of whole numbers
    score : from sums (k,) to a number
    seed : the same seed draws the same sentences, for every score of as many of them

    References
    ----------
    Koehn 2004, "Statistical significance tests for machine translation evaluation": 1,000 resamples, of which the 25
    best and the 25 worst are left out. Efron & Tibshirani 1993, "An introduction to the bootstrap", chapter 13.
    """
    size, rng = len(statistics), np.random.default_rng([seed, BOOTSTRAP_STREAM])
    statistics = np.asarray(statistics, float)  # exact up to 2^53, and its products are fast
    scores = []
    for _ in range(resamples):
        times = np.bincount(rng.integers(size, size=size), minlength=size)  # how often each sentence is drawn
        scores.append(score(times @ statistics))
    low, high = np.quantile(scores, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def by_length(
    statistics: np.ndarray, score: Score, lengths: Sequence[int], groups: int = 12
) -> dict[float, tuple[float, int, float, float]]:
    """Return, by length in order: the score, the number of sentences, and the ends of the score's interval.

    statistics is (sentences, k), a row for each of ``lengths``. Lengths are put together in at most ``groups`` ranges
    of equal width, each named by the mean length of its sentences; from the shortest to the longest no more than
    ``groups``, each length stands for itself.
    """
    sizes = np.asarray(lengths)
    width = -(-(sizes.max() - sizes.min() + 1) // groups)
    group = (sizes - sizes.min()) // width
    points = {}
    for one in np.unique(group):
        part = statistics[group == one]
        points[float(sizes[group == one].mean())] = (score(part.sum(0)), len(part), *interval(part, score))
    return points
