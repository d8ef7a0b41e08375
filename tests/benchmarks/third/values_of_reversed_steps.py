"""A small attentive decoder after Bahdanau: look with the old state, then step with token and context."""

from dataclasses import dataclass

import numpy as np


def softmax(x):
    e = np.exp(x - x.real.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@dataclass
class LookThenStep:
    Wa: np.ndarray  # (H, A)
    Ua: np.ndarray  # (M, A)
    va: np.ndarray  # (A,)
    Wy: np.ndarray  # (E, H)
    Wc: np.ndarray  # (M, H)
    Ws: np.ndarray  # (H, H)
    bs: np.ndarray  # (H,)

    def forward(self, ys, s0, memory, mask):  # (T, B, E), (B, H), (B, S, M), (B, S)
        s, states, steps, alphas = s0, [], [], []
        keys = memory @ self.Ua
        for y in ys:
            hidden = np.tanh(keys + (s @ self.Wa)[:, None])
            alpha = softmax(np.where(mask, hidden @ self.va, -np.inf))
            c = np.einsum("bs,bsm->bm", alpha, memory)
            s_new = np.tanh(y @ self.Wy + c @ self.Wc + s @ self.Ws + self.bs)
            steps.append((y, s, hidden, alpha, c, s_new))
            alphas.append(alpha)
            s = s_new
            states.append(s)
        return np.stack(states), (memory, steps, alphas)

    def backward(self, dstates, cache):
        memory, steps, alphas = cache
        dWa, dva, dWy, dWc, dWs, dbs = (
            np.zeros_like(w) for w in (self.Wa, self.va, self.Wy, self.Wc, self.Ws, self.bs)
        )
        dkeys = np.zeros((*memory.shape[:2], len(self.va)))
        dys, dcontexts = [], []
        ds = np.zeros_like(dstates[0])
        for dstate, (y, s, hidden, alpha, c, s_new) in zip(dstates[::-1], steps[::-1]):
            da = (ds + dstate) * (1 - s_new**2)
            dWy += y.T @ da
            dWc += c.T @ da
            dWs += s.T @ da
            dbs += da.sum(0)
            dys.append(da @ self.Wy.T)
            dc = da @ self.Wc.T
            dcontexts.append(dc)
            dalpha = np.einsum("bm,bsm->bs", dc, memory)
            dscore = alpha * (dalpha - (alpha * dalpha).sum(1, keepdims=True))
            dva += np.einsum("bs,bsa->a", dscore, hidden)
            dpre = dscore[..., None] * self.va * (1 - hidden**2)
            dkeys += dpre
            dquery = dpre.sum(1)
            dWa += s.T @ dquery
            ds = da @ self.Ws.T + dquery @ self.Wa.T
        dUa = np.einsum("bsm,bsa->ma", memory, dkeys)
        dmemory = dkeys @ self.Ua.T
        dmemory += np.einsum("tbs,tbm->bsm", np.stack(alphas), np.stack(dcontexts))
        return LookThenStep(dWa, dUa, dva, dWy, dWc, dWs, dbs), np.stack(dys[::-1]), ds, dmemory

    @staticmethod
    def case(rng):
        E, H, M, A = 3, 4, 5, 6
        shapes = (H, A), (M, A), (A,), (E, H), (M, H), (H, H), (H,)
        mask = np.arange(4) < np.array([4, 2, 3])[:, None]
        inputs = rng.normal(size=(4, 3, E)), rng.normal(size=(3, H)), rng.normal(size=(3, 4, M)), mask
        return LookThenStep(*(rng.normal(size=shape) for shape in shapes)), inputs
