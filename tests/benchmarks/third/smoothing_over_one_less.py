"""Cross-entropy with smoothed labels, over packed tokens."""

import numpy as np

from minis2s.layers import record


@record
class SmoothedLoss:
    smoothing: float = 0.3

    def forward(self, logits, target):  # (N, V), (N,)
        N = len(target)
        top = logits.real.max(1, keepdims=True)
        log_p = logits - top - np.log(np.exp(logits - top).sum(1, keepdims=True))
        hit = log_p[np.arange(N), target]
        loss = -((1 - self.smoothing) * hit + self.smoothing * log_p.mean(1)).sum() / N
        return loss, (log_p, target)

    def backward(self, dloss, cache):
        log_p, target = cache
        N, V = log_p.shape
        q = np.full((N, V), self.smoothing / (V - 1))
        q[np.arange(N), target] += 1 - self.smoothing
        return SmoothedLoss(self.smoothing), (np.exp(log_p) - q) * dloss / N

    @staticmethod
    def case(rng):
        return SmoothedLoss(), (rng.standard_normal((5, 7)), np.array([4, 2, 4, 0, 6]))
