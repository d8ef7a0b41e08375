# ruff: noqa
"""The gated recurrent unit, to be completed.

Write backward, then run:  python -m minis2s gradcheck mine.py:MyGRU --like gru
"""

from typing import ClassVar

import numpy as np

from minis2s.layers import record
from minis2s.layers.packing import step_slices  # [3, 2, 1] -> rows 0:3, 3:5, 5:6


@record
class MyGRU:
    """Gated recurrent unit, reset-after, over packed sentences: longest first, the rows of step 0, of step 1 ...

    a  = x W_x + b_x                    gates r, z, n
    u  = h W_h + b_h                    gates r, z, n
    z  = sigmoid(a_z + u_z)             (1)
    r  = sigmoid(a_r + u_r)             (2)
    n  = tanh(a_n + r * u_n)            (3)
    h' = n + z * (h - n)                (4)
    """

    W_x: np.ndarray  # (3, D, H) r, z, n
    W_h: np.ndarray  # (3, H, H) r, z, n
    b_x: np.ndarray  # (3, 1, H) r, z, n
    b_h: np.ndarray  # (3, 1, H) r, z, n

    activation_names: ClassVar = ("r", "z", "n", "u_n")  # the check names your gates by it

    def forward(self, x, s0, batch_sizes):  # x: (N, D); s0: (B, H); batch_sizes[t]: sentences longer than t
        h, hs, cache = s0, [], []
        for rows, size in zip(step_slices(batch_sizes), batch_sizes):
            h = h[:size]  # who has ended is behind
            a_r, a_z, a_n = x[rows] @ self.W_x + self.b_x  # (size, H) each
            u_r, u_z, u_n = h @ self.W_h + self.b_h
            z = 1 / (1 + np.exp(-(a_z + u_z)))  # (1)
            r = 1 / (1 + np.exp(-(a_r + u_r)))  # (2)
            n = np.tanh(a_n + r * u_n)  # (3)
            cache.append((h, r, z, n, u_n))
            h = n + z * (h - n)  # (4)
            hs.append(h)
        return np.concatenate(hs), (x, batch_sizes, cache)

    def backward(self, dhs, cache):  # dhs: (N, H), dL/dh' of every step
        x, batch_sizes, steps = cache
        dW_x, dW_h, db_x, db_h = (np.zeros_like(array) for array in (self.W_x, self.W_h, self.b_x, self.b_h))
        dx, dh = np.empty_like(x), np.zeros((0, dhs.shape[1]))  # dh comes from the step after: nothing yet
        for rows, size, (h, r, z, n, u_n) in reversed(list(zip(step_slices(batch_sizes), batch_sizes, steps))):
            dh_new = dhs[rows].copy()
            dh_new[: len(dh)] += dh  # a state is an output and the next step's input
            # Read (4) to (1) upwards:
            #   da_r, da_z, da_n = ...               (size, H) each
            #   du_r, du_z, du_n = ...               (size, H) each; u_n met r in (3)
            #   dW_x, dW_h, db_x, db_h += ...        += : the weights are used at every step
            #   dx[rows] = ...                        x fed three gates
            #   dh = ...                             h fed three gates, and (4) directly
            raise NotImplementedError
        return MyGRU(dW_x, dW_h, db_x, db_h), dx, dh  # dh is now that of s0

    @staticmethod
    def case(rng):  # weights and inputs to check with: four sentences of 5, 3, 3 and 2 tokens
        D, H, batch_sizes = 3, 4, [4, 4, 3, 1, 1]
        weights = (rng.standard_normal(shape) for shape in ((3, D, H), (3, H, H), (3, 1, H), (3, 1, H)))
        return MyGRU(*weights), (rng.standard_normal((13, D)), rng.standard_normal((4, H)), batch_sizes)
