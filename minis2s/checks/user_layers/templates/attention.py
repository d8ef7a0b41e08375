# ruff: noqa
"""Additive attention, to be completed.

Write backward, then run:  python -m minis2s gradcheck mine.py:MyAttention --like attention
"""

import numpy as np

from minis2s.layers import record


@record
class MyAttention:
    """A query looks at a memory and brings back a weighted mean (Bahdanau et al. 2015).

    hidden_j = tanh(query W_q + memory_j W_k)   (1)
    score_j  = hidden_j v                       (2)
    alpha    = softmax(score)                   (3) over real source tokens
    context  = sum_j alpha_j memory_j           (4)
    """

    W_q: np.ndarray  # (H, A)
    W_k: np.ndarray  # (M, A)
    v: np.ndarray  # (A,)

    def forward(self, query, memory, mask):  # (B, H), (B, S, M), (B, S) bool, True = real token
        hidden = np.tanh((query @ self.W_q)[:, None] + memory @ self.W_k)  # (1) (B, S, A)
        score = np.where(mask, hidden @ self.v, -np.inf)  # (2) (B, S)
        e = np.exp(score - score.real.max(-1, keepdims=True))
        alpha = e / e.sum(-1, keepdims=True)  # (3) (B, S), 0 on padding
        context = (alpha[:, None] @ memory)[:, 0]  # (4) (B, M)
        return context, (query, memory, hidden, alpha)

    def backward(self, dcontext, cache):  # dcontext: (B, M)
        query, memory, hidden, alpha = cache
        # Read the equations upwards:
        #   dalpha = ...         (4) (B, S)
        #   dscore = ...         (3) (B, S): the Jacobian of a softmax is not diagonal
        #   dv = ...             (2) (A,): summed over batch and positions
        #   dhidden = ...        (2) (B, S, A)
        #   da = ...             (1) (B, S, A), before the tanh
        #   dW_q, dW_k = ...     (1): query was broadcast over the positions
        #   dquery = ...         (1) (B, H)
        #   dmemory = ...        (B, S, M): memory is used in (1) and in (4)
        raise NotImplementedError
        return MyAttention(W_q=dW_q, W_k=dW_k, v=dv), dquery, dmemory

    @staticmethod
    def case(rng):  # weights and inputs to check with: sentences of unequal lengths
        B, S, H, M, A = 4, 5, 3, 4, 6
        mask = np.arange(S) < np.array([3, 5, 1, 4])[:, None]
        weights = (rng.standard_normal(shape) for shape in ((H, A), (M, A), (A,)))
        return MyAttention(*weights), (rng.standard_normal((B, H)), rng.standard_normal((B, S, M)), mask)
