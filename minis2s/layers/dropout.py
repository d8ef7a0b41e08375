"""Dropout."""

import numpy as np

from minis2s.layers.record import record


@record
class Dropout:
    """Zero each entry with probability ``rate`` in training, and scale the others so that the mean stays.

    y = x * mask,  mask = 0 with probability rate, else 1 / (1 - rate)     (1)

    References
    ----------
    Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting", scaled in training
    rather than in use. Recurrent connections are left alone: Zaremba, Sutskever & Vinyals 2014, arXiv 1409.2329.
    """

    rate: float

    def forward(
        self, x: np.ndarray, rng: np.random.Generator | int | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return y, any shape, and the mask, which is None where nothing is dropped: at rate 0, or without ``rng``.

        A seed for ``rng`` draws the same mask at every call, which a gradient check needs.
        """
        if rng is None or self.rate == 0:
            return x, None
        kept = np.random.default_rng(rng).random(x.shape) >= self.rate
        mask = kept.astype(x.real.dtype) / (1 - self.rate)
        return x * mask, mask  # (1)

    def backward(self, dy: np.ndarray, mask: np.ndarray | None) -> tuple["Dropout", np.ndarray]:
        """Reverse forward: return the (empty) gradient and dx, any shape, which is dy where nothing was dropped."""
        return Dropout(self.rate), dy if mask is None else dy * mask  # (1)
