"""From gradients to updates. A model lies on one vector (``on_vector``), so an update is a few long operations."""

from typing import Any

import numpy as np



def clip_inplace(gradient: np.ndarray, limit: float) -> float:
    """Shorten the gradient vector to ``limit`` where it is longer; return its norm before.

    The direction stays, because all arrays shrink by the same factor.

    References
    ----------
    Pascanu, Mikolov & Bengio 2013, arXiv 1211.5063, algorithm 1.
    """
    norm = float(np.dot(gradient, gradient)) ** 0.5
    if norm > limit:
        gradient *= limit / norm
    return norm


class Momentum:
    """Gradient descent with momentum: v = momentum v + g,  parameters -= rate v.

    References
    ----------
    Polyak 1964; in this form (the rate outside v) as in PyTorch's ``SGD``.
    """

    def __init__(self, size: int, dtype: Any, momentum: float = 0.9):
        self.momentum = momentum
        self.v = np.zeros(size, dtype)

    def update_inplace(self, parameters: np.ndarray, gradient: np.ndarray, rate: float) -> None:
        """Update the parameter vector from its gradient vector."""
        self.v *= self.momentum
        self.v += gradient
        parameters -= rate * self.v

    def state(self) -> dict[str, np.ndarray]:
        """Return what a resumed run needs, by name."""
        return {"v": self.v}

    def restore_inplace(self, state: dict[str, np.ndarray]) -> None:
        """Take up where ``state`` was taken."""
        self.v[:] = state["v"]


class Adam:
    """Steps of about the size of ``rate`` for every parameter, however large its gradients are.

    m = beta1 m + (1 - beta1) g                 (1) mean
    v = beta2 v + (1 - beta2) g^2               (2) uncentred variance
    step = rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)   (3) both corrected for their start at 0

    References
    ----------
    Kingma & Ba 2015, arXiv 1412.6980, algorithm 1.
    """

    def __init__(self, size: int, dtype: Any, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8):
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon
        self.m, self.v, self.t = np.zeros(size, dtype), np.zeros(size, dtype), 0

    def update_inplace(self, parameters: np.ndarray, gradient: np.ndarray, rate: float) -> None:
        """Update the parameter vector from its gradient vector."""
        self.t += 1
        root_v = (1 - self.beta2**self.t) ** 0.5
        rate_m = rate / (1 - self.beta1**self.t) * root_v  # (3) multiplied through by the root of v's correction
        self.m *= self.beta1
        self.m += (1 - self.beta1) * gradient  # (1)
        self.v *= self.beta2
        self.v += (1 - self.beta2) * gradient * gradient  # (2)
        parameters -= rate_m * self.m / (np.sqrt(self.v) + self.epsilon * root_v)  # (3)

    def state(self) -> dict[str, np.ndarray]:
        """Return what a resumed run needs, by name."""
        return {"m": self.m, "v": self.v, "t": np.array(self.t)}

    def restore_inplace(self, state: dict[str, np.ndarray]) -> None:
        """Take up where ``state`` was taken."""
        self.m[:], self.v[:], self.t = state["m"], state["v"], int(state["t"])


OPTIMIZERS = {"adam": Adam, "momentum": Momentum}
