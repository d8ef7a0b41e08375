"""A gated recurrent unit over a batch of sequences of one length, a matrix and a name for everything."""

from dataclasses import dataclass

import numpy as np


def logistic(a):
    return 1 / (1 + np.exp(-a))


@dataclass
class GatedUnit:
    Wz: np.ndarray
    Uz: np.ndarray
    bz: np.ndarray
    Wr: np.ndarray
    Ur: np.ndarray
    br: np.ndarray
    Wn: np.ndarray
    Un: np.ndarray
    bn: np.ndarray
    cn: np.ndarray

    def forward(self, x, h0):  # (T, B, D), (B, H)
        h = h0
        states, steps = [], []
        for x_t in x:
            z = logistic(x_t @ self.Wz + h @ self.Uz + self.bz)
            r = logistic(x_t @ self.Wr + h @ self.Ur + self.br)
            u = h @ self.Un + self.cn
            n = np.tanh(x_t @ self.Wn + self.bn + r * u)
            steps.append((x_t, h, z, r, u, n))
            h = (1 - z) * n + z * h
            states.append(h)
        return np.stack(states), steps

    def backward(self, dstates, steps):
        dWz = np.zeros_like(self.Wz)
        dUz = np.zeros_like(self.Uz)
        dbz = np.zeros_like(self.bz)
        dWr = np.zeros_like(self.Wr)
        dUr = np.zeros_like(self.Ur)
        dbr = np.zeros_like(self.br)
        dWn = np.zeros_like(self.Wn)
        dUn = np.zeros_like(self.Un)
        dbn = np.zeros_like(self.bn)
        dcn = np.zeros_like(self.cn)
        dx = []
        carried = 0.0
        for t in reversed(range(len(steps))):
            x_t, h, z, r, u, n = steps[t]
            dh = dstates[t] + carried
            dn = dh * (1 - z)
            dz = dh * (h - n)
            dan = dn * (1 - n**2)
            daz = dz * z * (1 - z)
            dr = dan * u
            du = dan * r
            dar = dr * r * (1 - r)
            dWz += x_t.T @ daz
            dUz += h.T @ daz
            dbz += daz.sum(axis=0)
            dWr += x_t.T @ dar
            dUr += h.T @ dar
            dbr += dar.sum(axis=0)
            dWn += x_t.T @ dan
            dUn += h.T @ du
            dbn += dan.sum(axis=0)
            dcn += du.sum(axis=0)
            dx.append(daz @ self.Wz.T + dar @ self.Wr.T + dan @ self.Wn.T)
            carried = dh * (1 - z)
            carried = carried + daz @ self.Uz.T
            carried = carried + dar @ self.Ur.T
            carried = carried + du @ self.Un.T
        gradient = GatedUnit(dWz, dUz, dbz, dWr, dUr, dbr, dWn, dUn, dbn, dcn)
        return gradient, np.stack(dx[::-1]), carried

    @staticmethod
    def case(rng):
        D, H = 3, 4
        gates = [rng.normal(size=shape) for _ in range(3) for shape in ((D, H), (H, H), (H,))]
        return GatedUnit(*gates, rng.normal(size=H)), (rng.normal(size=(5, 2, D)), rng.normal(size=(2, H)))
