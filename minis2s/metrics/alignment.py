"""Attention against gold alignments: does the largest weight fall where a person would link?"""

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np

Link = tuple[int, int]  # source token, target token, both counted from 0
FARTHEST = 2  # tokens: links farther off are counted together


def argmax_links(alphas: np.ndarray) -> list[Link]:
    """Link every target token to the source token with the largest weight, the first one where several have it.

    alphas : (T, S) of real tokens, without the rows and columns of end signs. Attention cannot say that a word has no
    counterpart, so there are always T links.
    """
    return [(int(row.argmax()), t) for t, row in enumerate(np.asarray(alphas))] if np.size(alphas) else []


def alignment_statistics(
    found: Sequence[Collection[Link]],
    sure: Sequence[Collection[Link]],
    possible: Sequence[Collection[Link]] | None = None,
) -> np.ndarray:
    """Return |A|, |S|, |A ∩ S| and |A ∩ P| of each sentence, (sentences, 4) int.

    found : A, the links under test. sure, possible : S and P, where S belongs to P; without P all gold links are sure.
    """
    rows = []
    for i, links in enumerate(found):
        A, S = set(links), set(sure[i])
        P = S if possible is None else S | set(possible[i])
        rows.append([len(A), len(S), len(A & S), len(A & P)])
    return np.array(rows).reshape(-1, 4)


def precision(sums: np.ndarray) -> float:
    """Return |A ∩ P| / |A| of sums (4,). A target word with several gold sources is right with any of them."""
    return float(sums[3] / sums[0])


def recall(sums: np.ndarray) -> float:
    """Return |A ∩ S| / |S| of sums (4,). One link a target word cannot find all of several gold sources."""
    return float(sums[2] / sums[1])


def alignment_error_rate(sums: np.ndarray) -> float:
    """Return AER = 1 - (|A ∩ S| + |A ∩ P|) / (|A| + |S|), 0 to 1, of sums (4,) of ``alignment_statistics``.

    Where all gold links are sure it is 1 - F1.

    References
    ----------
    Och & Ney 2003, "A systematic comparison of various statistical alignment models", section 5, with precision and
    recall.
    """
    return float(1 - (sums[2] + sums[3]) / (sums[0] + sums[1]))


def offsets(found: Sequence[Collection[Link]], gold: Sequence[Collection[Link]]) -> dict[str, float]:
    """Return how far from the nearest gold source the links point, as shares of links whose target word has a gold one.

    The keys are "-2" to "2" and "farther"; "-1" is one source token to the left of gold, and of two gold tokens at the
    same distance it is the one to the right that is measured from. A recurrent state holds something of its
    neighbours, so a model that translates well may attend to the token beside the right one.
    """
    counts: Counter[str] = Counter()
    for links, wanted in zip(found, gold, strict=True):
        for source, target in links:
            distances = [source - i for i, j in wanted if j == target]
            if distances:
                nearest = min(distances, key=lambda distance: (abs(distance), distance))
                counts[str(nearest) if abs(nearest) <= FARTHEST else "farther"] += 1
    names = [*map(str, range(-FARTHEST, FARTHEST + 1)), "farther"]
    return {name: counts[name] / max(counts.total(), 1) for name in names}


def merged(alphas: np.ndarray, source_words: Sequence[int], target_words: Sequence[int]) -> np.ndarray:
    """Return attention between words from attention between their units: weights (words of target, words of source).

    A source word gets the sum of the weights of its units, a target word the mean of its units' rows, so rows go on
    adding up to what they did.

    Parameters
    ----------
    alphas : (T, S) of units
    source_words, target_words : the word of each unit, 0 0 1 ..., each word having at least one
    """
    T, S = max(target_words, default=-1) + 1, max(source_words, default=-1) + 1
    alphas, out = np.asarray(alphas), np.zeros((T, S))
    np.add.at(out, (np.asarray(target_words, int)[:, None], np.asarray(source_words, int)), alphas)
    return out / np.bincount(np.asarray(target_words, int), minlength=T)[:, None]
