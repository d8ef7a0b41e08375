"""Scaled dot-product attention, one query a sentence, keys and values the same memory."""

import numpy as np

from minis2s.layers import record


@record
class ScaledDot:
    def forward(self, query, memory, mask):
        logits = np.einsum("bh,bsh->bs", query, memory)
        logits = logits / np.sqrt(query.shape[1])
        logits = np.where(mask, logits, -np.inf)
        w = np.exp(logits - logits.real.max(1)[:, None])
        w /= w.sum(1)[:, None]
        return np.einsum("bs,bsh->bh", w, memory), (query, memory, w)

    def backward(self, dread, cache):
        query, memory, w = cache
        dw = np.einsum("bh,bsh->bs", dread, memory)
        dlogits = w * (dw - (w * dw).sum(1)[:, None])
        dlogits /= np.sqrt(memory.shape[1])
        dquery = np.einsum("bs,bsh->bh", dlogits, memory)
        dmemory = np.einsum("bs,bh->bsh", w, dread)
        dmemory += np.einsum("bs,bh->bsh", dlogits, query)
        return ScaledDot(), dquery, dmemory

    @staticmethod
    def case(rng):
        mask = np.arange(5) < np.array([3, 5, 1, 4])[:, None]
        return ScaledDot(), (rng.standard_normal((4, 3)), rng.standard_normal((4, 5, 3)), mask)
