"""Luong's decoder with input feeding: step, look by dot products, combine, and feed the result to the next step."""

import numpy as np

from minis2s.layers import record


@record
class InputFeeding:
    Wy: np.ndarray  # (E, H)
    Wf: np.ndarray  # (H, H)
    Wh: np.ndarray  # (H, H)
    bh: np.ndarray  # (H,)
    Wo: np.ndarray  # (2 H, H)
    bo: np.ndarray  # (H,)

    def forward(self, y, h0, memory, mask):
        h, fed = h0, np.zeros(h0.shape)
        outs, tape = [], []
        for t in range(len(y)):
            h_old, fed_old = h, fed
            h = np.tanh(y[t] @ self.Wy + fed @ self.Wf + h @ self.Wh + self.bh)
            score = np.where(mask, (memory @ h[:, :, None])[:, :, 0], -np.inf)
            p = np.exp(score - score.real.max(1, keepdims=True))
            p = p / p.sum(1, keepdims=True)
            both = np.hstack([(p[:, None] @ memory)[:, 0], h])
            fed = np.tanh(both @ self.Wo + self.bo)
            tape.append((h_old, fed_old, h, p, both, fed))
            outs.append(fed)
        return np.stack(outs), (y, memory, tape)

    def backward(self, douts, cache):
        y, memory, tape = cache
        dWy, dWf, dWh, dbh, dWo, dbo = (
            np.zeros_like(w) for w in (self.Wy, self.Wf, self.Wh, self.bh, self.Wo, self.bo)
        )
        dy, dmemory = np.zeros_like(y), np.zeros_like(memory)
        H = len(self.bh)
        dh, dfed = np.zeros((y.shape[1], H)), np.zeros((y.shape[1], H))
        for t in range(len(y) - 1, -1, -1):
            h_old, fed_old, h, p, both, out = tape[t]
            dout = douts[t].copy()
            dh += dfed
            da = dout * (1 - out**2)
            dWo += both.T @ da
            dbo += da.sum(0)
            dboth = da @ self.Wo.T
            dcontext = dboth[:, :H]
            dh += dboth[:, H:]
            dp = (memory @ dcontext[:, :, None])[:, :, 0]
            dscore = p * (dp - (p * dp).sum(1, keepdims=True))
            dh += (dscore[:, None] @ memory)[:, 0]
            dmemory += p[:, :, None] * dcontext[:, None] + dscore[:, :, None] * h[:, None]
            dz = dh * (1 - h**2)
            dWy += y[t].T @ dz
            dWf += fed_old.T @ dz
            dWh += h_old.T @ dz
            dbh += dz.sum(0)
            dy[t] = dz @ self.Wy.T
            dfed = dz @ self.Wf.T
            dh = dz @ self.Wh.T
        return InputFeeding(dWy, dWf, dWh, dbh, dWo, dbo), dy, dh, dmemory

    @staticmethod
    def case(rng):
        E, H = 3, 4
        shapes = (E, H), (H, H), (H, H), (H,), (2 * H, H), (H,)
        mask = np.arange(5) < np.array([5, 2, 3])[:, None]
        inputs = (rng.standard_normal(shape) for shape in ((4, 3, E), (3, H), (3, 5, H)))
        return InputFeeding(*(rng.standard_normal(shape) for shape in shapes)), (*inputs, mask)
