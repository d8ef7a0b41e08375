"""Sampling: draw each token at random instead of taking the likeliest, and say which tokens may be drawn."""

from collections.abc import Sequence

import numpy as np

from minis2s.data.batches import PackedBatch
from minis2s.decoding.greedy import Hypothesis, greedy, most_tokens
from minis2s.models.seq2seq import Seq2Seq

SAMPLE_STREAM = 8  # keeps these random numbers apart from others drawn with the same seed


def sample(
    model: Seq2Seq,
    source: PackedBatch,
    numbers: Sequence[int] | np.ndarray,
    seed: int = 0,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    max_length: int | None = None,
) -> list[Hypothesis]:
    """Draw a translation a sentence from p(target | source), or from what ``pick`` makes of its factors.

    Each sentence has random numbers of its own, of the seed and its number, so it is translated alike alone and in any
    batch, as far as rounding lets the model give it the same probabilities there.

    Parameters
    ----------
    source : B sentences
    numbers : (B,) numbers, 0 or more, such as their places in a file, each of which seeds its sentence
    seed : 0 or more
    temperature, top_k, top_p : as in ``pick``
    max_length : as in ``greedy``

    Returns
    -------
    A hypothesis a sentence; its log-probability is the model's own, whatever it was drawn from.
    """
    longest = max(most_tokens(source.mask.sum(1), max_length)) + 1
    uniform = np.array([np.random.default_rng([seed, SAMPLE_STREAM, number]).random(longest) for number in numbers])
    return greedy(
        model,
        source,
        max_length,
        choose=lambda log_p, running, step: pick(log_p, uniform[running, step], temperature, top_k, top_p),
    )


def pick(
    log_p: np.ndarray,
    uniform: np.ndarray,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> np.ndarray:
    """Return a token a row of log_p (R, V), (R,) int: where its cumulative probability passes uniform (R,) in [0, 1).

    First the temperature: q_i = p_i^(1 / temperature) / sum_j p_j^(1 / temperature); below 1 the likely grow likelier.
    Then only the ``top_k`` likeliest stay, and of these the fewest, the likeliest first, that hold at least the part
    ``top_p`` of what is left. One always stays, and of equal ones the lower id comes first, as in greedy search.

    References
    ----------
    Temperature: Ackley, Hinton & Sejnowski 1985. Top-k: Fan, Lewis & Dauphin 2018, arXiv 1805.04833, section 5.
    Nucleus (top_p): Holtzman et al. 2020, arXiv 1904.09751, section 3.1.
    """
    log_p = log_p.astype(float)
    q = np.exp((log_p - log_p.max(1, keepdims=True)) / temperature)  # unnormalised; the likeliest is 1
    if top_k is None and top_p is None:
        return passed(q, uniform)
    order = np.argsort(-q, axis=1, kind="stable")  # the likeliest first
    q = np.take_along_axis(q, order, 1)
    if top_k is not None:
        q[:, top_k:] = 0
    if top_p is not None:
        total = q.cumsum(1)
        q[total - q >= top_p * total[:, -1:]] = 0  # those before it hold enough
    return order[np.arange(len(q)), passed(q, uniform)]


def passed(q: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Return the place in each row of q (R, V) where the cumulative sum passes the part uniform (R,) of the whole."""
    total = q.cumsum(1)
    return (total <= uniform[:, None] * total[:, -1:]).sum(1)  # what has no probability is never the first to pass
