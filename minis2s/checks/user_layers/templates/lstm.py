# ruff: noqa
"""Long short-term memory, to be completed.

Write backward, then run:  python -m minis2s gradcheck mine.py:MyLSTM --like lstm
"""

from typing import ClassVar

import numpy as np

from minis2s.layers import record
from minis2s.layers.packing import step_slices  # [3, 2, 1] -> rows 0:3, 3:5, 5:6


def sigmoid(x):
    """Return 1 / (1 + e^-x)."""
    return 1 / (1 + np.exp(-x))


@record
class MyLSTM:
    """Long short-term memory over packed sentences: longest first, the rows of step 0, of step 1 ...

    a  = x W_x + h W_h + b              gates g, i, f, o
    i  = sigmoid(a_i)                   (1)
    f  = sigmoid(a_f)                   (2)
    o  = sigmoid(a_o)                   (3)
    g  = tanh(a_g)                      (4)
    c' = f * c + i * g                  (5)
    h' = o * tanh(c')                   (6)
    """

    W_x: np.ndarray  # (4, D, H) g, i, f, o
    W_h: np.ndarray  # (4, H, H) g, i, f, o
    b: np.ndarray  # (4, 1, H) g, i, f, o

    activation_names: ClassVar = ("g", "i", "f", "o", "tanh_c")  # the check names your gates by it

    def forward(
        self, x, s0, batch_sizes
    ):  # x: (N, D); s0: (B, 2 H), h and c side by side; batch_sizes[t]: sentences longer than t
        s, ss, cache = s0, [], []
        for rows, size in zip(step_slices(batch_sizes), batch_sizes):
            h, c = np.split(s[:size], 2, axis=1)  # who has ended is behind
            a_g, a_i, a_f, a_o = x[rows] @ self.W_x + h @ self.W_h + self.b  # (size, H) each
            i, f, o, g = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o), np.tanh(a_g)  # (1) to (4)
            c_new = f * c + i * g  # (5)
            cache.append((h, c, i, f, o, g, np.tanh(c_new)))
            s = np.concatenate([o * np.tanh(c_new), c_new], axis=1)  # (6)
            ss.append(s)
        return np.concatenate(ss), (x, batch_sizes, cache)

    def backward(self, dstates, cache):  # dstates: (N, 2 H), dL/dh' and dL/dc' of every step
        x, batch_sizes, steps = cache
        dW_x, dW_h, db = (np.zeros_like(array) for array in (self.W_x, self.W_h, self.b))
        dx, ds = np.empty_like(x), np.zeros((0, dstates.shape[1]))  # ds comes from the step after: nothing yet
        for rows, size, (h, c, i, f, o, g, tanh_c) in reversed(list(zip(step_slices(batch_sizes), batch_sizes, steps))):
            ds_new = dstates[rows].copy()
            ds_new[: len(ds)] += ds  # a state is an output and the next step's input
            dh_new, dc_new = np.split(ds_new, 2, axis=1)
            # Read (6) to (1) upwards:
            #   dc_new += ...                        (6): c' is shown and remembered
            #   da_g, da_i, da_f, da_o = ...         (size, H) each
            #   dW_x, dW_h, db += ...                += : the weights are used at every step
            #   dx[now] = ...                        x fed four gates
            #   ds = ...                             dh and dc side by side
            raise NotImplementedError
        return MyLSTM(dW_x, dW_h, db), dx, ds  # ds is now that of s0

    @staticmethod
    def case(rng):  # weights and inputs to check with: four sentences of 5, 3, 3 and 2 tokens
        D, H, batch_sizes = 3, 4, [4, 4, 3, 1, 1]
        weights = (rng.standard_normal(shape) for shape in ((4, D, H), (4, H, H), (4, 1, H)))
        return MyLSTM(*weights), (rng.standard_normal((13, D)), rng.standard_normal((4, 2 * H)), batch_sizes)
