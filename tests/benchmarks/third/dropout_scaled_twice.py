"""Inverted dropout; a seed draws the same mask at every call."""

import numpy as np

from minis2s.layers import record


@record
class InvertedDropout:
    rate: float = 0.4

    def forward(self, x, seed):
        keep = 1 - self.rate
        mask = (np.random.default_rng(seed).random(x.shape) >= self.rate) / keep
        return x * mask, (mask, keep)

    def backward(self, dy, cache):
        mask, keep = cache
        return InvertedDropout(self.rate), dy * mask / keep

    @staticmethod
    def case(rng):
        return InvertedDropout(), (rng.standard_normal((5, 4)), 1)
