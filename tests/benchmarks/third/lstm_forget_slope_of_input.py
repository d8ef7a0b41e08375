"""An LSTM over sequences of one length, all gates in one product, in the manner of CS231n's assignments."""

from dataclasses import dataclass

import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


@dataclass
class CourseLSTM:
    Wx: np.ndarray  # (D, 4 H): i, f, o, g
    Wh: np.ndarray  # (H, 4 H)
    b: np.ndarray  # (4 H,)

    def forward(self, x, h0, c0):  # (N, T, D), (N, H), (N, H)
        prev_h, prev_c = h0, c0
        h, caches = [], []
        for t in range(x.shape[1]):
            a = x[:, t] @ self.Wx + prev_h @ self.Wh + self.b
            ai, af, ao, ag = np.split(a, 4, axis=1)
            i, f, o, g = sigmoid(ai), sigmoid(af), sigmoid(ao), np.tanh(ag)
            next_c = f * prev_c + i * g
            next_h = o * np.tanh(next_c)
            caches.append((x[:, t], prev_h, prev_c, i, f, o, g, next_c))
            prev_h, prev_c = next_h, next_c
            h.append(next_h)
        return np.stack(h, axis=1), caches

    def backward(self, dh, caches):
        dx = np.zeros((dh.shape[0], dh.shape[1], self.Wx.shape[0]))
        dWx, dWh, db = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.b)
        dprev_h = np.zeros_like(dh[:, 0])
        dprev_c = np.zeros_like(dh[:, 0])
        for t in range(len(caches) - 1, -1, -1):
            x_t, prev_h, prev_c, i, f, o, g, next_c = caches[t]
            dnext_h = dh[:, t] + dprev_h
            dnext_c = dprev_c + dnext_h * o * (1 - np.tanh(next_c) ** 2)
            di = dnext_c * g * i * (1 - i)
            df = dnext_c * prev_c * i * (1 - i)
            do = dnext_h * np.tanh(next_c) * o * (1 - o)
            dg = dnext_c * i * (1 - g**2)
            da = np.hstack((di, df, do, dg))
            dx[:, t] = da @ self.Wx.T
            dWx += x_t.T @ da
            dWh += prev_h.T @ da
            db += np.sum(da, axis=0)
            dprev_h = da @ self.Wh.T
            dprev_c = dnext_c * f
        return CourseLSTM(dWx, dWh, db), dx, dprev_h, dprev_c

    @staticmethod
    def case(rng):
        N, T, D, H = 3, 4, 5, 2
        weights = rng.normal(size=(D, 4 * H)), rng.normal(size=(H, 4 * H)), rng.normal(size=4 * H)
        return CourseLSTM(*weights), (rng.normal(size=(N, T, D)), rng.normal(size=(N, H)), rng.normal(size=(N, H)))
