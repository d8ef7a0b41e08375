# ruff: noqa
"""Softmax and cross-entropy together, to be completed.

Write backward, then run:  python -m minis2s gradcheck mine.py:MyCrossEntropy --like cross_entropy
"""

import numpy as np

from minis2s.layers import record


@record
class MyCrossEntropy:
    """The mean negative log-likelihood of the target tokens.

    p    = softmax(logits)                           (1)
    loss = - (1 / N) sum over real tokens of log p[target]   (2)  N: the real tokens, not all B T places
    """

    smoothing: float = 0.0  # as in our layer; leave it alone

    def forward(self, logits, target, mask):  # (B, T, V), (B, T) int, (B, T) bool, True = real token
        real, wanted = logits[mask], target[mask]  # (N, V), (N,): only real tokens count
        N = len(wanted)
        e = np.exp(real - real.real.max(-1, keepdims=True))
        p = e / e.sum(-1, keepdims=True)  # (1)
        loss = -np.log(p[np.arange(N), wanted]).sum() / N  # (2)
        return loss, (p, wanted, mask)

    def backward(self, dloss, cache):  # dloss: a number
        p, wanted, mask = cache
        N = len(wanted)
        # Read (2) and (1) backwards; together they are one subtraction:
        #   dreal = ...                           (N, V), times dloss
        #   dlogits = ...                         (B, T, V): dreal where the mask is True, else 0
        raise NotImplementedError
        return MyCrossEntropy(), dlogits

    @staticmethod
    def case(rng):  # inputs to check with: sentences of unequal lengths
        mask = np.arange(5) < np.array([3, 5, 1, 4])[:, None]
        return MyCrossEntropy(), (rng.standard_normal((4, 5, 6)), rng.integers(6, size=(4, 5)), mask)
