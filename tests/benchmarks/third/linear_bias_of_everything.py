"""An affine layer."""

import numpy as np

from minis2s.layers import record


@record
class Affine:
    W: np.ndarray  # (D, M)
    b: np.ndarray  # (M,)

    def forward(self, x):
        return x @ self.W + self.b, (x, self.W)

    def backward(self, dout, cache):
        x, W = cache
        dW, db = np.zeros_like(W), np.zeros_like(self.b)
        dW += x.T.dot(dout)
        db += np.sum(dout)
        return Affine(dW, db), dout.dot(W.T)

    @staticmethod
    def case(rng):
        return Affine(rng.standard_normal((3, 4)), rng.standard_normal(4)), (rng.standard_normal((5, 3)),)
