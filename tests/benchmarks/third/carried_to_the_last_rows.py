"""The gated recurrent unit of the course, gates side by side, over packed sentences."""

from typing import ClassVar

import numpy as np

from minis2s.layers import record
from minis2s.layers.packing import step_slices


def sigm(x):
    return 1 / (1 + np.exp(-x))


@record
class PackedGRU:
    W_x: np.ndarray  # (3, D, H) n, z, r
    W_h: np.ndarray  # (3, H, H) z, r, n
    b_x: np.ndarray  # (3, 1, H) n, z, r
    b_h: np.ndarray  # (3, 1, H) z, r, n

    activation_names: ClassVar = ("n", "z", "r", "u_n")

    def forward(self, x, s0, alive):
        h, outs, tape = s0, [], []
        for rows, size in zip(step_slices(alive), alive):
            h = h[:size]
            a, u = x[rows] @ self.W_x + self.b_x, h @ self.W_h + self.b_h
            z, r = sigm(a[1:] + u[:2])
            n = np.tanh(a[0] + r * u[2])
            tape.append((rows, h, z, r, n, u[2]))
            h = n + z * (h - n)
            outs.append(h)
        return np.concatenate(outs), (x, tape)

    def backward(self, douts, cache):
        x, tape = cache
        d_in, d_hid = [], []
        back = douts[:0]
        for rows, h, z, r, n, u_n in reversed(tape):
            g = douts[rows].copy()
            g[len(g) - len(back) :] += back
            dn = g * (1 - z) * (1 - n * n)
            dz, dr = g * (h - n) * z * (1 - z), dn * u_n * r * (1 - r)
            d_in.append(np.stack([dn, dz, dr]))
            d_hid.append(np.stack([dz, dr, dn * r]))
            back = (d_hid[-1] @ self.W_h.swapaxes(1, 2)).sum(0) + g * z
        da, du = (np.concatenate(parts[::-1], axis=1) for parts in (d_in, d_hid))
        before = np.concatenate([step[1] for step in tape])
        gradient = PackedGRU(x.T @ da, before.T @ du, da.sum(1, keepdims=True), du.sum(1, keepdims=True))
        return gradient, (da @ self.W_x.swapaxes(1, 2)).sum(0), back

    @staticmethod
    def case(rng):
        D, H, alive = 3, 4, [4, 4, 3, 1, 1]
        weights = (rng.standard_normal(shape) for shape in ((3, D, H), (3, H, H), (3, 1, H), (3, 1, H)))
        return PackedGRU(*weights), (rng.standard_normal((13, D)), rng.standard_normal((4, H)), alive)
