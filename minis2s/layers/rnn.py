"""The plain recurrent network."""

from typing import ClassVar, NamedTuple

import numpy as np

from minis2s.layers.activations import sum_rows
from minis2s.layers.cell import Cell
from minis2s.layers.initializers import glorot_uniform, orthogonal
from minis2s.layers.record import record


class RNNStep(NamedTuple):
    x: np.ndarray  # (B, D)
    h: np.ndarray  # (B, H)
    h_new: np.ndarray  # (B, H)


@record
class RNN(Cell):
    """h' = tanh(x W_x + h W_h + b).  (1)

    No gates: each step multiplies the gradient by W_h^T and by 1 - h'^2, which is why it soon vanishes.

    References
    ----------
    Elman 1990, "Finding structure in time", with tanh for his sigmoid. Bengio, Simard & Frasconi 1994, "Learning
    long-term dependencies with gradient descent is difficult".
    """

    W_x: np.ndarray  # (1, D, H)
    W_h: np.ndarray  # (1, H, H)
    b: np.ndarray  # (1, 1, H)

    activation_names: ClassVar = ("h",)

    @classmethod
    def init(cls, rng: np.random.Generator, inputs: int, hidden: int) -> "RNN":
        """Glorot input weights, orthogonal hidden weights, zero bias."""
        W_x, W_h = glorot_uniform(rng, 1, inputs, hidden), orthogonal(rng, 1, hidden, hidden)
        return cls(W_x, W_h, b=np.zeros((1, 1, hidden)))

    def step(self, x: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, RNNStep]:
        """Return h' (B, H) from x (B, D) and h (B, H)."""
        (W_x,), (W_h,), (b,) = self.W_x, self.W_h, self.b
        h_new = np.tanh(x @ W_x + h @ W_h + b)  # (1)
        return h_new, RNNStep(x, h, h_new)

    def step_backward(self, dh_new: np.ndarray, cache: RNNStep) -> tuple["RNN", np.ndarray, np.ndarray]:
        """Reverse step: return the gradient, dx (B, D) and dh (B, H)."""
        x, h, h_new = cache
        (W_x,), (W_h,) = self.W_x, self.W_h
        # (1) h_new = tanh(x @ W_x + h @ W_h + b)
        da = dh_new * (1 - h_new * h_new)
        dx = da @ W_x.T
        dh = da @ W_h.T
        return RNN(W_x=(x.T @ da)[None], W_h=(h.T @ da)[None], b=da.sum(0)[None, None]), dx, dh

    def project(self, x: np.ndarray) -> np.ndarray:
        """Return x W_x + b of all steps at once, (1, N, H)."""
        return self.start_activations(x, self.b)

    def step_inplace(self, activations: np.ndarray, h: np.ndarray) -> np.ndarray:
        """Return h' (B, H) from h (B, H), and leave it in activations (1, B, H), too."""
        activations += h @ self.W_h
        return np.tanh(activations, out=activations)[0]  # (1)

    def local_gradients(self, activations: np.ndarray, h: np.ndarray) -> np.ndarray:
        """Return the local gradient, tanh' = 1 - h'^2 (1, N, H), of all steps at once."""
        return 1 - activations * activations

    def step_backward_inplace(
        self, d: np.ndarray, activations: np.ndarray, dh_new: np.ndarray, W_hT: np.ndarray
    ) -> np.ndarray:
        """Return dh (B, H) = da W_h^T and turn d (1, B, H) from 1 - h'^2 into da = dh' (1 - h'^2)."""
        d *= dh_new  # (1)
        return d[0] @ W_hT  # (1)

    def gradient(self, x: np.ndarray, h: np.ndarray, activations: np.ndarray, d: np.ndarray) -> "RNN":
        """Return the weights' gradient, one product over all steps each: x (N, D), h (N, H), d (1, N, H)."""
        return RNN(W_x=x.T @ d, W_h=h.T @ d, b=sum_rows(d)[:, None])
