# ruff: noqa
"""The affine map, to be completed.

Write backward, then run:  python -m minis2s gradcheck mine.py:MyLinear --like linear
"""

import numpy as np

from minis2s.layers import record


@record
class MyLinear:
    """y = x W + b  (1)"""

    W: np.ndarray  # (D, M)
    b: np.ndarray  # (M,)

    def forward(self, x):  # x: (N, D)
        y = x @ self.W + self.b  # (1)
        return y, x  # output (N, M) and the cache: all that backward needs

    def backward(self, dy, cache):  # dy: (N, M), dL/dy
        x = cache
        # Read (1) backwards:
        #   dx = ...             (N, D), as x: how y depends on x
        #   dW = ...             (D, M), as W: a product of x and dy
        #   db = ...             (M,), as b, which was broadcast over the N rows
        raise NotImplementedError
        return MyLinear(W=dW, b=db), dx  # the gradient is a record of the same type

    @staticmethod
    def case(rng):  # weights and inputs to check with; random, since zeros and ones hide bugs
        return MyLinear(W=rng.standard_normal((3, 4)), b=rng.standard_normal(4)), (rng.standard_normal((5, 3)),)
