"""The gated recurrent unit as it was first written."""

from typing import ClassVar, NamedTuple

import numpy as np

from minis2s.layers.activations import sigmoid, sigmoid_inplace, sum_rows
from minis2s.layers.cell import Cell
from minis2s.layers.initializers import glorot_uniform, orthogonal
from minis2s.layers.record import record


class GRUResetBeforeStep(NamedTuple):
    x: np.ndarray  # (B, D)
    h: np.ndarray  # (B, H), as are the others
    r: np.ndarray
    z: np.ndarray
    n: np.ndarray
    rh: np.ndarray  # r * h


@record
class GRUResetBefore(Cell):
    """Gated recurrent unit, reset-before: the reset gate acts on the state, before the product.

    z  = sigmoid(x W_x[z] + h W_h[z] + b[z])        (1) update gate
    r  = sigmoid(x W_x[r] + h W_h[r] + b[r])        (2) reset gate
    n  = tanh(x W_x[n] + (r * h) W_h[n] + b[n])     (3) candidate
    h' = n + z * (h - n)                            (4) new state

    The candidate's product has to wait for r, so a step has two products one after the other where reset-after (gru.py)
    has one, which is why cuDNN changed the order.

    References
    ----------
    Cho et al. 2014, arXiv 1406.1078, equations (5) to (8), with biases; (4) is their (7).
    """

    W_x: np.ndarray  # (3, D, H) r, z, n
    W_h: np.ndarray  # (3, H, H) r, z, n
    b: np.ndarray  # (3, 1, H) r, z, n

    activation_names: ClassVar = ("r", "z", "n", "rh")

    @classmethod
    def init(cls, rng: np.random.Generator, inputs: int, hidden: int) -> "GRUResetBefore":
        """Glorot input weights, orthogonal hidden weights, zero biases; drawn n, z, r: see ``GRU.init``."""
        W_x, W_h = glorot_uniform(rng, 3, inputs, hidden), orthogonal(rng, 3, hidden, hidden)
        return cls(W_x[[2, 1, 0]], W_h[[2, 1, 0]], b=np.zeros((3, 1, hidden)))

    def step(self, x: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, GRUResetBeforeStep]:
        """Return h' (B, H) from x (B, D) and h (B, H)."""
        a_r, a_z, a_n = x @ self.W_x + self.b
        W_r, W_z, W_n = self.W_h
        z = sigmoid(a_z + h @ W_z)  # (1)
        r = sigmoid(a_r + h @ W_r)  # (2)
        rh = r * h
        n = np.tanh(a_n + rh @ W_n)  # (3)
        h_new = n + z * (h - n)  # (4)
        return h_new, GRUResetBeforeStep(x, h, r, z, n, rh)

    def step_backward(
        self, dh_new: np.ndarray, cache: GRUResetBeforeStep
    ) -> tuple["GRUResetBefore", np.ndarray, np.ndarray]:
        """Reverse step: return the gradient, dx (B, D) and dh (B, H)."""
        x, h, r, z, n, rh = cache
        W_r, W_z, W_n = self.W_h
        # (4) h_new = n + z * (h - n)
        dn = dh_new * (1 - z)
        dz = dh_new * (h - n)
        dh = dh_new * z
        # (3) n = tanh(a_n + rh @ W_n)
        da_n = dn * (1 - n * n)
        drh = da_n @ W_n.T
        # rh = r * h
        dr = drh * h
        dh = dh + drh * r
        # (2) r = sigmoid(a_r + h @ W_r)
        da_r = dr * r * (1 - r)
        # (1) z = sigmoid(a_z + h @ W_z)
        da_z = dz * z * (1 - z)
        dh = dh + da_z @ W_z.T + da_r @ W_r.T
        # a = x @ W_x + b
        da = np.stack([da_r, da_z, da_n])  # (3, B, H)
        dx = (da @ self.W_x.swapaxes(1, 2)).sum(0)
        dW_h = np.stack([h.T @ da_r, h.T @ da_z, rh.T @ da_n])
        return GRUResetBefore(W_x=x.T @ da, W_h=dW_h, b=da.sum(1, keepdims=True)), dx, dh

    def project(self, x: np.ndarray) -> np.ndarray:
        """Return the activations (4, N, H) of all steps, x W_x + b so far; the last, for r * h, is still empty."""
        return self.start_activations(x, self.b)

    def step_inplace(self, activations: np.ndarray, h: np.ndarray) -> np.ndarray:
        """Return h' (B, H) from h (B, H), and turn activations (4, B, H) into r, z, n, r * h."""
        r, z, n, rh = activations
        W_r, W_z, W_n = self.W_h
        z += h @ W_z
        sigmoid_inplace(z)  # (1)
        r += h @ W_r
        sigmoid_inplace(r)  # (2)
        np.multiply(r, h, out=rh)
        n += rh @ W_n
        np.tanh(n, out=n)  # (3)
        return n + z * (h - n)  # (4)

    def local_gradients(self, activations: np.ndarray, h: np.ndarray) -> np.ndarray:
        """Return the local gradients (4, N, H) of all steps at once: the factors that are known before the loop.

        activations (4, N, H) are r, z, n, r * h; h (N, H) is the state each step began with.
        """
        r, z, n, _ = activations
        d = np.empty_like(activations)
        da_r, da_z, da_n, dh_r = d
        da_n[:] = (1 - z) * (1 - n * n)  # (4), (3): h' -> n -> a_n
        da_z[:] = (h - n) * z * (1 - z)  # (4), (1): h' -> z -> a_z
        da_r[:] = h * r * (1 - r)  # (3), (2): rh -> r -> a_r
        dh_r[:] = r  # (3): rh -> h
        return d

    def step_backward_inplace(
        self, d: np.ndarray, activations: np.ndarray, dh_new: np.ndarray, W_hT: np.ndarray
    ) -> np.ndarray:
        """Return dh (B, H) and turn d (4, B, H) from local gradients into da_r, da_z, da_n and drh r.

        da_n = dh' (1 - z) (1 - n^2)                   (4), (3)
        da_z = dh' (h - n) z (1 - z)                   (4), (1)
        drh  = da_n W_h[n]^T                           (3)
        da_r = drh h r (1 - r)                         (3), (2)
        dh   = dh' z + drh r + da_z W_h[z]^T + da_r W_h[r]^T   (4), (3), (1), (2)
        """
        _, z, _, _ = activations
        da_r, da_z, da_n, dh_r = d
        H = self.hidden
        da_n *= dh_new  # (4), (3)
        da_z *= dh_new  # (4), (1)
        drh = da_n @ W_hT[2 * H :]  # (3)
        da_r *= drh  # (2)
        dh_r *= drh  # the state in r * h ...
        dh = np.concatenate([da_r, da_z], axis=-1) @ W_hT[: 2 * H]  # ... what fed the two gates ...
        dh += dh_r
        dh += dh_new * z  # ... and (4) directly
        return dh

    def gradient(self, x: np.ndarray, h: np.ndarray, activations: np.ndarray, d: np.ndarray) -> "GRUResetBefore":
        """Return the weights' gradient, one product over all steps each: x (N, D), h (N, H), d (4, N, H)."""
        *_, rh = activations
        da, (da_r, da_z, da_n, _) = d[:3], d  # da (3, N, H): r, z, n
        return GRUResetBefore(
            W_x=x.T @ da,
            W_h=np.stack([h.T @ da_r, h.T @ da_z, rh.T @ da_n]),  # n multiplied r * h, the others h
            b=sum_rows(da)[:, None],
        )
