"""One step of the gated unit of Cho et al. 2014, in which the reset gate acts on the state."""

import numpy as np

from minis2s.layers import record


@record
class ChoStep:
    W: np.ndarray  # (D, 3 H): update, reset, candidate
    U: np.ndarray  # (H, 2 H): update, reset
    U_cand: np.ndarray  # (H, H)
    bias: np.ndarray  # (3 H,)

    def forward(self, x, h):
        H = h.shape[1]
        pre = x @ self.W + self.bias
        gates = 1 / (1 + np.exp(-(pre[:, : 2 * H] + h @ self.U)))
        update, reset = gates[:, :H], gates[:, H:]
        filtered = reset * h
        candidate = np.tanh(pre[:, 2 * H :] + filtered @ self.U_cand)
        return update * h + (1 - update) * candidate, (x, h, update, reset, filtered, candidate)

    def backward(self, dout, cache):
        x, h, update, reset, filtered, candidate = cache
        dpre_cand = dout * (1 - update) * (1 - candidate**2)
        dfiltered = dpre_cand @ self.U_cand
        dpre_update = dout * (h - candidate) * update * (1 - update)
        dpre_reset = dfiltered * h * reset * (1 - reset)
        dgates = np.hstack([dpre_update, dpre_reset])
        dpre = np.hstack([dgates, dpre_cand])
        dh = dout * update + dfiltered * reset + dgates @ self.U.T
        return ChoStep(x.T @ dpre, h.T @ dgates, filtered.T @ dpre_cand, dpre.sum(0)), dpre @ self.W.T, dh

    @staticmethod
    def case(rng):
        D, H = 3, 4
        weights = [rng.standard_normal(shape) for shape in ((D, 3 * H), (H, 2 * H), (H, H), (3 * H,))]
        return ChoStep(*weights), (rng.standard_normal((5, D)), rng.standard_normal((5, H)))
