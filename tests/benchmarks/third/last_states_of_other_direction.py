"""A bidirectional encoder of two plain recurrent cells: its memory, and behind it the states in which they end."""

import numpy as np

from minis2s.layers import record


@record
class BothWays:
    W_right: np.ndarray  # (D, H)
    U_right: np.ndarray  # (H, H)
    b_right: np.ndarray  # (H,)
    W_left: np.ndarray
    U_left: np.ndarray
    b_left: np.ndarray

    def forward(self, x, h_right, h_left):  # (T, B, D), (B, H), (B, H)
        T = len(x)
        rights, lefts = [h_right], [h_left]
        for t in range(T):
            rights.append(np.tanh(x[t] @ self.W_right + rights[-1] @ self.U_right + self.b_right))
        for t in reversed(range(T)):
            lefts.append(np.tanh(x[t] @ self.W_left + lefts[-1] @ self.U_left + self.b_left))
        memory = np.concatenate([np.stack(rights[1:]), np.stack(lefts[:0:-1])], axis=-1)
        last = np.concatenate([rights[-1], lefts[-1]], axis=-1)
        return np.concatenate([memory, last[None]]), (x, rights, lefts)  # (T + 1, B, 2 H)

    def backward(self, dout, cache):
        x, rights, lefts = cache
        dmemory, dlast = dout[:-1], dout[-1]
        dmem_right, dmem_left = np.split(dmemory, 2, axis=-1)
        dlast_left, dlast_right = np.split(dlast, 2, axis=-1)
        gradient_right, dx_right, dh_right = self.one_way(
            dmem_right, dlast_right, x, rights, self.W_right, self.U_right
        )
        gradient_left, dx_left, dh_left = self.one_way(
            dmem_left[::-1], dlast_left, x[::-1], lefts, self.W_left, self.U_left
        )
        return BothWays(*gradient_right, *gradient_left), dx_right + dx_left[::-1], dh_right, dh_left

    @staticmethod
    def one_way(dstates, dlast, x, states, W, U):
        dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros(len(U))
        dx = np.zeros_like(x)
        dh = dlast
        for t in reversed(range(len(x))):
            da = (dh + dstates[t]) * (1 - states[t + 1] ** 2)
            dW += x[t].T @ da
            dU += states[t].T @ da
            db += da.sum(0)
            dx[t] = da @ W.T
            dh = da @ U.T
        return (dW, dU, db), dx, dh

    @staticmethod
    def case(rng):
        D, H = 3, 2
        weights = [rng.standard_normal(shape) for _ in range(2) for shape in ((D, H), (H, H), (H,))]
        inputs = rng.standard_normal((4, 3, D)), rng.standard_normal((3, H)), rng.standard_normal((3, H))
        return BothWays(*weights), inputs
