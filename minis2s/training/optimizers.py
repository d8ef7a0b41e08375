"""From gradients to updates. A model lies on one vector (``on_vector``), so an update is a few long operations."""

from typing import Any

import numpy as np

BLOCK = 1 << 16  # parameters that Adam updates at a time: what a processor's cache holds through all of its operations


def clip_inplace(gradient: np.ndarray, limit: float) -> float:
    """Shorten the gradient vector (n,) to ``limit`` where it is longer; return its norm before.

    The direction stays, because all arrays shrink by the same factor.

    References
    ----------
    Pascanu, Mikolov & Bengio 2013, arXiv 1211.5063, algorithm 1.
    """
    norm = float(np.dot(gradient, gradient)) ** 0.5
    if norm > limit:
        gradient *= limit / norm
    return norm


def clip_values_inplace(gradient: np.ndarray, limit: float) -> float:
    """Cut every entry of the gradient vector (n,) to between ``-limit`` and ``limit``; return its norm before.

    The direction changes: large entries lose their lead over the others.

    References
    ----------
    Mikolov 2012, PhD thesis, Brno; Goodfellow, Bengio & Courville 2016, Deep Learning, section 10.11.1.
    """
    norm = float(np.dot(gradient, gradient)) ** 0.5
    np.clip(gradient, -limit, limit, out=gradient)
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
        """Update the parameter vector (n,) from its gradient vector (n,)."""
        self.v *= self.momentum
        self.v += gradient
        parameters -= rate * self.v

    def state(self) -> dict[str, np.ndarray]:
        """Return what a resumed run needs, by name."""
        return {"v": self.v}

    def restore_inplace(self, state: dict[str, np.ndarray]) -> None:
        """Take up where ``state`` was taken."""
        self.v[:] = state["v"]


class RMSProp:
    """Each gradient over the root of the mean of its squares: frequent and rare tokens move at one pace.

    v = alpha v + (1 - alpha) g^2,  parameters -= rate g / (sqrt(v) + epsilon)

    References
    ----------
    Tieleman & Hinton 2012, Coursera: Neural Networks for Machine Learning, lecture 6.5; alpha and epsilon as in
    PyTorch's ``RMSprop``.
    """

    def __init__(self, size: int, dtype: Any, alpha: float = 0.99, epsilon: float = 1e-8):
        self.alpha, self.epsilon = alpha, epsilon
        self.v = np.zeros(size, dtype)

    def update_inplace(self, parameters: np.ndarray, gradient: np.ndarray, rate: float) -> None:
        """Update the parameter vector (n,) from its gradient vector (n,)."""
        self.v *= self.alpha
        self.v += (1 - self.alpha) * gradient * gradient
        parameters -= rate * gradient / (np.sqrt(self.v) + self.epsilon)

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
        """Update the parameter vector (n,) from its gradient vector (n,)."""
        self.t += 1
        root_v = (1 - self.beta2**self.t) ** 0.5
        rate_m = rate / (1 - self.beta1**self.t) * root_v  # (3) multiplied through by the root of v's correction
        for start in range(0, len(parameters), BLOCK):
            p, g, m, v = (array[start : start + BLOCK] for array in (parameters, gradient, self.m, self.v))
            m *= self.beta1
            m += (1 - self.beta1) * g  # (1)
            v *= self.beta2
            v += (1 - self.beta2) * g * g  # (2)
            p -= rate_m * m / (np.sqrt(v) + self.epsilon * root_v)  # (3)

    def state(self) -> dict[str, np.ndarray]:
        """Return what a resumed run needs, by name."""
        return {"m": self.m, "v": self.v, "t": np.array(self.t)}

    def restore_inplace(self, state: dict[str, np.ndarray]) -> None:
        """Take up where ``state`` was taken."""
        self.m[:], self.v[:], self.t = state["m"], state["v"], int(state["t"])


class AdamW(Adam):
    """Adam, and apart from it every parameter shrinks by a share of itself: parameters -= rate decay parameters.

    Added to the loss, the same penalty would be divided by sqrt(v) with the rest of the gradient. All parameters
    decay, biases and embeddings too.

    References
    ----------
    Loshchilov & Hutter 2019, arXiv 1711.05101, algorithm 2; with the decay times the rate, as in PyTorch's ``AdamW``.
    """

    def __init__(self, size: int, dtype: Any, decay: float = 0.01, **settings: float):
        super().__init__(size, dtype, **settings)
        self.decay = decay

    def update_inplace(self, parameters: np.ndarray, gradient: np.ndarray, rate: float) -> None:
        """Update the parameter vector (n,) from its gradient vector (n,)."""
        parameters *= 1 - rate * self.decay
        super().update_inplace(parameters, gradient, rate)


OPTIMIZERS = {"adam": Adam, "adamw": AdamW, "rmsprop": RMSProp, "momentum": Momentum}
CLIPS = {"norm": clip_inplace, "value": clip_values_inplace}
