"""Long short-term memory over packed sentences, its gradients made in place."""

from typing import ClassVar

import numpy as np

from minis2s.layers import record
from minis2s.layers.packing import step_slices


@record
class InPlaceLSTM:
    W_x: np.ndarray  # (4, D, H) g, i, f, o
    W_h: np.ndarray  # (4, H, H) g, i, f, o
    b: np.ndarray  # (4, 1, H) g, i, f, o

    activation_names: ClassVar = ("g", "i", "f", "o", "tanh_c")

    def forward(self, x, s0, alive):
        H, s = s0.shape[1] // 2, s0
        out, kept = [], []
        for now, size in zip(step_slices(alive), alive):
            h, c = s[:size, :H], s[:size, H:]
            a = x[now] @ self.W_x + h @ self.W_h + self.b
            g = np.tanh(a[0])
            i, f, o = 1 / (1 + np.exp(-a[1:]))
            c_new = f * c + i * g
            tanh_c = np.tanh(c_new)
            kept.append((now, h, c, g, i, f, o, tanh_c))
            s = np.hstack([o * tanh_c, c_new])
            out.append(s)
        return np.vstack(out), (x, kept)

    def backward(self, dout, cache):
        x, kept = cache
        W_x, W_h, b = np.zeros_like(self.W_x), np.zeros_like(self.W_h), np.zeros_like(self.b)
        dx = np.zeros_like(x)
        H = self.W_h.shape[-1]
        ds = dout[:0]
        for now, h, c, g, i, f, o, tanh_c in reversed(kept):
            total = dout[now].copy()
            total[: len(ds)] += ds
            dh, dc = total[:, :H], total[:, H:]
            d = np.stack([i * (1 - g * g), g * i * (1 - i), c * f * (1 - f), tanh_c * o * (1 - o)])
            d[3] *= dh
            dcell = dh * o * (1 - tanh_c**2)
            d[:3] *= dcell
            dcell += dc
            W_x += x[now].T @ d
            W_h += h.T @ d
            b += d.sum(1, keepdims=True)
            dx[now] = sum(d[k] @ self.W_x[k].T for k in range(4))
            ds = np.hstack([sum(d[k] @ self.W_h[k].T for k in range(4)), dcell * f])
        return InPlaceLSTM(W_x, W_h, b), dx, ds

    @staticmethod
    def case(rng):
        D, H, alive = 3, 4, [4, 4, 3, 1, 1]
        weights = (rng.standard_normal(shape) for shape in ((4, D, H), (4, H, H), (4, 1, H)))
        return InPlaceLSTM(*weights), (rng.standard_normal((13, D)), rng.standard_normal((4, 2 * H)), alive)
