"""Reads of a decoder whose attention knows where it has looked: the queries of all steps are given."""

from dataclasses import dataclass

import numpy as np


@dataclass
class CoverageReader:
    Wq: np.ndarray  # (H, A)
    Wm: np.ndarray  # (M, A)
    wc: np.ndarray  # (A,)
    u: np.ndarray  # (A,)

    def forward(self, queries, memory, mask):  # (T, B, H), (B, S, M), (B, S)
        seen = np.zeros(mask.shape)
        keys = memory @ self.Wm
        contexts, steps = [], []
        for query in queries:
            hidden = np.tanh(keys + (query @ self.Wq)[:, None] + seen[..., None] * self.wc)
            score = np.where(mask, hidden @ self.u, -np.inf)
            e = np.exp(score - score.real.max(1, keepdims=True))
            alpha = e / e.sum(1, keepdims=True)
            contexts.append((alpha[..., None] * memory).sum(1))
            steps.append((query, seen, hidden, alpha))
            seen = seen + alpha
        return np.stack(contexts), (memory, steps)

    def backward(self, dcontexts, cache):
        memory, steps = cache
        dWq, dwc, du = np.zeros_like(self.Wq), np.zeros_like(self.wc), np.zeros_like(self.u)
        dkeys, dmemory = 0.0, 0.0
        dqueries = []
        dseen = np.zeros(memory.shape[:2])
        for dcontext, (query, seen, hidden, alpha) in zip(dcontexts[::-1], steps[::-1]):
            dalpha = (memory @ dcontext[..., None])[..., 0]
            dalpha = dseen
            dscore = alpha * (dalpha - (alpha * dalpha).sum(1, keepdims=True))
            du += (dscore[..., None] * hidden).sum((0, 1))
            da = dscore[..., None] * self.u * (1 - hidden**2)
            dq = da.sum(1)
            dWq += query.T @ dq
            dwc += (seen[..., None] * da).sum((0, 1))
            dqueries.append(dq @ self.Wq.T)
            dkeys = dkeys + da
            dmemory = dmemory + alpha[..., None] * dcontext[:, None]
            dseen = dseen + da @ self.wc
        dWm = np.einsum("bsm,bsa->ma", memory, dkeys)
        dmemory = dmemory + dkeys @ self.Wm.T
        return CoverageReader(dWq, dWm, dwc, du), np.stack(dqueries[::-1]), dmemory

    @staticmethod
    def case(rng):
        H, M, A = 3, 4, 5
        mask = np.arange(4) < np.array([4, 2, 3])[:, None]
        weights = [rng.normal(size=shape) for shape in ((H, A), (M, A), (A,), (A,))]
        return CoverageReader(*weights), (rng.normal(size=(4, 3, H)), rng.normal(size=(3, 4, M)), mask)
