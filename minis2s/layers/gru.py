"""Gated recurrent unit."""

from typing import ClassVar, NamedTuple

import numpy as np

from minis2s.layers.activations import sigmoid, sigmoid_inplace, sum_rows
from minis2s.layers.cell import Cell, through_weights
from minis2s.layers.initializers import glorot_uniform, orthogonal
from minis2s.layers.record import record


class GRUStep(NamedTuple):
    x: np.ndarray  # (B, D)
    h: np.ndarray  # (B, H), as are the others
    n: np.ndarray
    z: np.ndarray
    r: np.ndarray
    u_n: np.ndarray


@record
class GRU(Cell):
    """Gated recurrent unit, reset-after: the reset gate acts on the product, as in cuDNN, PyTorch and Keras.

    a  = x W_x + b_x                    input side of the gates n, z, r
    u  = h W_h + b_h                    hidden side of the gates z, r, n
    z  = sigmoid(a_z + u_z)             (1) update gate
    r  = sigmoid(a_r + u_r)             (2) reset gate
    n  = tanh(a_n + r * u_n)            (3) candidate
    h' = n + z * (h - n)                (4) new state

    ``step`` and ``step_backward`` are one step as it stands here. What follows them computes the same for packed
    sentences, with the projections, the local gradients and the weights' gradient of all steps at once. Its buffer
    holds a step in the order n, z, r, u_n: the first three are the input side, in the order of W_x, and the last three
    the hidden side, in the order of W_h.

    References
    ----------
    Cho et al. 2014, arXiv 1406.1078, equations (5) to (8), with the reset before W_h. Chung et al. 2014, arXiv
    1412.3555, and Bahdanau et al. 2015, arXiv 1409.0473, write 1 - z for this z. Reset-after: ``torch.nn.GRU``.
    """

    W_x: np.ndarray  # (3, D, H) n, z, r
    W_h: np.ndarray  # (3, H, H) z, r, n
    b_x: np.ndarray  # (3, 1, H) n, z, r
    b_h: np.ndarray  # (3, 1, H) z, r, n

    activation_names: ClassVar = ("n", "z", "r", "u_n")

    @classmethod
    def init(cls, rng: np.random.Generator, inputs: int, hidden: int) -> "GRU":
        """Glorot input weights, orthogonal hidden weights, zero biases."""
        return cls(
            W_x=glorot_uniform(rng, 3, inputs, hidden),
            W_h=orthogonal(rng, 3, hidden, hidden),
            b_x=np.zeros((3, 1, hidden)),
            b_h=np.zeros((3, 1, hidden)),
        )

    def step(self, x: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, GRUStep]:
        """Return h' (B, H) from x (B, D) and h (B, H)."""
        a_n, a_z, a_r = x @ self.W_x + self.b_x
        u_z, u_r, u_n = h @ self.W_h + self.b_h
        z = sigmoid(a_z + u_z)  # (1)
        r = sigmoid(a_r + u_r)  # (2)
        n = np.tanh(a_n + r * u_n)  # (3)
        h_new = n + z * (h - n)  # (4)
        return h_new, GRUStep(x, h, n, z, r, u_n)

    def step_backward(self, dh_new: np.ndarray, cache: GRUStep) -> tuple["GRU", np.ndarray, np.ndarray]:
        """Reverse step: return the gradient, dx (B, D) and dh (B, H)."""
        x, h, n, z, r, u_n = cache
        # (4) h_new = n + z * (h - n)
        dn = dh_new * (1 - z)
        dz = dh_new * (h - n)
        dh = dh_new * z
        # (3) n = tanh(a_n + r * u_n)
        da_n = dn * (1 - n * n)
        dr = da_n * u_n
        du_n = da_n * r
        # (2) r = sigmoid(a_r + u_r)
        da_r = dr * r * (1 - r)
        # (1) z = sigmoid(a_z + u_z)
        da_z = dz * z * (1 - z)
        # u = h @ W_h + b_h
        du = np.stack([da_z, da_r, du_n])  # (3, B, H)
        dh = dh + (du @ self.W_h.swapaxes(1, 2)).sum(0)  # h fed all three gates, and (4) directly
        # a = x @ W_x + b_x
        da = np.stack([da_n, da_z, da_r])
        dx = (da @ self.W_x.swapaxes(1, 2)).sum(0)
        db_x, db_h = da.sum(1, keepdims=True), du.sum(1, keepdims=True)  # biases were broadcast over the rows
        return GRU(W_x=x.T @ da, W_h=h.T @ du, b_x=db_x, b_h=db_h), dx, dh

    def project(self, x: np.ndarray) -> np.ndarray:
        """Return the activations (4, N, H) of all steps as far as x (N, D) and the biases determine them.

        h W_h is added step by step.
        """
        # (1) and (2) use nothing but the sums a_z + u_z and a_r + u_r, so their biases are added up here
        activations = self.start_activations(x, np.concatenate([self.b_x[:1], self.b_x[1:] + self.b_h[:2]]))
        activations[3] = self.b_h[2]
        return activations

    def step_inplace(self, activations: np.ndarray, h: np.ndarray) -> np.ndarray:
        """Return h' (B, H) from h (B, H), and turn activations (4, B, H) from ``project``'s into n, z, r, u_n."""
        n, z, r, u_n = activations
        h_z, h_r, h_n = h @ self.W_h
        z += h_z
        sigmoid_inplace(z)  # (1)
        r += h_r
        sigmoid_inplace(r)  # (2)
        u_n += h_n
        n += r * u_n
        np.tanh(n, out=n)  # (3)
        h_new = h - n
        h_new *= z
        h_new += n
        return h_new  # (4)

    def local_gradients(self, activations: np.ndarray, h: np.ndarray) -> np.ndarray:
        """Return the local gradients (4, N, H) of all steps at once: the factors that are known before the loop.

        activations (4, N, H) are n, z, r, u_n; h (N, H) is the state each step began with. The arrows say where the
        gradient goes.
        """
        n, z, r, u_n = activations
        d = np.empty_like(activations)
        d[0] = (1 - z) * (1 - n * n)  # (4), (3): h' -> n -> a_n
        d[1] = (h - n) * z * (1 - z)  # (4), (1): h' -> z -> a_z, u_z
        d[2] = u_n * r * (1 - r)  # (3), (2): a_n -> r -> a_r, u_r
        d[3] = r  # (3): a_n -> u_n
        return d

    def step_backward_inplace(
        self, d: np.ndarray, activations: np.ndarray, dh_new: np.ndarray, W_hT: np.ndarray
    ) -> np.ndarray:
        """Return dh (B, H) and turn d (4, B, H) from local gradients into gradients: da is d[:3], du is d[1:].

        da_n        = dh' (1 - z) (1 - n^2)           (4), (3)
        da_z = du_z = dh' (h - n) z (1 - z)           (4), (1)
        da_r = du_r = da_n u_n r (1 - r)              (3), (2)
        du_n        = da_n r                          (3)
        dh          = dh' z + sum of du W_h^T over the gates  (4), u

        ``local_gradients`` has all factors but dh' (B, H), which holds what later steps hand back, and da_n: these are
        known only here, in the loop over time. W_hT (3 H, H) is ``transposed(W_h)``. dx of all steps is one product
        after the loop, in ``Cell.backward``.
        """
        da_n, da_z, da_r, du_n = d
        da_n *= dh_new  # (4), (3)
        da_z *= dh_new  # (4), (1)
        da_r *= da_n  # (3), (2)
        du_n *= da_n  # (3)
        dh = through_weights(d[1:], W_hT)  # h fed all three gates ...
        dh += dh_new * activations[1]  # ... and (4) directly
        return dh

    def gradient(self, x: np.ndarray, h: np.ndarray, activations: np.ndarray, d: np.ndarray) -> "GRU":
        """Return the weights' gradient, one product over all steps each: x (N, D), h (N, H), d (4, N, H)."""
        db = sum_rows(d)[:, None]  # (4, 1, H): biases were broadcast over the rows
        return GRU(W_x=x.T @ d[:3], W_h=h.T @ d[1:], b_x=db[:3], b_h=db[1:].copy())
