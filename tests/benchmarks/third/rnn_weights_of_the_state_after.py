"""Elman's network, the states of all steps in one list that begins with the first state."""

import numpy as np

from minis2s.layers import record


@record
class Elman:
    V: np.ndarray  # (D, H)
    U: np.ndarray  # (H, H)
    c: np.ndarray  # (H,)

    def forward(self, inputs, start):  # (T, B, D), (B, H)
        hs = [start]
        for x in inputs:
            hs.append(np.tanh(x @ self.V + hs[-1] @ self.U + self.c))
        return np.array(hs[1:]), (inputs, hs)

    def backward(self, douts, cache):
        inputs, hs = cache
        dV = np.zeros_like(self.V)
        dU = np.zeros_like(self.U)
        dc = np.zeros_like(self.c)
        dinputs = np.zeros_like(inputs)
        dh = np.zeros_like(hs[0])
        for t in range(len(inputs))[::-1]:
            dh = dh + douts[t]
            da = dh * (1 - hs[t + 1] ** 2)
            dV += inputs[t].T @ da
            dU += hs[t + 1].T @ da
            dc += da.sum(0)
            dinputs[t] = da @ self.V.T
            dh = da @ self.U.T
        return Elman(dV, dU, dc), dinputs, dh

    @staticmethod
    def case(rng):
        layer = Elman(rng.standard_normal((3, 4)), rng.standard_normal((4, 4)), rng.standard_normal(4))
        return layer, (rng.standard_normal((5, 2, 3)), rng.standard_normal((2, 4)))
