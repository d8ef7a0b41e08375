"""The affine map."""

import numpy as np

from minis2s.layers.activations import sum_rows
from minis2s.layers.initializers import glorot_uniform
from minis2s.layers.record import record


@record
class Linear:
    """y = x W + b.  (1)"""

    W: np.ndarray  # (D, M)
    b: np.ndarray  # (M,)

    @classmethod
    def init(cls, rng: np.random.Generator, inputs: int, outputs: int) -> "Linear":
        """Glorot weights, zero bias."""
        return cls(W=glorot_uniform(rng, inputs, outputs), b=np.zeros(outputs))

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Map x (N, D) to y (N, M); the cache is x."""
        y = x @ self.W
        y += self.b
        return y, x  # (1)

    def backward(self, dy: np.ndarray, x: np.ndarray) -> tuple["Linear", np.ndarray]:
        """Reverse forward: from dy (N, M) return the gradient and dx (N, D)."""
        return Linear(W=x.T @ dy, b=sum_rows(dy)), dy @ self.W.T  # (1): b was broadcast over the rows
