"""Luong's general attention: a matrix between query and memory."""

import numpy as np

from minis2s.layers import record


@record
class Bilinear:
    W: np.ndarray  # (H, M)

    def forward(self, query, memory, mask):
        projected = query @ self.W  # (B, M)
        score = np.where(mask, (memory * projected[:, None]).sum(-1), -1e9)
        e = np.exp(score - score.real.max(-1, keepdims=True)) * mask
        p = e / e.sum(-1, keepdims=True)
        return (p[..., None] * memory).sum(1), (query, memory, projected, p)

    def backward(self, dout, cache):
        query, memory, projected, p = cache
        dp = (memory * dout[:, None]).sum(-1)
        dscore = p * dp - (p * dp).sum(-1, keepdims=True)
        dprojected = (dscore[..., None] * memory).sum(1)
        dmemory = p[..., None] * dout[:, None] + dscore[..., None] * projected[:, None]
        return Bilinear(query.T @ dprojected), dprojected @ self.W.T, dmemory

    @staticmethod
    def case(rng):
        mask = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 0, 0, 0, 0], [1, 1, 1, 1, 0]], bool)
        return Bilinear(rng.normal(size=(3, 7))), (rng.normal(size=(4, 3)), rng.normal(size=(4, 5, 7)), mask)
