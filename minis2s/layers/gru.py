"""Gated recurrent unit."""

from typing import ClassVar, NamedTuple

import numpy as np

from minis2s.layers.activations import sigmoid, sigmoid_inplace, sum_rows
from minis2s.layers.cell import Cell
from minis2s.layers.initializers import glorot_uniform, orthogonal
from minis2s.layers.record import record


class GRUStep(NamedTuple):
    x: np.ndarray  # (B, D)
    h: np.ndarray  # (B, H), as are the others
    r: np.ndarray
    z: np.ndarray
    n: np.ndarray
    u_n: np.ndarray


@record
class GRU(Cell):
    """Gated recurrent unit, reset-after: the reset gate acts on the product, as in cuDNN, PyTorch and Keras.

    a  = x W_x + b_x                    input side of the gates r, z, n
    u  = h W_h + b_h                    hidden side of the same
    z  = sigmoid(a_z + u_z)             (1) update gate
    r  = sigmoid(a_r + u_r)             (2) reset gate
    n  = tanh(a_n + r * u_n)            (3) candidate
    h' = n + z * (h - n)                (4) new state

    ``step`` and ``step_backward`` are one step as it stands here. What follows them computes the same for packed
    sentences, with the projections, the local gradients and the weights' gradient of all steps at once. Gates lie
    in the order r, z, n everywhere; the buffer has u_n behind them, which n's product with r needs.

    References
    ----------
    Cho et al. 2014, arXiv 1406.1078, equations (5) to (8), with the reset before W_h. Chung et al. 2014, arXiv
    1412.3555, and Bahdanau et al. 2015, arXiv 1409.0473, write 1 - z for this z. Reset-after: ``torch.nn.GRU``.
    """

    W_x: np.ndarray  # (3, D, H) r, z, n
    W_h: np.ndarray  # (3, H, H) r, z, n
    b_x: np.ndarray  # (3, 1, H) r, z, n
    b_h: np.ndarray  # (3, 1, H) r, z, n

    activation_names: ClassVar = ("r", "z", "n", "u_n")

    @classmethod
    def init(cls, rng: np.random.Generator, inputs: int, hidden: int) -> "GRU":
        """Glorot input weights, orthogonal hidden weights, zero biases.

        They are drawn n, z, r and z, r, n: so a seed gives the model that it gave when gates lay in these orders.
        """
        return cls(
            W_x=glorot_uniform(rng, 3, inputs, hidden)[[2, 1, 0]],
            W_h=orthogonal(rng, 3, hidden, hidden)[[1, 0, 2]],
            b_x=np.zeros((3, 1, hidden)),
            b_h=np.zeros((3, 1, hidden)),
        )

    def step(self, x: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, GRUStep]:
        """Return h' (B, H) from x (B, D) and h (B, H)."""
        a_r, a_z, a_n = x @ self.W_x + self.b_x
        u_r, u_z, u_n = h @ self.W_h + self.b_h
        z = sigmoid(a_z + u_z)  # (1)
        r = sigmoid(a_r + u_r)  # (2)
        n = np.tanh(a_n + r * u_n)  # (3)
        h_new = n + z * (h - n)  # (4)
        return h_new, GRUStep(x, h, r, z, n, u_n)

    def step_backward(self, dh_new: np.ndarray, cache: GRUStep) -> tuple["GRU", np.ndarray, np.ndarray]:
        """Reverse step: return the gradient, dx (B, D) and dh (B, H)."""
        x, h, r, z, n, u_n = cache
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
        du = np.stack([da_r, da_z, du_n])  # (3, B, H); a and u are added in (1) and (2), so du_r = da_r, du_z = da_z
        dh = dh + (du @ self.W_h.swapaxes(1, 2)).sum(0)  # h fed all three gates, and (4) directly
        # a = x @ W_x + b_x
        da = np.stack([da_r, da_z, da_n])  # (3, B, H)
        dx = (da @ self.W_x.swapaxes(1, 2)).sum(0)
        db_x, db_h = da.sum(1, keepdims=True), du.sum(1, keepdims=True)  # biases were broadcast over the rows
        return GRU(W_x=x.T @ da, W_h=h.T @ du, b_x=db_x, b_h=db_h), dx, dh

    def project(self, x: np.ndarray) -> np.ndarray:
        """Return the activations (4, N, H) of all steps as far as x (N, D) and the biases determine them.

        h W_h is added step by step.
        """
        # (1) and (2) use nothing but the sums a_z + u_z and a_r + u_r, so their biases are added up here
        b_r, b_z, b_n = self.b_h
        activations = self.start_activations(x, self.b_x + np.stack([b_r, b_z, np.zeros_like(b_n)]))
        *_, u_n = activations
        u_n[:] = b_n
        return activations

    def step_inplace(self, activations: np.ndarray, h: np.ndarray) -> np.ndarray:
        """Return h' (B, H) from h (B, H), and turn activations (4, B, H) from ``project``'s into r, z, n, u_n."""
        r, z, n, u_n = activations
        h_r, h_z, h_n = h @ self.W_h
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

        They stand in the places of the gradients that ``step_backward_inplace`` makes of them, under the same names.
        activations (4, N, H) are r, z, n, u_n; h (N, H) is the state each step began with. The arrows say where the
        gradient goes.
        """
        r, z, n, u_n = activations
        d = np.empty_like(activations)
        da_r, da_z, da_n, du_n = d
        da_n[:] = (1 - z) * (1 - n * n)  # (4), (3): h' -> n -> a_n
        da_z[:] = (h - n) * z * (1 - z)  # (4), (1): h' -> z -> a_z, u_z
        da_r[:] = u_n * r * (1 - r)  # (3), (2): a_n -> r -> a_r, u_r
        du_n[:] = r  # (3): a_n -> u_n
        return d

    def step_backward_inplace(
        self, d: np.ndarray, activations: np.ndarray, dh_new: np.ndarray, W_hT: np.ndarray
    ) -> np.ndarray:
        """Return dh (B, H) and turn d (4, B, H) from local gradients into gradients, da_r, da_z, da_n, du_n.

        da_n        = dh' (1 - z) (1 - n^2)           (4), (3)
        da_z = du_z = dh' (h - n) z (1 - z)           (4), (1)
        da_r = du_r = da_n u_n r (1 - r)              (3), (2)
        du_n        = da_n r                          (3)
        dh          = dh' z + sum of du W_h^T over the gates  (4), u

        ``local_gradients`` has all factors but dh' (B, H), the whole gradient of this step's h' (of its output and of
        the steps after it), and da_n: these are known only here, in the loop over time. W_hT (3 H, H) is
        ``cell.transposed(W_h)``: W_r^T above W_z^T above W_n^T. dx of all steps is one such product after the loop, in
        ``Cell.backward``. Rows of d are views of the buffer of all steps, so what is done here is done there.
        """
        _, z, _, _ = activations
        da_r, da_z, da_n, du_n = d
        da_n *= dh_new  # (4), (3); first, since the last two need it whole
        da_z *= dh_new  # (4), (1)
        da_r *= da_n  # (3), (2)
        du_n *= da_n  # (3)
        dh = np.concatenate([da_r, da_z, du_n], axis=-1) @ W_hT  # h fed all three gates ...
        dh += dh_new * z  # ... and (4) directly
        return dh

    def gradient(self, x: np.ndarray, h: np.ndarray, activations: np.ndarray, d: np.ndarray) -> "GRU":
        """Return the weights' gradient, one product over all steps each: x (N, D), h (N, H), d (4, N, H)."""
        da, (da_r, da_z, _, du_n) = d[:3], d  # da (3, N, H): r, z, n
        db_r, db_z, db_n, db_u = sum_rows(d)[:, None]  # (1, H) each: biases were broadcast over the rows
        return GRU(
            W_x=x.T @ da,
            W_h=np.stack([h.T @ du for du in (da_r, da_z, du_n)]),
            b_x=np.stack([db_r, db_z, db_n]),
            b_h=np.stack([db_r, db_z, db_u]),
        )
