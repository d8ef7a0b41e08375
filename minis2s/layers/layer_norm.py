"""Layer normalisation."""

from typing import NamedTuple

import numpy as np

from minis2s.layers.record import record

EPSILON = 1e-5


class LayerNormCache(NamedTuple):
    normal: np.ndarray  # (N, D) mean 0, variance 1
    deviation: np.ndarray  # (N, 1)


@record
class LayerNorm:
    """Bring every row to mean 0 and variance 1, then multiply and shift each column by a gain and a bias of its own.

    normal = (x - mean) / sqrt(variance + epsilon)     (1) over the D entries of a row
    y      = normal * g + b                            (2)

    References
    ----------
    Ba, Kiros & Hinton 2016, arXiv 1607.06450, equation (4); epsilon 1e-5 as in ``torch.nn.LayerNorm``.
    """

    g: np.ndarray  # (D,)
    b: np.ndarray  # (D,)

    @classmethod
    def init(cls, size: int) -> "LayerNorm":
        """Gain 1, bias 0."""
        return cls(g=np.ones(size), b=np.zeros(size))

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, LayerNormCache]:
        """Normalise x (N, D)."""
        centred = x - x.mean(-1, keepdims=True)
        deviation = np.sqrt((centred * centred).mean(-1, keepdims=True) + EPSILON)
        normal = centred / deviation  # (1)
        return normal * self.g + self.b, LayerNormCache(normal, deviation)  # (2)

    def backward(self, dy: np.ndarray, cache: LayerNormCache) -> tuple["LayerNorm", np.ndarray]:
        """Reverse forward: return the gradient and dx (N, D).

        dnormal = dy g                                                             (2)
        dx      = (dnormal - mean(dnormal) - normal mean(dnormal normal)) / deviation   (1)

        (1) fixes the mean and the length of a row, so the parts of dnormal that would change them are taken out.
        """
        normal, deviation = cache
        dnormal = dy * self.g
        along = (dnormal * normal).mean(-1, keepdims=True)
        dx = (dnormal - dnormal.mean(-1, keepdims=True) - normal * along) / deviation
        return LayerNorm(g=(dy * normal).sum(0), b=dy.sum(0)), dx
