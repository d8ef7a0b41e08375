"""Bahdanau's attention, one query a sentence."""

import numpy as np

from minis2s.layers import record


@record
class Additive:
    W_q: np.ndarray  # (H, A)
    W_k: np.ndarray  # (M, A)
    v: np.ndarray  # (A,)

    def forward(self, query, memory, mask):
        hidden = np.tanh((query @ self.W_q)[:, None, :] + memory @ self.W_k)
        energies = hidden @ self.v
        energies = np.where(mask, energies, -np.inf)
        weights = np.exp(energies - energies.real.max(axis=1, keepdims=True))
        weights = weights / weights.sum(axis=1, keepdims=True)
        context = np.einsum("bs,bsm->bm", weights, memory)
        return context, (query, memory, hidden, weights)

    def backward(self, dcontext, cache):
        query, memory, hidden, weights = cache
        dweights = np.einsum("bm,bsm->bs", dcontext, memory)
        dmemory = np.einsum("bs,bm->bsm", weights, dcontext)
        denergies = weights * (dweights - np.sum(weights * dweights, axis=1, keepdims=True))
        dv = np.einsum("bs,bsa->a", denergies, hidden)
        dhidden = denergies[:, :, None] * self.v
        slope = 1 - np.tanh(hidden) ** 2
        dsum = dhidden * slope
        dq = dsum.sum(axis=1)
        dW_q = query.T @ dq
        dW_k = np.einsum("bsm,bsa->ma", memory, dsum)
        dmemory = dmemory + dsum @ self.W_k.T
        return Additive(dW_q, dW_k, dv), dq @ self.W_q.T, dmemory

    @staticmethod
    def case(rng):
        mask = np.arange(5) < np.array([3, 5, 1, 4])[:, None]
        layer = Additive(rng.standard_normal((3, 6)), rng.standard_normal((7, 6)), rng.standard_normal(6))
        return layer, (rng.standard_normal((4, 3)), rng.standard_normal((4, 5, 7)), mask)
