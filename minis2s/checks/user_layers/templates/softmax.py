# ruff: noqa
"""The softmax, to be completed.

Write backward, then run:  python -m minis2s gradcheck mine.py:MySoftmax
"""

import numpy as np

from minis2s.layers import record


@record
class MySoftmax:
    """p_k = e^score_k / sum_j e^score_j  (1)  along the last axis. It has no weights."""

    def forward(self, score):  # score: (N, V)
        e = np.exp(score - score.real.max(-1, keepdims=True))  # a constant cancels in (1); nothing overflows
        p = e / e.sum(-1, keepdims=True)  # (1)
        return p, p  # output (N, V) and the cache

    def backward(self, dp, cache):  # dp: (N, V), dL/dp
        p = cache
        # dp_k/dscore_j = p_k ([k = j] - p_j). So with L:
        #   dscore_j = ...       (N, V): every dp_k has a part in it, not only dp_j
        raise NotImplementedError
        return MySoftmax(), dscore

    @staticmethod
    def case(rng):  # inputs to check with; random, since zeros and ones hide bugs
        return MySoftmax(), (rng.standard_normal((5, 4)),)
