"""Scheduled sampling: the decoder learns on some of its own tokens in place of the gold ones.

A model that has only ever seen gold beginnings does not know what to do after a mistake of its own. So with some
probability each token fed to the decoder is the one it would have said itself; the gold ones give way over the run.

References: Bengio, Vinyals, Jaitly & Shazeer 2015, arXiv 1506.03099.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np

from minis2s.data.batches import Batch
from minis2s.data.vocabulary import BOS
from minis2s.layers.record import select
from minis2s.models.seq2seq import Seq2Seq

HALVINGS = 200  # of the interval that holds k; floats have no more digits long before


def constant(i: int, n: int, last: float) -> float:
    """Return ``last``."""
    return last


def linear(i: int, n: int, last: float) -> float:
    """Return 1 - c i, with c such that it ends at ``last``."""
    return 1 - (1 - last) * (i / n)


def exponential(i: int, n: int, last: float) -> float:
    """Return k^i, with k < 1 such that it ends at ``last``, which is above 0."""
    return last ** (i / n)


def inverse_sigmoid(i: int, n: int, last: float) -> float:
    """Return k / (k + exp(i / k)), with k such that it ends at ``last``, which is above 0 and below 1.

    It stays near 1, falls, and levels off. It begins at k / (k + 1), which is about 1 where the run is long: 0.37 in a
    run of 2 updates down to 0.1, 0.99 in one of 450 down to 0.25. (In the paper k is at least 1.)
    """
    log_k = inverse_sigmoid_log_k(n, last)
    return float(np.exp(-np.logaddexp(0.0, i * math.exp(-log_k) - log_k)))  # 1 / (1 + e^a), for any large a too


@cache
def inverse_sigmoid_log_k(n: int, last: float) -> float:
    """Return log k such that n / k - log k = log(1 / last - 1), by bisection: the left side falls as k grows."""
    wanted = math.log1p(-last) - math.log(last)
    low, high = -10.0, 100.0  # wanted is between -37 and 745 in floats, the left side far beyond both
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if n * math.exp(-middle) - middle > wanted:
            low = middle
        else:
            high = middle
    return high


DECAYS: dict[str, Callable[[int, int, float], float]] = {
    "constant": constant,
    "linear": linear,
    "exponential": exponential,
    "inverse_sigmoid": inverse_sigmoid,
}


def ratio(decay: str, update: int, updates: int, last: float) -> float:
    """Return the probability that a token fed to the decoder is the gold one.

    Parameters
    ----------
    decay : a name in ``DECAYS``
    update, updates : the number of this update, from 0, and how many the run has
    last : the probability at the last update, from 0 to 1; at the first it is 1 (for ``inverse_sigmoid`` about 1), but
        for ``constant``

    References
    ----------
    Bengio et al. 2015, arXiv 1506.03099, section 2.4; there k is chosen, here where it ends.
    """
    return DECAYS[decay](update, max(updates - 1, 1), last)


def mixed(model: Seq2Seq, batch: Batch, ratio: float, rng: np.random.Generator) -> Batch:
    """Return the batch with some of its previous tokens replaced by what the model itself would have said.

    Each token is gold with probability ``ratio``, drawn for each on its own, else the likeliest one after the tokens
    that were fed before it; the first is always BOS. No gradient flows through the choice of a token, so the loss and
    gradient of the returned batch are those of scheduled sampling, exactly. The pass that chooses is
    ``encode`` and ``decode_step``, as in translating: without dropout, even where the loss then has it.

    With ``ratio`` 1 it is the same batch, and nothing is drawn.

    References
    ----------
    Bengio et al. 2015, arXiv 1506.03099, section 2.4, with the likeliest token (the paper: that or a sampled one).
    """
    if ratio >= 1:
        return batch
    gold = rng.random(batch.tokens) < ratio  # (N,) bool
    previous = batch.previous.copy()  # (N,)
    state, tokens = model.encode(batch.source), np.full(batch.target.batch_sizes[0], BOS)
    start = 0
    for now, later in zip(batch.target.batch_sizes, batch.target.batch_sizes[1:]):
        log_p, state = model.decode_step(tokens, state)  # (now, V)
        if later < now:  # targets that have ended drop out; they are the last rows
            log_p, state = log_p[:later], select(state, np.arange(later))
        start += now
        rows = slice(start, start + later)  # of the next step among the packed
        tokens = previous[rows] = np.where(gold[rows], batch.previous[rows], log_p.argmax(-1))
    return replace(batch, previous=previous)
